from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from examwise.metrics.learning_curves.families import FAMILIES, Family, Scale
from examwise.metrics.learning_curves.fitting import fit_family

LABELS = np.array([12.0, 30.0, 100.0, 400.0, 1600.0, 18_000.0])
SCALE = Scale(LABELS[0], LABELS[-1])
WEIGHTS = 1 / np.array([0.05, 0.03, 0.02, 0.015, 0.01, 0.01]) ** 2
OBSERVED = np.array([0.6, 0.74, 0.8, 0.83, 0.84, 0.866])


def objective(family: Family, parameters: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the residuals whose squares are summed, those of the prior with them."""
    asymptote, drop, *shape = parameters
    decay = family.decay(LABELS, np.array([shape]).reshape(1, -1), SCALE)[0]
    prior = [
        (at - prior.mean) / prior.deviation
        for at, prior in zip(shape, family.priors(SCALE), strict=True)
    ]
    return np.r_[np.sqrt(WEIGHTS) * (asymptote - drop * decay - values), prior]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_worse_than_bounded_least_squares_from_several_starts(family: Family) -> None:
    priors = family.priors(SCALE)
    bounds = [(-np.inf, 1.0), (0.0, np.inf)]
    bounds += [
        (prior.mean - 2.5 * prior.deviation, prior.mean + 2.5 * prior.deviation) for prior in priors
    ]
    least = np.inf
    for step in (-1.0, 0.0, 1.0):
        start = [0.9, 0.3, *(prior.mean + step * prior.deviation for prior in priors)]
        best = optimize.least_squares(
            lambda at: objective(family, at, OBSERVED),
            start,
            bounds=tuple(zip(*bounds, strict=True)),
            x_scale=[0.1, 0.1, *(prior.deviation for prior in priors)],
        )
        least = min(least, 2 * best.cost)
    fit = fit_family(family, LABELS, OBSERVED, WEIGHTS)
    shape = family.places(SCALE)[0][fit.place[0]]
    ours = (objective(family, np.r_[fit.asymptote, fit.drop, shape], OBSERVED) ** 2).sum()
    # The grid of shapes is a little coarse.
    assert ours <= least + 0.15
    assert ours >= least - 1e-4


@given(
    st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6),
    st.sampled_from(FAMILIES),
    st.integers(0, 5),
)
@settings(deadline=None, max_examples=50)
def test_curves_rise_and_stay_within_bounds(values, family, missing) -> None:
    observed = np.array(values)
    observed[missing] = np.nan
    fit = fit_family(family, LABELS, observed, WEIGHTS)
    curve = fit.at(np.geomspace(1, 1e6, 50))
    assert fit.asymptote[0] <= 1
    assert fit.drop[0] >= 0
    assert (curve >= 0).all()
    assert (curve <= 1).all()
    assert (np.diff(curve[0]) >= -1e-12).all()


@given(st.lists(st.floats(0.3, 1.0), min_size=6, max_size=6), st.sampled_from(FAMILIES))
@settings(deadline=None, max_examples=50)
def test_asymptote_and_drop_are_the_bounded_least_squares_of_their_shape(values, family) -> None:
    fit = fit_family(family, LABELS, values, WEIGHTS)
    shape = family.places(SCALE)[0][fit.place]
    decay = family.decay(LABELS, shape, SCALE)[0]
    root = np.sqrt(WEIGHTS)
    best = optimize.lsq_linear(
        np.stack([root, -root * decay], axis=1), root * values, ([-np.inf, 0], [1, np.inf])
    )
    ours = 0.5 * (root**2 * (fit.asymptote - fit.drop * decay - values) ** 2).sum()
    assert ours <= best.cost + 1e-6 * max(1.0, best.cost)


def test_rows_do_not_touch_each_other() -> None:
    rows = np.stack([OBSERVED, OBSERVED[::-1], OBSERVED - 0.1])
    together = fit_family(FAMILIES[1], LABELS, rows, WEIGHTS).at(LABELS)
    alone = [fit_family(FAMILIES[1], LABELS, row, WEIGHTS).at(LABELS)[0] for row in rows]
    assert together == pytest.approx(np.stack(alone))


def test_drawn_priors_leave_open_what_two_budgets_do() -> None:
    centres = np.random.default_rng(0).standard_normal((500, 2))
    values = np.tile([0.6, 0.8], (500, 1))
    fit = fit_family(
        FAMILIES[0], np.array([10.0, 100.0]), values, np.full(2, 1e6), prior_centres=centres
    )
    at = fit.at(np.array([10.0, 100.0, 10_000.0]))
    assert at[:, :2] == pytest.approx(values, abs=2e-3)
    # The median rate of the prior is one half: 0.6 + 0.2 (1 - 1000 ** -0.5) / (1 - 10 ** -0.5).
    assert np.median(at[:, 2]) == pytest.approx(0.883, abs=0.015)
    assert np.std(at[:, 2]) > 0.03
