"""Colour-coded masks joined to the images of an archive."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from examwise.core.digests import file_digest, sha256_hex
from examwise.core.errors import InputError
from examwise.core.task import Task
from examwise.imaging.colour_masks import MASK_SUFFIXES
from examwise.imaging.reasons import IMAGE_SUFFIXES
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text
from examwise.ingest.join_counts import MOST_EXAMPLES
from examwise.ingest.mask_colours import MaskColours, read_mask_colours
from examwise.ingest.scan import ScannedFile

MASK_SOURCE = "colour_mask"
"""Source of what masks show."""


@dataclass(frozen=True)
class ImageMasks:
    """A folder of colour-coded masks.

    Attributes:
        folder: The folder.
        names: Sorted paths of the masks within it, with forward slashes.
        colours: What their colours mean.
        digest: Of the masks and of what says what they mean.
    """

    folder: Path = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    colours: MaskColours
    digest: str

    @property
    def paths(self) -> list[Path]:
        """The masks."""
        return [self.folder / name for name in self.names]


def open_image_masks(folder: Path, colours_file: Path, task: Task) -> ImageMasks:
    """List a folder's masks and read what their colours mean.

    Raises:
        InputError: If the folder has no masks, or the file does not say what it must.
    """
    colours = read_mask_colours(colours_file, task)
    names = sorted(
        path.relative_to(folder).as_posix()
        for top, _, files in os.walk(folder)
        for name in files
        if not name.startswith(".") and (path := Path(top, name)).suffix.lower() in MASK_SUFFIXES
    )
    if not names:
        raise InputError(
            where=folder,
            expected=f"a folder with masks ({', '.join(MASK_SUFFIXES)})",
            got="none" if folder.is_dir() else "no folder",
            remedy="check --masks",
        )
    others = [colours_file, *([colours.list_file] if colours.list_file else [])]
    try:
        lines = [f"{name} {file_digest(folder / name)}" for name in names]
        lines += [file_digest(path) for path in others]
    except OSError as error:
        raise InputError(
            where=folder,
            expected="masks, and their list if there is one, that can be read",
            got=error.strerror,
            remedy="check --masks and --mask-colours",
        ) from None
    digest = sha256_hex("\n".join(lines).encode("utf-8", "surrogateescape"))
    return ImageMasks(folder, tuple(names), colours, digest)


def join_image_masks(
    files: Sequence[ScannedFile], labels: ArchiveLabels, masks: ImageMasks
) -> ArchiveLabels:
    """Find each mask's image.

    Args:
        files: All files of the source.
        labels: Labels of the archive.
        masks: The masks.

    Raises:
        InputError: If no mask has an image.
    """
    images: dict[str, list[ScannedFile]] = defaultdict(list)
    for file in files:
        if file.kind == "dicom":
            images[_name_of(file, masks.colours)].append(file)
    wanted = _images_by_mask(masks)
    joined: dict[str, str] = {}
    codes: dict[str, list[int]] = defaultdict(list)
    claimed = Counter(wanted[name] for name in masks.names if name in wanted)
    for number, name in enumerate(masks.names, 1):
        found = images.get(wanted.get(name, ""), []) if wanted.get(name) else []
        usable = [file for file in found if not file.reason]
        if not found:
            codes["colour_masks_without_image"].append(number)
        elif claimed[wanted[name]] > 1:
            codes["colour_masks_of_one_image"].append(number)
        elif len(usable) > 1:
            codes["colour_masks_of_several_images"].append(number)
        elif not usable:
            codes["colour_masks_in_another_series"].append(number)
        else:
            joined[usable[0].path] = name
    if len(codes["colour_masks_without_image"]) == len(masks.names):
        raise InputError(
            where=masks.folder,
            expected=f"masks that are named for images of the source ({masks.colours.match})",
            got=f"{len(masks.names)} masks, none of which is",
            remedy="check match, pattern and list in the file of colours, or leave --masks out",
        )
    examples = {
        code: [f"mask {number} of {len(masks.names)} by name" for number in found[:MOST_EXAMPLES]]
        for code, found in codes.items()
    }
    counts = {code: len(found) for code, found in codes.items()}
    return replace(
        labels,
        annotations=replace(labels.annotations, image_masks=joined),
        counts={**labels.counts, "colour_masks": len(masks.names), **counts},
        examples={**labels.examples, **examples},
    )


def _name_of(file: ScannedFile, colours: MaskColours) -> str:
    if colours.match == "sop_instance_uid":
        return file.sop_instance_uid
    if colours.match == "list":
        return file.path
    name = PurePosixPath(file.path).name
    suffix = next((end for end in IMAGE_SUFFIXES if name.lower().endswith(end)), "")
    return name[: len(name) - len(suffix)]


def _images_by_mask(masks: ImageMasks) -> Mapping[str, str]:
    colours = masks.colours
    if colours.list_file:
        return _listed(colours.list_file, masks)
    stems = {name: PurePosixPath(name).stem for name in masks.names}
    if colours.pattern is None:
        return stems
    pattern = re.compile(colours.pattern)
    found = {name: pattern.fullmatch(stem) for name, stem in stems.items()}
    return {name: match[1] for name, match in found.items() if match and match[1]}


def _listed(path: Path, masks: ImageMasks) -> Mapping[str, str]:
    table = collect_csv_text(scan_csv_text(path, "mask", "path"), path).sort(ROW)
    names = {*masks.names}
    wanted: dict[str, str] = {}
    for row in table.iter_rows(named=True):
        mask, image = (_normalised(row[column]) for column in ("mask", "path"))
        if mask not in names or not image or wanted.get(mask, image) != image:
            raise InputError(
                where=f"{path}, row {row[ROW]}",
                expected="a mask within the folder of masks and one image within the source",
                got="no such mask" if mask not in names else "none or another image",
                remedy="correct the row",
            )
        wanted[mask] = image
    return wanted


def _normalised(text: str | None) -> str:
    parts = (text or "").strip().replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))
