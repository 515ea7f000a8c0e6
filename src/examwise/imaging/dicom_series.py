"""The images of one DICOM series to one volume, with a reason for each image left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from examwise.imaging.dicom_header import DicomHeader, read_header
from examwise.imaging.dicom_pixels import PixelFile
from examwise.imaging.dicom_rules import ct_slices
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


class _Image(NamedTuple):
    """Which frame of which file; 0 in a file of one image."""

    file: int
    frame: int


@dataclass(frozen=True, eq=False)
class ReadSeries:
    """A volume and what its images' headers say in common.

    Attributes:
        volume: The volume.
        used: For each slice, the index of its file among those given; a file of several frames
            comes several times.
        source_rows: Rows in the files.
        source_columns: Columns in the files.
        thickness_mm: Commonest SliceThickness, None if there is none.
        kernel: Commonest ConvolutionKernel, empty if there is none.
        manufacturer: Manufacturer, empty if missing.
        model: ManufacturerModelName, empty if missing.
        lossy: Whether any image may have been coded with loss.
        in_plane: How each image was brought to standard orientation; None for no DICOM series.
        several_frames: Indices of the files used that hold more than one frame: what is said of
            such a file is said of no single slice.
        n_frames_left_out: Frames of these files that became no slice.
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
    several_frames: frozenset[int] = frozenset()
    n_frames_left_out: int = 0


def read_series(paths: Sequence[Path]) -> tuple[ReadSeries | None, dict[int, str]]:
    """Read the images of one series: a file each, or the frames of enhanced CT objects.

    What most images have in common (matrix, orientation, pixel spacing) decides, and others are
    refused. Of several images at one position the first that can be decoded is used. Order among
    equals is that of ``paths``, and of frames within a file. Frames are decoded one by one.

    Args:
        paths: The series' files.

    Returns:
        The series, or None if no image can be used; and index to reason of every refused file,
        which is one that gave no slice at all.
    """
    refused: dict[_Image, str] = {}
    headers: dict[_Image, DicomHeader] = {}
    n_frames: dict[int, int] = {}
    for index, path in enumerate(paths):
        try:
            header = read_header(path)
            slices = ct_slices(header)
        except ImageRefused as refusal:
            refused[_Image(index, 0)] = refusal.reason
        else:
            headers |= {_Image(index, frame): found for frame, found in slices.items()}
            n_frames[index] = max(len(header.frames), 1)
    headers = _keep_alike(headers, refused)
    read = _read_volume(paths, headers, refused) if headers else None
    if read is None:
        return None, _of_files(refused)
    used, volume, in_plane = read
    files = {image.file for image in used}
    several = frozenset(index for index in files if n_frames[index] > 1)
    left_out = sum(n_frames[index] for index in files) - len(used)
    series = _series(volume, used, [headers[image] for image in used], in_plane, several, left_out)
    return series, _of_files({i: why for i, why in refused.items() if i.file not in files})


def _of_files(refused: Mapping[_Image, str]) -> dict[int, str]:
    """Return the first reason of each file."""
    reasons: dict[int, str] = {}
    for image in sorted(refused):
        reasons.setdefault(image.file, refused[image])
    return reasons


def _keep_alike(
    headers: Mapping[_Image, DicomHeader], refused: dict[_Image, str]
) -> dict[_Image, DicomHeader]:
    size = _commonest([(header.rows, header.columns) for header in headers.values()])
    kept = {i: header for i, header in headers.items() if (header.rows, header.columns) == size}
    refused.update(dict.fromkeys(headers.keys() - kept.keys(), "inconsistent_size"))
    if not kept:
        return kept
    reference = _reference(kept)
    alike = {image: header for image, header in kept.items() if _same_plane(header, reference)}
    refused.update(dict.fromkeys(kept.keys() - alike.keys(), "inconsistent_geometry"))
    return alike


def _reference(headers: Mapping[_Image, DicomHeader]) -> DicomHeader:
    planes = [(header.orientation, header.pixel_spacing_mm) for header in headers.values()]
    return list(headers.values())[planes.index(_commonest(planes) or planes[0])]


def _same_plane(header: DicomHeader, reference: DicomHeader) -> bool:
    if (header.orientation, header.pixel_spacing_mm) == (
        reference.orientation,
        reference.pixel_spacing_mm,
    ):
        return True
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


def _read_volume(
    paths: Sequence[Path], headers: Mapping[_Image, DicomHeader], refused: dict[_Image, str]
) -> tuple[tuple[_Image, ...], Volume, InPlane] | None:
    reference = _reference(headers)
    in_plane = standard_orientation(reference.orientation or ())
    rows, columns, row_spacing, column_spacing = _shape(reference, in_plane)
    first_pixels = {
        image: first_pixel_mm(
            header.position_mm or (),
            in_plane,
            rows=rows,
            columns=columns,
            row_spacing_mm=row_spacing,
            column_spacing_mm=column_spacing,
        )
        for image, header in headers.items()
    }
    used, pixels = _read_pixels(paths, first_pixels, in_plane, refused)
    if not used:
        return None
    volume = _volume(
        pixels,
        np.stack([first_pixels[image] for image in used]),
        in_plane,
        (row_spacing, column_spacing),
        headers[used[0]].thickness_mm,
    )
    return used, volume, in_plane


def _read_pixels(
    paths: Sequence[Path],
    first_pixels: Mapping[_Image, npt.NDArray[np.float64]],
    in_plane: InPlane,
    refused: dict[_Image, str],
) -> tuple[tuple[_Image, ...], npt.NDArray[np.int16]]:
    images = sorted(first_pixels)
    positions = [float(first_pixels[image] @ in_plane.normal) for image in images]
    groups = group_by_position(positions)
    pixels = np.empty((0, 0, 0), np.int16)
    used: list[_Image] = []
    opened = _OpenFile(paths)
    for group in groups:
        found = False
        for image in (images[place] for place in group):
            if found:
                refused[image] = "repeated_position"
                continue
            try:
                shown = in_plane.apply(opened.hu(image))
            except ImageRefused as refusal:
                refused[image] = refusal.reason
                continue
            if not used:  # room is made once a decoded image has shown the matrix to be true
                pixels = np.empty((len(groups), *shown.shape), np.int16)
            elif shown.shape != pixels.shape[1:]:  # the file changed since its header was read
                refused[image] = "damaged"
                continue
            pixels[len(used)] = shown
            used.append(image)
            found = True
    return tuple(used), pixels[: len(used)]


class _OpenFile:
    """Keeps the last file open: neighbouring slices are often frames of one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._last: tuple[int, PixelFile] | None = None

    def hu(self, image: _Image) -> npt.NDArray[np.int16]:
        if self._last is None or self._last[0] != image.file:
            self._last = None  # one file's bytes at a time
            self._last = image.file, PixelFile(self._paths[image.file])
        return self._last[1].hu(image.frame)


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
    volume: Volume,
    used: Sequence[_Image],
    headers: Sequence[DicomHeader],
    in_plane: InPlane,
    several_frames: frozenset[int],
    n_frames_left_out: int,
) -> ReadSeries:
    thicknesses = [header.thickness_mm for header in headers if header.thickness_mm]
    return ReadSeries(
        volume=volume,
        used=tuple(image.file for image in used),
        source_rows=headers[0].rows,
        source_columns=headers[0].columns,
        thickness_mm=_commonest(thicknesses),
        kernel=_commonest([header.kernel for header in headers]) or "",
        manufacturer=headers[0].manufacturer,
        model=headers[0].model,
        lossy=any(header.lossy for header in headers),
        in_plane=in_plane,
        several_frames=several_frames,
        n_frames_left_out=n_frames_left_out,
    )
