from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.scanner.beside import sample_surroundings
from examwise.phantom.scanner.holder import surroundings_hu
from examwise.phantom.scanner.models import (
    FAST_TRAUMA,
    OLD_SEQUENTIAL,
    PREMIUM_SPIRAL,
    SMALL_SPIRAL,
    ScannerModel,
)

AXIS = np.arange(-129.5, 130.0, 1.0, dtype=np.float32)
MODELS = (PREMIUM_SPIRAL, FAST_TRAUMA, OLD_SEQUENTIAL, SMALL_SPIRAL)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.model)
def test_walls_keep_off_the_head(model: ScannerModel) -> None:
    """Nothing dense within an ellipse as large as a head, wherever that lies."""
    for seed in range(25):
        random = np.random.default_rng(seed)
        x, y = random.normal(0.0, 6.0, size=2).tolist()
        around = sample_surroundings(random, model.holder, (x, y))
        added = surroundings_hu(around, x_mm=AXIS, y_mm=AXIS, z_mm=0.0)
        head = np.hypot((AXIS - x) / 78.0, (AXIS[:, None] - y) / 97.0) < 1.0
        # Foam is no wall: the head sinks into it.
        assert (added[head] < 130.0).mean() > 0.995
        assert added.max() > 500.0


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.model)
def test_each_scanner_has_one_holder_and_exams_differ_beside_it(model: ScannerModel) -> None:
    found = [
        sample_surroundings(np.random.default_rng(seed), model.holder, (0.0, 0.0))
        for seed in range(200)
    ]
    assert {around.shape for around in found} == {model.holder}
    assert len({around.bottom_mm for around in found}) == 200
    bands = np.array([len(around.bands) for around in found])
    rods = np.array([len(around.rods) for around in found])
    assert 0.5 < bands.mean() < 1.2
    assert 0.05 < (rods > 0).mean() < 0.35


def test_what_one_exam_has_does_not_shift_what_else_is_drawn() -> None:
    first = sample_surroundings(np.random.default_rng(3), PREMIUM_SPIRAL.holder, (0.0, 0.0))
    second = sample_surroundings(np.random.default_rng(3), SMALL_SPIRAL.holder, (0.0, 0.0))
    assert first.bands == second.bands
    assert first.rods == second.rods
