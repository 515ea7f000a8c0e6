from __future__ import annotations

import numpy as np
import pytest

from examwise.metrics.learning_curves.families import FAMILIES, LAST_VALUE, Scale

SCALE = Scale(8.0, 20_000.0)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_decay_falls_with_labels_for_every_shape(family) -> None:
    shapes, standard = family.places(SCALE)
    labels = np.geomspace(1.0, 1e7, 200)
    decay = family.decay(labels, shapes, SCALE)
    assert decay.shape == (len(shapes), 200)
    assert np.isfinite(decay).all()
    assert (decay >= 0).all()
    assert (np.diff(decay, axis=1) <= 0).all()
    assert shapes.shape == standard.shape


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_prior_is_centred_and_within_the_grid(family) -> None:
    shapes, standard = family.places(SCALE)
    priors = family.priors(SCALE)
    assert shapes.shape[1] == len(priors)
    if not priors:
        return
    assert standard.mean(axis=0) == pytest.approx(0, abs=1e-12)
    middle = np.argmin((standard**2).sum(axis=1))
    assert shapes[middle] == pytest.approx([prior.mean for prior in priors])


def test_names_are_unique() -> None:
    names = [family.name for family in FAMILIES]
    assert len({*names, LAST_VALUE}) == len(names) + 1


def test_decays_follow_their_formulas() -> None:
    by_name = {family.name: family for family in FAMILIES}
    m = np.array([10.0, 300.0])

    def decay(name: str, *shape: float) -> np.ndarray:
        return by_name[name].decay(m, np.log([shape]), SCALE)[0]

    assert decay("power", 0.4) == pytest.approx((m / 8) ** -0.4)
    assert decay("shifted_power", 0.4, 50) == pytest.approx(((m + 50) / 58) ** -0.4)
    assert decay("exponential", 100) == pytest.approx(np.exp(-(m - 8) / 100))
    weibull = np.exp(-((m / 100) ** 0.6)) / np.exp(-((8 / 100) ** 0.6))
    assert decay("weibull", 100, 0.6) == pytest.approx(weibull)
    assert decay("log_logistic", 100, 0.6) == pytest.approx(100**0.6 / (100**0.6 + m**0.6))
    inverse = by_name["inverse_logarithm"].decay(m, np.zeros((1, 0)), SCALE)[0]
    assert inverse == pytest.approx(np.log(2) / np.log(m + 1))
