from __future__ import annotations

import numpy as np
import pytest

from examwise.metrics.learning_curves.comparison import (
    RESIDUAL_PRIOR,
    RESIDUAL_WEIGHT,
    compare_families,
    form_variance,
)
from examwise.metrics.learning_curves.families import FAMILIES, LAST_VALUE
from examwise.metrics.learning_curves.fitting import fit_family

LABELS = np.geomspace(10, 10_000, 6)


def replicates(curve: np.ndarray, chance: float) -> np.ndarray:
    return curve + chance * np.random.default_rng(1).normal(size=(400, len(curve)))


def test_a_flat_curve_is_left_to_the_null_as_much_as_to_any() -> None:
    flat = np.full(6, 0.8)
    scores = compare_families(LABELS, flat, replicates(flat, 0.005))
    assert scores.held_out_errors[LAST_VALUE] == pytest.approx(0)
    assert scores.weights[LAST_VALUE] == max(scores.weights.values())


def test_a_rising_curve_is_not() -> None:
    rising = 0.95 - 0.4 * (LABELS / 10) ** -0.2
    scores = compare_families(LABELS, rising, replicates(rising, 0.003))
    assert scores.weights[LAST_VALUE] == min(scores.weights.values())
    assert scores.held_out_errors["power"] < scores.held_out_errors[LAST_VALUE] / 2
    assert scores.asymptotes["power"] == pytest.approx(0.95, abs=0.03)


def test_held_out_errors_by_hand() -> None:
    curve = np.array([0.6, 0.7, 0.78, 0.8])
    labels = LABELS[:4]
    scores = compare_families(labels, curve, replicates(curve, 0.01))
    precision = 1 / scores.form_variance
    expected = []
    for used in (2, 3):
        fit = fit_family(FAMILIES[0], labels[:used], curve[:used], precision[:used])
        expected += list(fit.at(labels[used:])[0] - curve[used:])
    assert len(expected) == 3
    root = np.sqrt(np.mean(np.square(expected)))
    assert scores.held_out_errors["power"] == pytest.approx(root)
    # The null: 0.7 for the third and fourth, then 0.78 for the fourth.
    null = np.sqrt(np.mean(np.square([0.08, 0.1, 0.02])))
    assert scores.held_out_errors[LAST_VALUE] == pytest.approx(null)
    assert sum(scores.weights.values()) == pytest.approx(1)
    assert scores.residual_degrees == RESIDUAL_WEIGHT + 2


def test_chance_makes_weights_alike() -> None:
    curve = 0.9 - 0.3 * (LABELS / 10) ** -0.5
    sure, unsure = (
        compare_families(LABELS, curve, replicates(curve, chance)).weights for chance in (1e-3, 0.2)
    )
    assert max(unsure.values()) < 1.2 / len(unsure)
    assert max(sure.values()) > 1.5 * max(unsure.values())


def test_two_budgets_cannot_be_compared() -> None:
    scores = compare_families([10, 100], [0.6, 0.7], np.full((3, 2), 0.6))
    assert scores.held_out_errors == {}
    assert set(scores.weights.values()) == {1 / (len(FAMILIES) + 1)}
    assert scores.residual == RESIDUAL_PRIOR


def test_surprises_widen_the_residual() -> None:
    calm = np.array([0.6, 0.7, 0.75, 0.77, 0.78, 0.785])
    jump = np.array([0.6, 0.65, 0.66, 0.665, 0.8, 0.93])
    residuals = [
        compare_families(LABELS, curve, replicates(curve, 0.003)).residual for curve in (calm, jump)
    ]
    assert residuals[1] > 2 * residuals[0]
    assert residuals[0] >= RESIDUAL_PRIOR * np.sqrt(RESIDUAL_WEIGHT / (RESIDUAL_WEIGHT + 4))


def test_the_level_of_a_replicate_is_no_matter_of_form() -> None:
    levels = np.random.default_rng(0).normal(0.8, 0.05, (200, 1)) * np.ones((1, 4))
    assert form_variance(levels, 4) == pytest.approx(np.full(4, 0.003**2))
    levels[:, 0] = np.nan
    assert form_variance(levels, 4) == pytest.approx(np.full(4, 0.003**2))
