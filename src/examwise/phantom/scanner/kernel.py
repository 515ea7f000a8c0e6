"""What a convolution kernel does to the image: its transfer function and its noise spectrum.

A pixel of any size holds the mean of the reconstruction over its area, so that a slice rendered at
a coarse matrix has the noise of a finer one averaged down to that matrix: exactly the same
variance and spectrum, aliasing included.

Source: the noise of filtered back-projection is white noise in the projections, filtered by a ramp
and the kernel (Riederer, Pelc and Chesler, 1978, "The noise power spectrum in computed X-ray
tomography"); we add the small remainder that interpolation leaves at frequency zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from examwise.phantom.grid import FloatArray

REFERENCE_PIXEL_MM = 0.5
"""Pixel size at which the standard deviation of the noise is stated."""

_LEAST_RAMP_PER_MM = 0.02
_ENHANCED_FROM_PER_MM = 0.3
_NO_POWER = 1e-4
_RESOLVED_MM = 128.0


@dataclass(frozen=True)
class Kernel:
    """A convolution kernel.

    Attributes:
        name: As written to headers.
        blur_mm: Standard deviation of the point spread in the plane.
        enhancement: How much it lifts high frequencies before the blur; 0 for a plain soft kernel.
    """

    name: str
    blur_mm: float
    enhancement: float = 0.0

    def transfer(self, frequency_per_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the modulation transfer at some spatial frequencies.

        Example:
            >>> Kernel("soft", 0.5).transfer(np.array([0.0, 0.5])).round(2).tolist()
            [1.0, 0.29]
        """
        blur = np.exp(-2.0 * (math.pi * self.blur_mm * frequency_per_mm) ** 2)
        lift = 1.0 - np.exp(-((frequency_per_mm / _ENHANCED_FROM_PER_MM) ** 2))
        return np.asarray(blur * (1.0 + self.enhancement * lift))

    def noise_power(self, frequency_per_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the noise power at some spatial frequencies, in any unit."""
        ramp = np.hypot(frequency_per_mm, _LEAST_RAMP_PER_MM)
        return np.asarray(ramp * self.transfer(frequency_per_mm) ** 2)

    def noise_std(self, pixel_mm: float) -> float:
        """Return the noise of pixels of some size, against the reference size.

        Example:
            >>> round(Kernel("soft", 0.45).noise_std(2.0), 1)
            0.5
        """
        return math.sqrt(_variance(self, pixel_mm) / _variance(self, REFERENCE_PIXEL_MM))

    def noise_against(self, other: Kernel) -> float:
        """Return the noise that the same projections give with this kernel, against another."""
        own, others = (_variance(kernel, REFERENCE_PIXEL_MM) for kernel in (self, other))
        return math.sqrt(own / others)


@lru_cache(maxsize=8)
def image_transfer(kernel: Kernel, pixel_mm: float, matrix: int) -> FloatArray:
    """Return the factors of a real image's half spectrum, float32, (matrix, matrix // 2 + 1)."""
    down = np.fft.fftfreq(matrix, pixel_mm)
    across = np.fft.rfftfreq(matrix, pixel_mm)
    return kernel.transfer(np.hypot(down[:, None], across)).astype(np.float32)


@lru_cache(maxsize=8)
def noise_amplitude(kernel: Kernel, pixel_mm: float, matrix: int) -> FloatArray:
    """Return what makes the kernel's noise of white noise, in its half spectrum.

    White noise of unit variance becomes noise with the variance ``kernel.noise_std(pixel_mm)**2``:
    1 at the reference pixel size.

    Returns:
        float32, shape (matrix, matrix // 2 + 1).
    """
    power = _folded_power(kernel, pixel_mm, matrix)
    power /= pixel_mm**2 * _variance(kernel, REFERENCE_PIXEL_MM)
    return np.sqrt(power).astype(np.float32)


@lru_cache(maxsize=32)
def _variance(kernel: Kernel, pixel_mm: float) -> float:
    # The integral over all frequencies, in steps that resolve the ramp.
    matrix = 2 * max(8, round(_RESOLVED_MM / pixel_mm / 2))
    half = _folded_power(kernel, pixel_mm, matrix)
    twice = np.full(half.shape[1], 2.0)
    twice[[0, -1]] = 1.0
    return float((half @ twice).sum()) / (matrix * pixel_mm) ** 2


def _folded_power(kernel: Kernel, pixel_mm: float, matrix: int) -> npt.NDArray[np.float64]:
    """Return the noise power of pixels: all that a sampled image cannot tell apart, summed."""
    across = np.fft.rfftfreq(matrix, pixel_mm)
    highest_per_mm = math.sqrt(-math.log(_NO_POWER)) / (2.0 * math.pi * kernel.blur_mm)
    folds = max(1, math.ceil(pixel_mm * highest_per_mm - 0.5))
    shifted = across + np.arange(-folds, folds + 1)[:, None] / pixel_mm
    # NumPy's sinc is sin(pi x) / (pi x): a square pixel's own transfer.
    aperture = np.sinc(shifted * pixel_mm) ** 2
    quarter = np.zeros((len(across), len(across)))
    for rows, down in zip(shifted, aperture, strict=True):
        for columns, sideways in zip(shifted, aperture, strict=True):
            power = kernel.noise_power(np.hypot(rows[:, None], columns))
            quarter += power * down[:, None] * sideways
    # Rows of negative frequencies mirror those of positive ones.
    return np.concatenate([quarter, quarter[1 : (matrix + 1) // 2][::-1]])
