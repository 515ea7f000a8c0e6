import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.evaluation.repeat_draws import RepeatDraws


@settings(deadline=None, max_examples=50)
@given(
    numbers=st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True),
    n_own=st.integers(1, 12),
    seed=st.integers(0, 3),
)
def test_a_curve_draws_one_repeat_fewer_than_it_has(numbers, n_own, seed):
    own = sorted(numbers)[:n_own]
    counts = RepeatDraws(numbers, n_replicates=50, seed=seed).counts(own)
    assert counts.shape == (50, len(own))
    assert (counts >= 0).all()
    assert (counts.sum(axis=1) == max(1, len(own) - 1)).all()


@pytest.mark.parametrize("n_own", [2, 3, 10])
def test_the_mean_varies_as_much_as_a_mean_of_repeats(n_own):
    # Whatever the other arms' number of repeats, 10 here.
    values = np.random.default_rng(n_own).normal(size=n_own)
    counts = RepeatDraws(range(10), n_replicates=20_000, seed=0).counts(range(n_own))
    means = counts @ values / counts.sum(axis=1)
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    assert means.var() == pytest.approx(values.var(ddof=1) / n_own, rel=0.05)


def test_curves_of_the_same_repeats_draw_the_same_and_others_alike():
    draws = RepeatDraws(range(10), n_replicates=4000, seed=0)
    np.testing.assert_array_equal(draws.counts([0, 1, 2]), draws.counts([0, 1, 2]))
    # What luck repeat 0 had weighs in all curves that have it.
    whole, part = draws.counts(range(10)), draws.counts([0, 1, 2, 3, 4])
    assert np.corrcoef(whole[:, 0], part[:, 0])[0, 1] > 0.4


def test_seeds_name_the_draws():
    first, again, other = (
        RepeatDraws([0, 1, 2], n_replicates=50, seed=seed).counts([0, 1, 2]) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
