from __future__ import annotations

from math import ceil, log2
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.explain.hshap.bag import bag_hshap

REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "hshap_bag_reference.npz"


class Counted:
    """Scores packed bags one by one and remembers them."""

    def __init__(self, score):
        self.score = score
        self.bags = []
        self.n_calls = 0

    def __call__(self, rows, sizes):
        bags = rows.split(sizes.tolist())
        self.bags += [bag.numpy().tobytes() for bag in bags]
        self.n_calls += 1
        return torch.stack([self.score(bag) for bag in bags])


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as file:
        return {name: torch.from_numpy(file[name]) for name in file}


@pytest.fixture
def published(reference):
    def score(bag):
        hidden = torch.tanh(bag @ reference["attention_hidden"].T)
        attention = torch.softmax(hidden @ reference["attention_out"], 0)
        pooled = (attention @ bag) @ reference["classifier"]
        return torch.sigmoid(pooled + reference["classifier_bias"])

    return Counted(score)


@pytest.mark.parametrize("min_size", [1, 2])
@pytest.mark.parametrize("n_rows", [8, 13, 24, 32])
def test_values_are_the_published_ones(reference, published, n_rows, min_size):
    bag = reference[f"bag_{n_rows}"]
    assert float(published.score(bag)) == pytest.approx(float(reference[f"score_{n_rows}"]))
    found = bag_hshap(published, bag, min_size=min_size)
    assert found == pytest.approx(reference[f"map_{n_rows}_{min_size}"].numpy(), abs=1e-6)


def brute_force(score, bag, *, min_size, threshold):
    """Explain a bag node by node; returns values and the bags that were looked at."""
    values, seen = np.zeros(len(bag)), set()

    def worth(start, end):
        if start == end:
            return 0.0
        seen.add((start, end))
        return float(score(bag[start:end]))

    def look_into(start, end, value, n_levels):
        if not n_levels:
            values[start:end] = value
            return
        middle = (start + end) // 2
        one, other = worth(start, middle), worth(middle, end)
        both = worth(start, end)
        for left, right, own, rest in ((start, middle, one, other), (middle, end, other, one)):
            reached = value * (own + both - rest) / 2
            if left < right and reached > threshold:
                look_into(left, right, reached, n_levels - 1)

    look_into(0, len(bag), 1.0, ceil(log2(len(bag) / min_size)))
    return values, seen


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(2, 20),
    min_size=st.integers(1, 3),
    threshold=st.sampled_from([0.0001, 0.03, 0.3]),
)
def test_equal_to_brute_force_in_as_many_evaluations_as_there_are_runs(
    seed, n_rows, min_size, threshold
):
    assume(n_rows > min_size)
    bag = torch.from_numpy(np.random.default_rng(seed).normal(size=n_rows))
    score = Counted(lambda rows: torch.sigmoid(rows.amax() * 2 - rows.mean() - 1))
    found = bag_hshap(score, bag, min_size=min_size, threshold=threshold)
    expected, seen = brute_force(score.score, bag, min_size=min_size, threshold=threshold)
    assert found == pytest.approx(expected, abs=1e-9)
    assert len(score.bags) == len(set(score.bags)) == len(seen)
    assert score.n_calls <= 1 + ceil(log2(n_rows))


def largest():
    return Counted(lambda rows: torch.sigmoid(rows.amax() * 4))


def test_a_bag_too_short_to_split_is_one_leaf():
    assert bag_hshap(largest(), torch.tensor([1.0])) == pytest.approx(
        torch.sigmoid(torch.tensor([4.0])).numpy()
    )
    pair = bag_hshap(largest(), torch.tensor([0.0, 1.0]), min_size=2)
    assert pair[0] == pair[1] > 0.9
    assert bag_hshap(largest(), torch.tensor([1.0]), threshold=0.99).tolist() == [0.0]


def test_nothing_that_matters_is_0():
    assert bag_hshap(largest(), torch.rand(9), threshold=2.0).tolist() == [0.0] * 9


def test_a_percentile_keeps_the_better_half():
    bag = torch.tensor([0.0, 0.0, 0.0, 3.0])
    found = bag_hshap(largest(), bag, threshold=100, threshold_mode="relative")
    assert np.flatnonzero(found).tolist() == [3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": torch.zeros(0, 2)}, "bag: expected one row or more, got 0"),
        ({"min_size": 0}, "min_size: expected 1 or more, got 0"),
        ({"threshold_mode": "soft"}, "threshold mode"),
        ({"score": lambda rows, sizes: sizes / 0}, "expected finite numbers"),
        ({"score": lambda rows, sizes: rows}, r"expected one for each of 1, got shape \(4,\)"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    given_options = {"score": largest(), "rows": torch.rand(4), **options}
    with pytest.raises(InputError, match=message):
        bag_hshap(**given_options)
