"""How an exam was scanned: slices, pixels, tilt, pose and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from examwise.core.randomness import generator
from examwise.phantom.config import PhantomConfig
from examwise.phantom.shapes import FloatArray, Points

SUB_PLANES = 3
_COVERAGE_MM = 140.0
_DECIMALS = 6


@dataclass(frozen=True)
class ScanParameters:
    """Geometry and noise of one exam.

    The table moves along the patient's z; with a tilted gantry the slice normal is not that axis,
    and slices are shifted against each other, as on real tilted scans.

    Attributes:
        n_slices: Slices.
        slice_spacing_mm: Distance of neighbours along the slice normal.
        tilt_degree: Gantry tilt: turn of the slices about the patient's x.
        field_of_view_mm: Diameter of the scanned circle and width of the matrix.
        pixel_spacing_mm: Between rows, and between columns.
        pose_degree: The head's pitch (about x), roll (about y) and yaw (about z).
        head_mm: Middle of the head against the middle of the stack, (x, y, z).
        table_mm: Middle of the stack in the patient coordinates written to files, (x, y, z).
        noise_hu: Standard deviation of the noise.
        noise_correlation_px: Width of the noise's correlation, in pixels.
    """

    n_slices: int
    slice_spacing_mm: float
    tilt_degree: float
    field_of_view_mm: float
    pixel_spacing_mm: float
    pose_degree: tuple[float, float, float]
    head_mm: tuple[float, float, float]
    table_mm: tuple[float, float, float]
    noise_hu: float
    noise_correlation_px: float

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
        table_step = self.slice_spacing_mm / math.cos(math.radians(self.tilt_degree))
        return np.array([0.0, 0.0, (slice_index - (self.n_slices - 1) / 2) * table_step])

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


def sample_scan(config: PhantomConfig, exam_number: int) -> ScanParameters:
    """Draw how an exam is scanned; a function of seed and exam number for a given archive.

    Example:
        >>> scan = sample_scan(PhantomConfig(), 0)
        >>> 4 <= scan.slice_spacing_mm <= 6
        True
    """
    random = generator(config.seed, "scan", exam_number)
    n_slices = int(random.integers(config.min_slices, config.max_slices + 1))
    spacing = float(np.clip(random.normal(_COVERAGE_MM / n_slices, 0.3), 4.0, 6.0))
    field_of_view = float(round(random.uniform(220.0, 250.0)))
    tilted = random.uniform() < config.tilted_fraction
    sign = 1.0 if random.uniform() < 0.2 else -1.0
    angle = round(random.uniform(5.0, 22.0), 1)
    tilt = sign * angle if tilted else 0.0
    pitch, roll, yaw = random.normal(0.0, (4.0, 2.0, 5.0)).tolist()
    x, y, z = random.normal(0.0, (4.0, 4.0, 4.0)).tolist()
    return ScanParameters(
        n_slices=n_slices,
        slice_spacing_mm=round(spacing, 2),
        tilt_degree=tilt,
        field_of_view_mm=field_of_view,
        pixel_spacing_mm=round(field_of_view / config.matrix, _DECIMALS),
        # A gantry is tilted to follow the head.
        pose_degree=(tilt + pitch, roll, yaw),
        head_mm=(x, y, z - 12.0),
        table_mm=(
            round(random.uniform(-5.0, 5.0), 1),
            round(random.uniform(-30.0, 30.0), 1),
            round(random.uniform(-200.0, 600.0), 1),
        ),
        noise_hu=random.uniform(4.0, 8.0),
        noise_correlation_px=random.uniform(0.45, 0.75),
    )


def sample_points(scan: ScanParameters, matrix: int, slices: range) -> Points:
    """Return where some slices' voxels are sampled, in the head's frame.

    A slice is as thick as slices are apart and is sampled in :data:`SUB_PLANES` planes, whose mean
    gives the partial volume.

    Args:
        scan: The exam's geometry.
        matrix: Rows and columns.
        slices: Which slices.

    Returns:
        float32 arrays of shape (slices × sub-planes, matrix, matrix).
    """
    axes = scan.head_axes()
    offsets = (np.arange(SUB_PLANES) - (SUB_PLANES - 1) / 2) / SUB_PLANES * scan.slice_spacing_mm
    centers = np.array(
        [
            scan.slice_center_mm(index) + offset * scan.normal
            for index in slices
            for offset in offsets
        ]
    )
    origins = (centers - np.array(scan.head_mm)) @ axes.T
    across = (np.arange(matrix) - (matrix - 1) / 2) * scan.pixel_spacing_mm
    along_x, along_y = axes @ np.array([1.0, 0.0, 0.0]), axes @ scan.column_direction
    x, y, z = (
        (
            origins[:, axis, None, None]
            + along_y[axis] * across[None, :, None]
            + along_x[axis] * across[None, None, :]
        ).astype(np.float32)
        for axis in range(3)
    )
    return Points(x, y, z)


def noise_hu(
    seed: int, exam_number: int, slice_index: int, scan: ScanParameters, matrix: int
) -> FloatArray:
    """Return one slice's noise, spatially correlated, float32, shape (matrix, matrix)."""
    random = generator(seed, "noise", exam_number, slice_index)
    white = random.standard_normal((matrix, matrix), dtype=np.float32)
    width = scan.noise_correlation_px
    smooth = gaussian_filter(white, width, mode="wrap", truncate=3.0)
    smooth *= scan.noise_hu / float(smooth.std())
    return smooth


def outside_circle(matrix: int) -> npt.NDArray[np.bool_]:
    """Return which pixels lie outside the scanned circle, shape (matrix, matrix)."""
    across = (np.arange(matrix) - (matrix - 1) / 2) / (matrix / 2)
    return across[:, None] ** 2 + across[None, :] ** 2 > 1.0
