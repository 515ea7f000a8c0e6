"""The images of one DICOM series to one volume, with a reason for each image left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from examwise.imaging.dicom_header import DicomHeader, read_header
from examwise.imaging.dicom_pixels import read_hu
from examwise.imaging.dicom_rules import require_ct_slice
from examwise.imaging.geometry import (
    InPlane,
    first_pixel_mm,
    gantry_tilt_degree,
    group_by_position,
    slice_spacing_mm,
    standard_orientation,
    volume_affine,
)
from examwise.imaging.reasons import ImageRefused
from examwise.imaging.volume import Volume

_Value = TypeVar("_Value", bound=Hashable)
_ORIENTATION_TOLERANCE = 0.01
_SPACING_TOLERANCE = 0.005


@dataclass(frozen=True, eq=False)
class ReadSeries:
    """A volume and what its images' headers say in common.

    Attributes:
        volume: The volume.
        used: For each slice, the index of its file among those given.
        source_rows: Rows in the files.
        source_columns: Columns in the files.
        thickness_mm: Commonest SliceThickness, None if there is none.
        kernel: Commonest ConvolutionKernel, empty if there is none.
        manufacturer: Manufacturer, empty if missing.
        model: ManufacturerModelName, empty if missing.
        lossy: Whether any image may have been coded with loss.
        in_plane: How each image was brought to standard orientation; None for no DICOM series.
    """

    volume: Volume
    used: tuple[int, ...]
    source_rows: int
    source_columns: int
    thickness_mm: float | None
    kernel: str
    manufacturer: str
    model: str
    lossy: bool
    in_plane: InPlane | None = None


def read_series(paths: Sequence[Path]) -> tuple[ReadSeries | None, dict[int, str]]:
    """Read the images of one series.

    What most images have in common (matrix, orientation, pixel spacing) decides, and others are
    refused. Of several images at one position the first that can be decoded is used. Order among
    equals is that of ``paths``.

    Args:
        paths: The series' files.

    Returns:
        The series, or None if no image can be used; and index to reason of every refused file.
    """
    refused: dict[int, str] = {}
    headers: dict[int, DicomHeader] = {}
    for index, path in enumerate(paths):
        try:
            header = read_header(path)
            require_ct_slice(header)
        except ImageRefused as refusal:
            refused[index] = refusal.reason
        else:
            headers[index] = header
    headers = _keep_alike(headers, refused)
    if not headers:
        return None, refused
    in_plane = standard_orientation(_reference(headers).orientation or ())
    rows, columns, row_spacing, column_spacing = _shape(_reference(headers), in_plane)
    first_pixels = {
        index: first_pixel_mm(
            header.position_mm or (),
            in_plane,
            rows=rows,
            columns=columns,
            row_spacing_mm=row_spacing,
            column_spacing_mm=column_spacing,
        )
        for index, header in headers.items()
    }
    used, pixels = _read_pixels(paths, first_pixels, in_plane, (rows, columns), refused)
    if not used:
        return None, refused
    volume = _volume(
        pixels,
        np.stack([first_pixels[index] for index in used]),
        in_plane,
        (row_spacing, column_spacing),
        headers[used[0]].thickness_mm,
    )
    return _series(volume, used, [headers[index] for index in used], in_plane), refused


def _keep_alike(
    headers: Mapping[int, DicomHeader], refused: dict[int, str]
) -> dict[int, DicomHeader]:
    size = _commonest([(header.rows, header.columns) for header in headers.values()])
    kept = {i: header for i, header in headers.items() if (header.rows, header.columns) == size}
    refused.update(dict.fromkeys(headers.keys() - kept.keys(), "inconsistent_size"))
    if not kept:
        return kept
    reference = _reference(kept)
    alike = {index: header for index, header in kept.items() if _same_plane(header, reference)}
    refused.update(dict.fromkeys(kept.keys() - alike.keys(), "inconsistent_geometry"))
    return alike


def _reference(headers: Mapping[int, DicomHeader]) -> DicomHeader:
    planes = [(header.orientation, header.pixel_spacing_mm) for header in headers.values()]
    return list(headers.values())[planes.index(_commonest(planes) or planes[0])]


def _same_plane(header: DicomHeader, reference: DicomHeader) -> bool:
    return np.allclose(
        header.orientation or (), reference.orientation or (), atol=_ORIENTATION_TOLERANCE
    ) and np.allclose(
        header.pixel_spacing_mm or (), reference.pixel_spacing_mm or (), rtol=_SPACING_TOLERANCE
    )


def _commonest(values: Sequence[_Value]) -> _Value | None:
    # Counter keeps the order of first occurrence among equals.
    counted = Counter(values).most_common(1)
    return counted[0][0] if counted else None


def _shape(header: DicomHeader, in_plane: InPlane) -> tuple[int, int, float, float]:
    row_spacing, column_spacing = header.pixel_spacing_mm or (0.0, 0.0)
    if in_plane.transpose:
        return header.columns, header.rows, column_spacing, row_spacing
    return header.rows, header.columns, row_spacing, column_spacing


def _read_pixels(
    paths: Sequence[Path],
    first_pixels: Mapping[int, npt.NDArray[np.float64]],
    in_plane: InPlane,
    shape: tuple[int, int],
    refused: dict[int, str],
) -> tuple[tuple[int, ...], npt.NDArray[np.int16]]:
    indices = sorted(first_pixels)
    positions = [float(first_pixels[index] @ in_plane.normal) for index in indices]
    groups = group_by_position(positions)
    pixels = np.empty((len(groups), *shape), np.int16)
    used: list[int] = []
    for group in groups:
        found = False
        for index in (indices[place] for place in group):
            if found:
                refused[index] = "repeated_position"
                continue
            try:
                pixels[len(used)] = in_plane.apply(read_hu(paths[index]))
            except ImageRefused as refusal:
                refused[index] = refusal.reason
            else:
                used.append(index)
                found = True
    return tuple(used), pixels[: len(used)]


def _volume(
    pixels: npt.NDArray[np.int16],
    first_pixels: npt.NDArray[np.float64],
    in_plane: InPlane,
    spacing_mm: tuple[float, float],
    thickness_mm: float | None,
) -> Volume:
    positions = first_pixels @ in_plane.normal
    distance, regular = slice_spacing_mm(positions)
    affine = volume_affine(
        first_pixels,
        in_plane,
        row_spacing_mm=spacing_mm[0],
        column_spacing_mm=spacing_mm[1],
        lone_step_mm=thickness_mm or 1.0,
    )
    tilt = gantry_tilt_degree(first_pixels, in_plane)
    return Volume(pixels, positions, affine, *spacing_mm, distance, regular, tilt)


def _series(
    volume: Volume, used: tuple[int, ...], headers: Sequence[DicomHeader], in_plane: InPlane
) -> ReadSeries:
    thicknesses = [header.thickness_mm for header in headers if header.thickness_mm]
    return ReadSeries(
        volume=volume,
        used=used,
        source_rows=headers[0].rows,
        source_columns=headers[0].columns,
        thickness_mm=_commonest(thicknesses),
        kernel=_commonest([header.kernel for header in headers]) or "",
        manufacturer=headers[0].manufacturer,
        model=headers[0].model,
        lossy=any(header.lossy for header in headers),
        in_plane=in_plane,
    )
