from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from examwise.phantom.config import PhantomConfig
from examwise.phantom.grid import FloatArray
from examwise.phantom.scanner.holder import HolderShape, Surroundings
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.sampling import sample_scan

NOTHING = Surroundings(
    HolderShape(
        radius_mm=400.0,
        arms_mm=0.0,
        wall_mm=1.0,
        wall_hu=-1000.0,
        core_hu=-1000.0,
        gap_mm=(0.0, 0.0),
        foam_mm=0.0,
        foam_hu=-1000.0,
        skin_hu=-1000.0,
        wave_mm=0.0,
        widening_mm=0.0,
    ),
    bottom_mm=(0.0, 500.0),
)


@pytest.fixture
def bare_scan() -> Callable[..., ScanParameters]:
    """One slice of 5 mm without surroundings, hardening, motion or tilt."""

    def make(matrix: int, *, field_mm: float = 230.4, **changes: Any) -> ScanParameters:
        options: dict[str, Any] = {
            "offsets_mm": (0.0,),
            "thickness_mm": (5.0,),
            "tilt_degree": 0.0,
            "pose_degree": (0.0, 0.0, 0.0),
            "head_mm": (0.0, 0.0, 0.0),
            "field_of_view_mm": field_mm,
            "pixel_spacing_mm": field_mm / matrix,
            "noise_hu": 4.0,
            "hardening_hu": 0.0,
            "water_hu": 0.0,
            "around": NOTHING,
            "motions": (),
        }
        return replace(sample_scan(PhantomConfig(), 0), **(options | changes))

    return make


@pytest.fixture
def water() -> Callable[..., FloatArray]:
    """A water cylinder of 180 mm, with rods (x, y, radius in mm, HU) in it."""

    def make(
        matrix: int,
        rods: tuple[tuple[float, float, float, float], ...] = (),
        *,
        field_mm: float = 230.4,
    ) -> FloatArray:
        pixel_mm = field_mm / matrix
        place = (np.arange(matrix) - (matrix - 1) / 2) * pixel_mm
        hu = np.full((matrix, matrix), -1000.0)
        for x, y, radius, value in ((0.0, 0.0, 90.0, 0.0), *rods):
            distance = np.hypot(place - x, place[:, None] - y) - radius
            hu += (value - hu) * np.clip(0.5 - distance / pixel_mm, 0.0, 1.0)
        return hu.astype(np.float32)

    return make
