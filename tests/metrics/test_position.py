import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError, SchemaError
from examwise.metrics.position import PositionHistogram, position_histogram, position_scores
from examwise.metrics.roc import roc_auc


def test_recovers_a_known_positive_fraction():
    draw = np.random.default_rng(0)
    positions = draw.random(40_000)
    truth = 0.1 + 0.5 * np.exp(-(((positions - 0.6) / 0.25) ** 2))
    histogram = position_histogram(positions, draw.random(40_000) < truth)
    grid = np.linspace(0, 1, 50)
    expected = 0.1 + 0.5 * np.exp(-(((grid - 0.6) / 0.25) ** 2))
    assert np.abs(position_scores(histogram, grid) - expected).max() < 0.05
    assert histogram.n_slices == 40_000


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40),
    st.integers(1, 30),
    st.floats(0, 5),
)
def test_fractions_are_probabilities_whatever_the_slices(slices, n_bins, smoothing):
    positions, labels = map(np.array, zip(*slices, strict=True))
    histogram = position_histogram(positions, labels, n_bins=n_bins, smoothing=smoothing)
    scores = position_scores(histogram, np.linspace(0, 1, 7))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert PositionHistogram.from_dict(json.loads(json.dumps(histogram.to_dict()))) == histogram


def test_bins_without_slices_take_the_overall_fraction():
    histogram = position_histogram([0.05, 0.05], [0, 1], n_bins=10, smoothing=0)
    assert histogram.positive_fraction == pytest.approx([0.5] * 10)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_gives_a_constant_that_tells_nothing(label):
    histogram = position_histogram(np.linspace(0, 1, 30), np.full(30, label))
    scores = position_scores(histogram, [0.1, 0.4, 0.9])
    assert scores == pytest.approx([label] * 3)


def test_no_slices_give_no_histogram():
    assert position_histogram([], []) is None


def test_position_alone_ranks_slices():
    positions = np.tile(np.linspace(0, 1, 21), 20)
    labels = (positions > 0.7).astype(int)
    histogram = position_histogram(positions, labels)
    assert roc_auc(labels, position_scores(histogram, positions)) > 0.99


@pytest.mark.parametrize("options", [{"n_bins": 0}, {"smoothing": -1}, {"smoothing": np.nan}])
def test_unusable_options_are_refused(options):
    with pytest.raises(InputError, match="position histogram"):
        position_histogram([0.1], [1], **options)


def test_positions_in_millimetres_are_refused():
    with pytest.raises(InputError, match="relative_position"):
        position_histogram([12.5], [1])
    with pytest.raises(InputError, match="relative_position"):
        position_scores(PositionHistogram((0.5,), (0.1,), 1), [-3])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"centers": [0.5], "positive_fraction": [0.1]},
        {"centers": [], "positive_fraction": [], "n_slices": 0},
        {"centers": [0.5, 0.2], "positive_fraction": [0.1, 0.2], "n_slices": 3},
        {"centers": [0.2, 0.5], "positive_fraction": [0.1], "n_slices": 3},
        {"centers": [0.2], "positive_fraction": [1.1], "n_slices": 3},
        {"centers": "ab", "positive_fraction": [1.1], "n_slices": 3},
    ],
)
def test_broken_histograms_are_refused(values):
    with pytest.raises(SchemaError, match="x\\.json"):
        PositionHistogram.from_dict(values, where="x.json")
