"""A head that moves while a slice is scanned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft

from examwise.phantom.grid import FloatArray
from examwise.phantom.scanner.projection import CELLS, projector


@dataclass(frozen=True)
class Motion:
    """A jerk while the tube goes round once.

    Attributes:
        slice_index: Which slice of the series.
        shift_mm: How far the head goes (x, y), in the plane.
        share: Fraction of the views, the last ones, that see it there.
    """

    slice_index: int
    shift_mm: tuple[float, float]
    share: float

    def ghosted(self, hu: FloatArray, pixel_mm: float) -> FloatArray:
        """Return a slice as the mean over time of where the head was."""
        matrix = len(hu)
        across, down = (step / pixel_mm for step in self.shift_mm)
        angle = np.fft.fftfreq(matrix)[:, None] * down + np.fft.rfftfreq(matrix) * across
        factor = (1.0 - self.share) + self.share * np.exp(-2j * math.pi * angle)
        spectrum = fft.rfft2(hu) * factor.astype(np.complex64)
        return np.asarray(fft.irfft2(spectrum, s=hu.shape), np.float32)

    def inconsistency(self, projections: FloatArray, cell_mm: float) -> FloatArray:
        """Return what the views see beyond that mean.

        Views are taken in order of their angle: some saw the head before, some after the jerk.

        Args:
            projections: Of the slice, shape ``SINOGRAM_SHAPE``.
            cell_mm: Edge of a cell.
        """
        x, y = projector().across
        shift = (x * self.shift_mm[0] + y * self.shift_mm[1]) / cell_mm
        frequency = np.fft.rfftfreq(2 * CELLS)
        turn = np.exp(-1j * math.pi * shift[..., None] * frequency).astype(np.complex64)
        spectrum = fft.rfft(projections, 2 * CELLS, axis=-1)
        change = fft.irfft(spectrum * (turn - turn.conj()), 2 * CELLS, axis=-1)[..., :CELLS]
        turned = np.mod(np.arctan2(y, x), math.pi) / math.pi
        late = (turned >= 1.0 - self.share) - np.float32(self.share)
        return np.asarray(change * late[..., None], np.float32)
