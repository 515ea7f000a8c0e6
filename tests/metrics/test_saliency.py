from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, f1_score, jaccard_score

from examwise.core.errors import InputError
from examwise.metrics.otsu import otsu_threshold
from examwise.metrics.saliency import dilated, map_scores, rank_similarity


def drawn(seed: int, *, levels: int = 6) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    shape = tuple(generator.integers(3, 14, 2))
    saliency = generator.integers(-2, levels, shape) / 2
    truth = generator.random(shape) < 0.3
    truth[tuple(generator.integers(0, shape))] = True
    truth[(0, 0)] = False
    truth[(0, 1)] = True
    return saliency, truth


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([6, 1000]))
def test_equal_to_scikit_learn(seed, levels):
    saliency, truth = drawn(seed, levels=levels)
    found = map_scores(saliency, truth)
    positive = np.maximum(saliency, 0)
    threshold = otsu_threshold(positive)
    said = np.zeros_like(truth) if threshold is None else positive >= threshold
    pair = truth.ravel(), said.ravel()
    assert found.pixel_f1 == pytest.approx(f1_score(*pair, zero_division=0))
    assert found.intersection_over_union == pytest.approx(jaccard_score(*pair))
    expected = average_precision_score(truth.ravel(), positive.ravel())
    assert found.average_precision == pytest.approx(expected)
    total = positive.sum()
    assert found.energy_inside == pytest.approx(positive[truth].sum() / total if total else 0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 8))
def test_the_maximum_is_near_by_euclidean_distance(seed, tolerance):
    saliency, truth = drawn(seed)
    near = distance_transform_edt(~truth) <= tolerance
    assert np.array_equal(dilated(truth, tolerance), near)
    found = map_scores(saliency, truth, tolerance_px=tolerance).pointing_hit
    if saliency.max() > 0:
        assert found == pytest.approx(near[saliency == saliency.max()].mean())
    else:
        assert found == 0


def test_the_tolerance_grows_with_the_matrix():
    for side, reach in ((512, 15), (128, 3)):  # 3.75 in a matrix of 128
        truth = np.zeros((side, side), bool)
        truth[0, 0] = True
        for column, hits in ((reach, 1.0), (reach + 1, 0.0)):
            saliency = np.zeros((side, side))
            saliency[0, column] = 1
            assert map_scores(saliency, truth).pointing_hit == hits


@pytest.mark.parametrize("empty", [0.0, -1.0, np.nan])
def test_a_map_that_found_nothing(empty):
    truth = np.zeros((8, 8), bool)
    truth[2:4, 2:4] = True
    found = map_scores(np.full((8, 8), empty), truth)
    assert (found.pixel_f1, found.intersection_over_union) == (0, 0)
    assert (found.pointing_hit, found.energy_inside) == (0, 0)
    assert found.average_precision == pytest.approx(4 / 64)


def test_a_constant_map_points_nowhere_in_particular():
    truth = np.zeros((4, 4), bool)
    truth[0, 0] = True
    found = map_scores(np.full((4, 4), 2.0), truth, tolerance_px=0)
    assert found.pixel_f1 == 0
    assert found.pointing_hit == found.energy_inside == found.average_precision == 1 / 16


def test_a_perfect_map_and_one_of_every_pixel():
    truth = np.zeros((6, 6), bool)
    truth[1:3, 2:5] = True
    found = map_scores(truth.astype(float) - 0.5, truth)
    assert {*vars(found).values()} == {1.0}
    assert map_scores(np.eye(3), np.ones((3, 3))).average_precision is None


def test_wrong_input_is_refused():
    truth = np.eye(3)
    with pytest.raises(InputError, match=r"truth: expected the map's shape \(2, 3\)"):
        map_scores(np.zeros((2, 3)), truth)
    with pytest.raises(InputError, match="a finding somewhere"):
        map_scores(truth, np.zeros((3, 3)))
    with pytest.raises(InputError, match="NaN everywhere"):
        map_scores(np.where(truth == 1, np.nan, 1.0), truth)
    with pytest.raises(InputError, match=r"shape \(rows, columns\)"):
        map_scores(np.zeros(3), np.zeros(3))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_similarity_is_spearmans(seed):
    ours, _ = drawn(seed)
    theirs = np.random.default_rng(seed + 1).integers(0, 3, ours.shape)
    found = rank_similarity(ours, theirs)
    if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(ours.ravel(), theirs.ravel()).statistic)


def test_a_map_without_order_is_like_no_other():
    assert rank_similarity(np.eye(3), np.zeros((3, 3))) is None
    assert rank_similarity(np.full((3, 3), np.nan), np.eye(3)) is None
    with pytest.raises(InputError, match="shape"):
        rank_similarity(np.eye(3), np.eye(2))
