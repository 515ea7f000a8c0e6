"""Makes densities an image: surroundings, artefacts, kernel, noise, whole numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

from examwise.phantom.grid import FloatArray
from examwise.phantom.scanner.artefacts import slice_errors
from examwise.phantom.scanner.holder import place_beside, surroundings_hu
from examwise.phantom.scanner.kernel import image_transfer, noise_amplitude
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.projection import CELLS

LOWEST_HU, HIGHEST_HU = -1024, 3071


def acquire_slice(
    hu: FloatArray, scan: ScanParameters, slice_index: int, random: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Return one slice as a scanner would give it.

    The result depends on this slice alone, never on what is rendered with it.

    Args:
        hu: Densities without noise, float32, shape (matrix, matrix).
        scan: How it is scanned.
        slice_index: Which slice of the series.
        random: Source of randomness, this slice's own.
    """
    pixel_mm, kernel = scan.pixel_spacing_mm, scan.convolution
    matrix = len(hu)
    noise_hu = scan.slice_noise_hu(slice_index)
    motion = scan.motion_of(slice_index)
    seen = hu.copy() if motion is None else motion.ghosted(hu, pixel_mm)
    place_beside(seen, _beside(scan, slice_index, matrix))
    errors = slice_errors(
        seen,
        pixel_mm=pixel_mm,
        hardening_hu=scan.hardening_hu,
        streak_hu=noise_hu * kernel.noise_std(pixel_mm * matrix / CELLS),
        motion=motion,
        random=random,
    )
    image = _filtered(seen, image_transfer(kernel, pixel_mm, matrix))
    white = random.standard_normal(hu.shape, dtype=np.float32)
    noise = _filtered(white, noise_amplitude(kernel, pixel_mm, matrix))
    noise *= errors.noise_factor
    noise *= np.float32(noise_hu)
    image += noise
    image += errors.error_hu
    # A calibration that is off scales attenuation: water and brain shift, air does not.
    image += np.float32(scan.water_hu / 1_000.0) * (image + np.float32(1_000.0))
    return np.clip(np.rint(image), LOWEST_HU, HIGHEST_HU).astype(np.int16)


def outside_circle(matrix: int) -> npt.NDArray[np.bool_]:
    """Return which pixels lie outside the scanned circle, shape (matrix, matrix)."""
    across = (np.arange(matrix) - (matrix - 1) / 2) / (matrix / 2)
    return across[:, None] ** 2 + across[None, :] ** 2 > 1.0


def _beside(scan: ScanParameters, slice_index: int, matrix: int) -> FloatArray:
    place = (np.arange(matrix) - (matrix - 1) / 2) * scan.pixel_spacing_mm
    return surroundings_hu(
        scan.around,
        x_mm=place.astype(np.float32),
        # The rows of a tilted slice climb along the table as well.
        y_mm=(place * scan.column_direction[1]).astype(np.float32),
        z_mm=float(scan.slice_center_mm(slice_index)[2]),
    )


def _filtered(image: FloatArray, factors: FloatArray) -> FloatArray:
    spectrum = fft.rfft2(image)
    spectrum *= factors
    return np.asarray(fft.irfft2(spectrum, s=image.shape, overwrite_x=True), np.float32)
