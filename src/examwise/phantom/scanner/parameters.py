"""How one series is scanned: slices, pixels, tilt, pose, kernel and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.phantom.grid import Vector
from examwise.phantom.scanner.holder import Surroundings
from examwise.phantom.scanner.kernel import Kernel
from examwise.phantom.scanner.models import ScannerModel
from examwise.phantom.scanner.motion import Motion

REFERENCE_THICKNESS_MM = 5.0
"""Thickness at which the noise is stated."""


@dataclass(frozen=True)
class ScanParameters:
    """Geometry and image quality of one series.

    The table moves along the patient's z; with a tilted gantry the slice normal is not that axis,
    and slices are shifted against each other, as on real tilted scans.

    Attributes:
        scanner: The scanner.
        purpose: ``plain``, ``thin``, ``bone`` or ``contrast``; an exam of which only a thin series
            was kept is ``thin``, too.
        description: What the series is, as written to headers where a layout has it.
        convolution: The kernel.
        contrast: Whether contrast medium was given.
        offsets_mm: Distance of each slice's middle from the stack's, along the slice normal,
            ascending.
        thickness_mm: Thickness of each slice.
        tilt_degree: Gantry tilt: turn of the slices about the patient's x.
        field_of_view_mm: Diameter of the scanned circle and width of the matrix.
        pixel_spacing_mm: Between rows, and between columns.
        pose_degree: The head's pitch (about x), roll (about y) and yaw (about z).
        head_mm: Middle of the head against the middle of the stack, (x, y, z).
        table_mm: Middle of the stack in the patient coordinates written to files, (x, y, z).
        noise_hu: Standard deviation of the noise with this kernel, at 5 mm and pixels of 0.5 mm, in
            the middle of a head of water.
        hardening_hu: Density error between thick bones.
        water_hu: What the scanner makes of water; a well-kept one stays within 5 HU of 0.
        around: What is in the gantry beside the head, against the middle of the stack.
        motions: Slices during which the head moved.
    """

    scanner: ScannerModel
    purpose: str
    description: str
    convolution: Kernel
    contrast: bool
    offsets_mm: tuple[float, ...]
    thickness_mm: tuple[float, ...]
    tilt_degree: float
    field_of_view_mm: float
    pixel_spacing_mm: float
    pose_degree: Vector
    head_mm: Vector
    table_mm: Vector
    noise_hu: float
    hardening_hu: float
    water_hu: float
    around: Surroundings
    motions: tuple[Motion, ...] = ()

    @property
    def kernel(self) -> str:
        """Name of the convolution kernel."""
        return self.convolution.name

    @property
    def n_slices(self) -> int:
        """Number of slices."""
        return len(self.offsets_mm)

    @property
    def column_direction(self) -> npt.NDArray[np.float64]:
        """Unit vector along which the row index grows; columns grow along x."""
        tilt = math.radians(self.tilt_degree)
        return np.array([0.0, math.cos(tilt), math.sin(tilt)])

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector of the slice normal, pointing up."""
        tilt = math.radians(self.tilt_degree)
        return np.array([0.0, -math.sin(tilt), math.cos(tilt)])

    def slice_center_mm(self, slice_index: int) -> npt.NDArray[np.float64]:
        """Return the middle of a slice against the middle of the stack."""
        along_table = self.offsets_mm[slice_index] / math.cos(math.radians(self.tilt_degree))
        return np.array([0.0, 0.0, along_table])

    def corner_mm(self, slice_index: int, matrix: int) -> npt.NDArray[np.float64]:
        """Return the middle of a slice's first voxel in the patient coordinates of files."""
        half = (matrix - 1) / 2 * self.pixel_spacing_mm
        middle = np.array(self.table_mm) + self.slice_center_mm(slice_index)
        return middle - half * (np.array([1.0, 0.0, 0.0]) + self.column_direction)

    def head_axes(self) -> npt.NDArray[np.float64]:
        """Return the head's axes as the rows of a rotation matrix."""
        pitch, roll, yaw = (math.radians(angle) for angle in self.pose_degree)
        about_x = [
            [1, 0, 0],
            [0, math.cos(pitch), math.sin(pitch)],
            [0, -math.sin(pitch), math.cos(pitch)],
        ]
        about_y = [
            [math.cos(roll), 0, -math.sin(roll)],
            [0, 1, 0],
            [math.sin(roll), 0, math.cos(roll)],
        ]
        about_z = [[math.cos(yaw), math.sin(yaw), 0], [-math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]]
        return np.array(about_z) @ np.array(about_y) @ np.array(about_x)

    def scanned_mm(self) -> tuple[float, float]:
        """Return the lowest and highest z of slice middles in the head's frame."""
        ends = [self.slice_center_mm(index) for index in (0, self.n_slices - 1)]
        heights = [float((self.head_axes() @ (end - self.head_mm))[2]) for end in ends]
        return min(heights), max(heights)

    def slice_noise_hu(self, slice_index: int) -> float:
        """Return the noise of a slice of this thickness, at pixels of the reference size."""
        return self.noise_hu * math.sqrt(REFERENCE_THICKNESS_MM / self.thickness_mm[slice_index])

    def motion_of(self, slice_index: int) -> Motion | None:
        """Return how the head moved during a slice, if it did."""
        return next((m for m in self.motions if m.slice_index == slice_index), None)

    def slice_share_mm(self) -> npt.NDArray[np.float64]:
        """Return the length along the normal that each slice stands for, float64."""
        if self.n_slices == 1:
            return np.array(self.thickness_mm)
        return np.abs(np.gradient(np.array(self.offsets_mm)))
