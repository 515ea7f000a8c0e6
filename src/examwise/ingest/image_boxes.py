"""Boxes drawn on images of an archive, before it is known which slices these become."""

from __future__ import annotations

from typing import NamedTuple

from examwise.imaging.annotation_geometry import Box


class ImageBox(NamedTuple):
    """A box on one image.

    Attributes:
        box: In pixels of the image as it lies in its file.
        finding: What it holds.
        chronic: Whether it was said to hold a chronic bleed.
    """

    box: Box
    finding: str
    chronic: bool
