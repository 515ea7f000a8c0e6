"""Where slices lie in the patient: order, orientation, spacing, gantry tilt, affine.

All from ImagePositionPatient and ImageOrientationPatient, measured. SliceLocation, InstanceNumber,
SpacingBetweenSlices and GantryDetectorTilt are not used: makers fill them differently, or wrongly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from examwise.imaging.reasons import ImageRefused

Vector = npt.NDArray[np.float64]

REGULAR_TOLERANCE_MM = 0.1
"""Neighbour distances that differ from their median by more make a volume irregular."""

REPEATED_TOLERANCE_MM = 0.02
"""Slices closer than this along the normal lie at one position; thin CT starts near 0.2 mm."""

MAX_DEGREE_FROM_AXIAL = 45.0
"""Beyond it, an image is not axial."""

SPACING_RANGE_MM = (0.01, 100.0)
"""Distances of neighbouring rows, columns or slices outside of it are mistakes."""

MAX_COORDINATE_MM = 1e5
"""No patient is farther from a scanner's origin."""

_UNIT_TOLERANCE = 1e-2


@dataclass(frozen=True, eq=False)
class InPlane:
    """How to bring an image to the standard display orientation, and its axes afterwards.

    Attributes:
        transpose: Whether rows and columns change places; done first.
        flip_rows: Whether the order of rows is reversed.
        flip_columns: Whether the order of columns is reversed.
        column_direction: Unit vector along increasing columns, roughly +x (patient's left).
        row_direction: Unit vector along increasing rows, roughly +y (posterior).
        normal: Their cross product, roughly +z (superior).
    """

    transpose: bool
    flip_rows: bool
    flip_columns: bool
    column_direction: Vector
    row_direction: Vector
    normal: Vector

    def apply(self, pixels: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Return one image's pixels, shape (rows, columns), in standard orientation."""
        if self.transpose:
            pixels = pixels.T
        if self.flip_rows:
            pixels = pixels[::-1]
        return pixels[:, ::-1] if self.flip_columns else pixels


def standard_orientation(orientation: Sequence[float]) -> InPlane:
    """Work out the standard display orientation of an image.

    Args:
        orientation: ImageOrientationPatient: the direction of increasing column index, then that
            of increasing row index, six numbers.

    Raises:
        ImageRefused: ``no_geometry`` if these are not two orthogonal unit vectors, ``not_axial``
            if the image is more than :data:`MAX_DEGREE_FROM_AXIAL` from axial.

    Example:
        >>> standard_orientation([-1, 0, 0, 0, 1, 0]).flip_columns
        True
    """
    return _standard_orientation(tuple(orientation))


# Images of a series share their orientation, and scanners have few.
@lru_cache(maxsize=256)
def _standard_orientation(orientation: tuple[float, ...]) -> InPlane:
    along_columns = np.array(orientation[:3], np.float64)
    along_rows = np.array(orientation[3:], np.float64)
    lengths = np.linalg.norm(along_columns), np.linalg.norm(along_rows)
    if not np.allclose(lengths, 1, atol=_UNIT_TOLERANCE):
        raise ImageRefused("no_geometry")
    along_columns, along_rows = along_columns / lengths[0], along_rows / lengths[1]
    if abs(float(along_columns @ along_rows)) > _UNIT_TOLERANCE:
        raise ImageRefused("no_geometry")
    normal = np.cross(along_columns, along_rows)
    if abs(normal[2]) < math.cos(math.radians(MAX_DEGREE_FROM_AXIAL)):
        raise ImageRefused("not_axial")
    transpose = bool(abs(along_columns[0]) < abs(along_rows[0]))
    if transpose:
        along_columns, along_rows = along_rows, along_columns
    flip_columns, flip_rows = bool(along_columns[0] < 0), bool(along_rows[1] < 0)
    column_direction = -along_columns if flip_columns else along_columns
    row_direction = -along_rows if flip_rows else along_rows
    normal = np.cross(column_direction, row_direction)
    for direction in (column_direction, row_direction, normal):
        direction.flags.writeable = False
    return InPlane(transpose, flip_rows, flip_columns, column_direction, row_direction, normal)


def is_plausible(*, spacings_mm: Sequence[float], coordinates_mm: Sequence[float]) -> bool:
    """Tell whether distances and coordinates can be those of a scan at all.

    Example:
        >>> is_plausible(spacings_mm=[0.5, 1e30], coordinates_mm=[0, 0, 0])
        False
    """
    low, high = SPACING_RANGE_MM
    return all(low <= spacing <= high for spacing in spacings_mm) and all(
        abs(coordinate) <= MAX_COORDINATE_MM for coordinate in coordinates_mm
    )


def first_pixel_mm(
    position_mm: Sequence[float],
    in_plane: InPlane,
    *,
    rows: int,
    columns: int,
    row_spacing_mm: float,
    column_spacing_mm: float,
) -> Vector:
    """Return where the first pixel's centre lies once the image is in standard orientation.

    Args:
        position_mm: ImagePositionPatient.
        in_plane: The standard orientation.
        rows: Rows after bringing the image to standard orientation.
        columns: Columns after it.
        row_spacing_mm: Between rows, after it.
        column_spacing_mm: Between columns, after it.
    """
    first = np.array(position_mm, np.float64)
    if in_plane.flip_columns:
        first = first - in_plane.column_direction * (column_spacing_mm * (columns - 1))
    if in_plane.flip_rows:
        first = first - in_plane.row_direction * (row_spacing_mm * (rows - 1))
    return first


def group_by_position(positions_mm: Sequence[float]) -> list[list[int]]:
    """Order slices from the lowest to the highest, those at one position together.

    Args:
        positions_mm: Along the normal, in the order of the files.

    Returns:
        Groups of indices into ``positions_mm``, lowest first; within a group in the files' order.

    Example:
        >>> group_by_position([5.0, 0.0, 5.001])
        [[1], [0, 2]]
    """
    groups: list[list[int]] = []
    start = -math.inf
    for index in sorted(range(len(positions_mm)), key=lambda i: (positions_mm[i], i)):
        if positions_mm[index] - start <= REPEATED_TOLERANCE_MM:
            groups[-1].append(index)
        else:
            groups.append([index])
            start = positions_mm[index]
    return [sorted(group) for group in groups]


def slice_spacing_mm(positions_mm: Vector) -> tuple[float | None, bool]:
    """Return the median distance of neighbours, and whether all agree with it.

    Example:
        >>> slice_spacing_mm(np.array([0.0, 4.0, 8.0, 15.0]))
        (4.0, False)
    """
    if len(positions_mm) < 2:
        return None, True
    distances = np.diff(positions_mm)
    median = float(np.median(distances))
    return median, bool(np.all(np.abs(distances - median) <= REGULAR_TOLERANCE_MM))


def gantry_tilt_degree(first_pixels_mm: Vector, in_plane: InPlane) -> float:
    """Return the angle between the slice normal and the axis along which slices are shifted.

    Positive where the anterior edge of a slice lies further up the axis than its posterior edge;
    a tilt to the side does not count. It is measured from positions: DICOM's GantryDetectorTilt
    has its sign from the maker (the same geometry is +18.5 to one and -18.5 to another). A lone
    slice is measured against the patient's long axis.

    Args:
        first_pixels_mm: Of each slice, lowest first, shape (slices, 3).
        in_plane: The slices' standard orientation.

    Example:
        >>> tilted = standard_orientation([1, 0, 0, 0, 0.9483237, -0.3173047])
        >>> round(gantry_tilt_degree(np.array([[0, 0, 0.0], [0, 0, 5.0]]), tilted), 1)
        18.5
    """
    shifts = np.diff(first_pixels_mm, axis=0) if len(first_pixels_mm) > 1 else np.eye(3)[2:]
    ratios = (shifts @ in_plane.row_direction) / (shifts @ in_plane.normal)
    return math.degrees(math.atan(-float(np.median(ratios)))) + 0.0


def volume_affine(
    first_pixels_mm: Vector,
    in_plane: InPlane,
    *,
    row_spacing_mm: float,
    column_spacing_mm: float,
    lone_step_mm: float = 1.0,
) -> Vector:
    """Return the affine from (column, row, slice, 1) to LPS mm, shape (4, 4).

    Args:
        first_pixels_mm: Of each slice, lowest first, shape (slices, 3).
        in_plane: The slices' standard orientation.
        row_spacing_mm: Between rows.
        column_spacing_mm: Between columns.
        lone_step_mm: Step along the normal that a lone slice is given.
    """
    n_steps = len(first_pixels_mm) - 1
    affine = np.eye(4)
    affine[:3, 0] = in_plane.column_direction * column_spacing_mm
    affine[:3, 1] = in_plane.row_direction * row_spacing_mm
    affine[:3, 2] = (
        (first_pixels_mm[-1] - first_pixels_mm[0]) / n_steps
        if n_steps
        else in_plane.normal * lone_step_mm
    )
    affine[:3, 3] = first_pixels_mm[0]
    return affine
