"""Smooth random shapes pasted into slices: blobs of any size and elongation, denser or darker.

They are generic on purpose: nothing here knows how any finding looks, or where it lies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from examwise.core.errors import InputError

_COARSE, _FINE = 12, 32
"""Nodes, across a slice, of the two random fields that make outlines irregular."""
_COARSE_AMPLITUDE, _FINE_AMPLITUDE = 0.35, 0.2
_EDGE_STEEPNESS = 6.0
_NUMBERS = ("pasted", "denser", "density", "radius", "angle", "elongation", "place")
_LARGEST_LOG_ELONGATION = 1.4
_TISSUE_SHARE = 0.7
_TISSUE_REACH = 5 / 96
"""Around a pixel, as a share of the image's side, this share must be tissue for it to be inside."""


@dataclass(frozen=True)
class ShapeConfig:
    """What shapes are drawn.

    Attributes:
        share: Share of slices that get a shape.
        denser_share: Share of the shapes that are denser than what was there; others are darker.
        density_hu: Least and most by which they are denser.
        darker_factor: What of that remains for darker ones.
        radius: Least and largest radius before elongation, as a share of the image's longer side;
            its logarithm is uniform.
        tissue_hu: What counts as tissue; shapes lie in it only.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> ShapeConfig(share=0.5).share
        0.5
    """

    share: float = 0.6
    denser_share: float = 0.65
    density_hu: tuple[float, float] = (8.0, 63.0)
    darker_factor: float = 0.5
    radius: tuple[float, float] = (0.0127, 0.094)
    tissue_hu: tuple[float, float] = (-5.0, 90.0)

    def __post_init__(self) -> None:
        for name in ("share", "denser_share", "darker_factor"):
            if not 0 <= getattr(self, name) <= 1:
                raise _refusal(name, "a share, 0 to 1", getattr(self, name))
        for field in fields(self):
            if not isinstance(field.default, tuple):
                continue
            values = tuple(float(value) for value in getattr(self, field.name))
            if len(values) != 2 or not (values[0] < values[1] and all(map(math.isfinite, values))):
                raise _refusal(field.name, "two numbers, the lesser first", values)
            object.__setattr__(self, field.name, values)
        for name in ("density_hu", "radius"):
            if getattr(self, name)[0] <= 0:
                raise _refusal(name, "numbers above 0", getattr(self, name))


def draw_shapes(streams: Sequence[np.random.Generator]) -> dict[str, Tensor]:
    """Draw a shape for each slice, whether or not it will be pasted.

    Args:
        streams: A generator for each of N slices.

    Returns:
        ``numbers``, float32 in 0 … 1, shape (N, 7), and standard normal ``coarse`` (N, 12, 12)
        and ``fine`` (N, 32, 32).
    """
    n_numbers, n_coarse = len(_NUMBERS), _COARSE**2
    numbers = np.stack([stream.random(n_numbers, np.float32) for stream in streams])
    nodes = np.stack(
        [stream.standard_normal(n_coarse + _FINE**2, np.float32) for stream in streams]
    )
    return {
        "numbers": torch.from_numpy(numbers),
        "coarse": torch.from_numpy(nodes[:, :n_coarse]).reshape(-1, _COARSE, _COARSE),
        "fine": torch.from_numpy(nodes[:, n_coarse:]).reshape(-1, _FINE, _FINE),
    }


def paste_shapes(
    pixels_hu: Tensor, drawn: Mapping[str, Tensor], config: ShapeConfig
) -> tuple[Tensor, Tensor]:
    """Paste the shapes that were drawn.

    A slice without tissue stays as it is, and so does one whose shape is too small to be seen.

    Args:
        pixels_hu: HU, shape (N, rows, columns).
        drawn: What :func:`draw_shapes` returned.
        config: What shapes.

    Returns:
        HU, float32, shape (N, rows, columns), and the pixels in which a shape's strength is above
        a half, bool, same shape.
    """
    pixels = pixels_hu.float()
    column = dict(zip(_NUMBERS, drawn["numbers"].unbind(1), strict=True))
    inside = tissue(pixels, config)
    strength = _outline(column, drawn, inside, config).sigmoid() * inside
    low, high = config.density_hu
    density = low + (high - low) * column["density"]
    signed = torch.where(
        column["denser"] < config.denser_share, density, -config.darker_factor * density
    )
    strength = strength * (column["pasted"] < config.share).view(-1, 1, 1)
    return pixels + strength * signed.view(-1, 1, 1), strength > 0.5


def tissue(pixels_hu: Tensor, config: ShapeConfig) -> Tensor:
    """Return where shapes may lie, bool: pixels with mostly tissue around them.

    Args:
        pixels_hu: HU, float32, shape (N, rows, columns).
        config: What counts as tissue.
    """
    low, high = config.tissue_hu
    is_tissue = ((pixels_hu > low) & (pixels_hu < high)).float().unsqueeze(1)
    reach = max(1, round(_TISSUE_REACH * max(pixels_hu.shape[-2:]) / 2))
    around = F.avg_pool2d(is_tissue, 2 * reach + 1, stride=1, padding=reach)
    return around.squeeze(1) > _TISSUE_SHARE


def _outline(
    column: Mapping[str, Tensor], drawn: Mapping[str, Tensor], inside: Tensor, config: ShapeConfig
) -> Tensor:
    """Return a field that is positive within each shape, float32, shape (N, rows, columns)."""
    rows, columns = inside.shape[-2:]
    side = max(rows, columns)
    center = _choose_pixel(inside, column["place"])
    down = torch.arange(rows, device=inside.device).view(1, -1, 1) - (center // columns)
    right = torch.arange(columns, device=inside.device).view(1, 1, -1) - (center % columns)
    angle = (math.pi * column["angle"]).view(-1, 1, 1)
    long = torch.exp(_LARGEST_LOG_ELONGATION * column["elongation"]).view(-1, 1, 1)
    along = (right * angle.cos() + down * angle.sin()) / (side * long)
    across = (down * angle.cos() - right * angle.sin()) * long.sqrt() / side
    least, largest = map(math.log, config.radius)
    radius = torch.exp(least + (largest - least) * column["radius"]).view(-1, 1, 1)
    distance = (along.square() + across.square()).sqrt() / radius
    irregular = _COARSE_AMPLITUDE * _field(drawn["coarse"], rows, columns)
    irregular = irregular + _FINE_AMPLITUDE * _field(drawn["fine"], rows, columns)
    return _EDGE_STEEPNESS * (1 - distance + irregular)


def _field(nodes: Tensor, rows: int, columns: int) -> Tensor:
    return F.interpolate(nodes.unsqueeze(1), size=(rows, columns), mode="bicubic").squeeze(1)


def _choose_pixel(inside: Tensor, place: Tensor) -> Tensor:
    """Return one of the pixels inside for each slice, int64, shape (N, 1, 1); any where none is."""
    counted = inside.flatten(1).long().cumsum(1)
    wanted = (place * counted[:, -1]).long() + 1
    chosen = torch.searchsorted(counted, wanted.unsqueeze(1)).clamp_(max=counted.shape[1] - 1)
    return chosen.view(-1, 1, 1)


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"pretext option {name}", expected=expected, got=got)
