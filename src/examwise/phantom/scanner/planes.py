"""Where a series samples the head: several planes within the thickness of each slice."""

from __future__ import annotations

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid
from examwise.phantom.scanner.parameters import ScanParameters

SUB_PLANES = 3


def slice_grid(scan: ScanParameters, matrix: int, slices: range) -> PlaneGrid:
    """Return where some slices' voxels are sampled, in the head's frame.

    A slice is sampled in :data:`SUB_PLANES` planes, whose mean gives the partial volume.

    Args:
        scan: The series' geometry.
        matrix: Rows and columns.
        slices: Which slices.

    Returns:
        A grid of (slices × sub-planes) planes.
    """
    axes = scan.head_axes()
    within = (np.arange(SUB_PLANES) - (SUB_PLANES - 1) / 2) / SUB_PLANES
    centers = np.array(
        [
            scan.slice_center_mm(index) + offset * scan.thickness_mm[index] * scan.normal
            for index in slices
            for offset in within
        ]
    )
    row_step = axes @ scan.column_direction * scan.pixel_spacing_mm
    column_step = axes @ np.array([1.0, 0.0, 0.0]) * scan.pixel_spacing_mm
    origins = (centers - np.array(scan.head_mm)) @ axes.T
    origins -= (matrix - 1) / 2 * (row_step + column_step)
    return PlaneGrid(origins, row_step, column_step, matrix, matrix)


def mean_of_planes(sampled: FloatArray) -> FloatArray:
    """Return each slice's mean over its planes.

    Example:
        >>> mean_of_planes(np.arange(3, dtype=np.float32).reshape(3, 1, 1)).tolist()
        [[[1.0]]]
    """
    planes, rows, columns = sampled.shape
    return sampled.reshape(planes // SUB_PLANES, SUB_PLANES, rows, columns).mean(axis=1)
