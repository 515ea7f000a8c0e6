"""Smooth random fields: sums of plane waves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid
from examwise.phantom.shapes import Points


@dataclass(frozen=True)
class SmoothField:
    """A random field of about zero mean and unit variance.

    Attributes:
        waves: Wave vector (radians per mm) and phase of each wave.
    """

    waves: tuple[tuple[float, float, float, float], ...]

    @classmethod
    def sample(
        cls, random: np.random.Generator, *, wavelength_mm: float, n_waves: int
    ) -> SmoothField:
        """Draw waves of random directions and of lengths within a quarter of the given one."""
        directions = random.normal(size=(n_waves, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * random.uniform(0.75, 1.25, size=(n_waves, 1))
        phases = random.uniform(0, 2 * math.pi, size=(n_waves, 1))
        rows = np.hstack([directions * (2 * math.pi / lengths), phases]).tolist()
        return cls(tuple((x, y, z, phase) for x, y, z, phase in rows))

    @cached_property
    def wave_number(self) -> float:
        """Root mean square of the field's gradient, per mm."""
        squares = [x * x + y * y + z * z for x, y, z, _ in self.waves]
        return math.sqrt(sum(squares) / len(squares))

    def on(self, grid: PlaneGrid) -> FloatArray:
        """Return the field's values on a grid; many waves cost little there.

        On a plane a wave is sin(a + b) with ``a`` a matter of the row and ``b`` of the column, so
        the sum over waves is a product of two thin matrices.
        """
        table = np.array(self.waves)
        vectors, phases = table[:, :3], table[:, 3]
        across = np.outer(np.arange(grid.columns), vectors @ grid.column_step)
        rights = np.concatenate([np.cos(across), np.sin(across)], axis=1).astype(np.float32)
        # The angle of a row is that of its plane's start and that of its place in the plane.
        down = np.outer(np.arange(grid.rows), vectors @ grid.row_step)
        row_sine, row_cosine = np.sin(down).astype(np.float32), np.cos(down).astype(np.float32)
        start = (grid.origins @ vectors.T + phases)[:, None, :]
        factor = math.sqrt(2 / len(self.waves))
        sine = (factor * np.sin(start)).astype(np.float32)
        cosine = (factor * np.cos(start)).astype(np.float32)
        lefts = np.concatenate(
            [sine * row_cosine + cosine * row_sine, cosine * row_cosine - sine * row_sine], axis=2
        )
        return lefts @ rights.T

    def at(self, points: Points) -> FloatArray:
        """Return the field's values at any points.

        Example:
            >>> from examwise.phantom.grid import plane_grid
            >>> field = SmoothField.sample(np.random.default_rng(0), wavelength_mm=9, n_waves=4)
            >>> grid = plane_grid(np.zeros((1, 3)), spacing_mm=1.0, rows=3, columns=4)
            >>> bool(np.allclose(field.at(grid), field.on(grid), atol=1e-5))
            True
        """
        total = np.zeros_like(points.x)
        for wave in self.waves:
            x, y, z, phase = (np.float32(value) for value in wave)
            angle = points.x * x
            angle += points.y * y
            angle += points.z * z
            angle += phase
            total += np.sin(angle, out=angle)
        total *= np.float32(math.sqrt(2 / len(self.waves)))
        return total
