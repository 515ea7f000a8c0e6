from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn import metrics

from examwise.core.errors import InputError
from examwise.metrics.curve_bands import GRID, precision_recall_band, roc_band
from examwise.metrics.patient_bootstrap import patient_counts

BANDS = pytest.mark.parametrize("make_band", [roc_band, precision_recall_band])
ITEMS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=6, max_size=40)


def samples(n_replicates=200, seed=0):
    draw = np.random.default_rng(seed)
    return partial(patient_counts, n_replicates=n_replicates, generator=draw)


def learner(n, seed=0, gain=1.5):
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return labels, draw.normal(size=n) + gain * labels


@settings(deadline=None, max_examples=50)
@given(ITEMS)
def test_curves_are_those_of_scikit_learn_read_off_at_the_grid(items):
    labels, scores = np.array(items).T
    patients = np.arange(len(labels))
    # Only the curve is looked at: two samples that differ are enough to have one.
    weights = np.ones((40, len(labels)), int)
    weights[1::2] = np.random.default_rng(0).integers(1, 4, (20, len(labels)))
    found = roc_band(labels, scores, patients, draw=lambda n: weights)
    if found is not None:
        across, up, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
        # Infinitely little to the right of x: the top of a straight rise.
        np.testing.assert_allclose(found.y, np.interp(GRID + 1e-12, across, up), atol=1e-9)
    found = precision_recall_band(labels, scores, patients, draw=lambda n: weights)
    if found is not None:
        precision, recall, _ = metrics.precision_recall_curve(labels, scores)
        thresholds = np.unique(scores)[::-1]
        precision, recall = precision[-2::-1], recall[-2::-1]
        assert len(recall) == len(thresholds)
        for x, y in zip(GRID, found.y, strict=True):
            reaching = (recall >= x - 1e-12) & (recall > 0)
            assert y == pytest.approx(precision[reaching][0])


@BANDS
def test_limits_lie_within_the_band_and_the_curve_within_both(make_band):
    labels, scores = learner(200)
    band = make_band(labels, scores, np.arange(200), draw=samples(500))
    assert len(band.x) == len(band.y) == 101
    middle = slice(10, 91)
    assert (band.band_lower <= band.lower).all()
    assert (band.lower <= band.upper).all()
    assert (band.upper <= band.band_upper).all()
    assert (band.lower[middle] <= band.y[middle]).all()
    assert (band.y[middle] <= band.upper[middle]).all()
    assert band.band_lower.min() >= 0
    assert band.band_upper.max() <= 1


def test_about_95_percent_of_sampled_curves_lie_within_the_band_as_a_whole():
    labels, scores = learner(150)
    draw = np.random.default_rng(1)
    weights = patient_counts(150, n_replicates=400, generator=draw)
    band = roc_band(labels, scores, np.arange(150), draw=lambda n: weights)
    order = np.argsort(-scores)
    inside = 0
    for row in weights:
        hits = np.append(0, np.cumsum(row[order] * labels[order]))
        alarms = np.append(0, np.cumsum(row[order] * (1 - labels[order])))
        curve = np.interp(GRID, alarms / alarms[-1], hits / hits[-1])
        inside += bool(((band.band_lower <= curve) & (curve <= band.band_upper)).all())
    # Moved off the ends, shares next to 0 and 1 may leave the band by a hair.
    assert 360 <= inside <= 392


@BANDS
def test_exams_of_one_patient_widen_the_limits(make_band):
    draw = np.random.default_rng(2)
    labels = np.repeat(np.arange(80) % 2, 4)
    scores = labels + np.repeat(draw.normal(size=80), 4)
    widths = []
    for patients in (np.arange(320), np.arange(320) // 4):
        band = make_band(labels, scores, patients, draw=samples())
        widths.append((band.upper - band.lower)[10:60].mean())
    assert widths[1] > 1.5 * widths[0]


@BANDS
def test_order_of_items_changes_nothing(make_band):
    labels, scores = learner(60)
    patients = np.array([f"p{number:02d}" for number in np.arange(60) // 2])
    order = np.random.default_rng(3).permutation(60)
    plain = make_band(labels, scores, patients, draw=samples())
    shuffled = make_band(labels[order], scores[order], patients[order], draw=samples())
    np.testing.assert_allclose(plain.band_lower, shuffled.band_lower)
    np.testing.assert_allclose(plain.upper, shuffled.upper)


@pytest.mark.parametrize("exams_each", [1, 2])
def test_limits_cover_the_true_curve_about_as_often_as_they_say(exams_each):
    truth = norm.cdf(1.5 + norm.ppf(GRID))
    covered, at_one_x, n_sets = 0, np.zeros(101), 100
    patients = np.repeat(np.arange(300), exams_each)
    for seed in range(n_sets):
        draw = np.random.default_rng(seed)
        labels = (np.arange(300) % 2)[patients]
        noise = draw.normal(size=300)[patients] + draw.normal(size=len(patients))
        scores = noise / np.sqrt(2) + 1.5 * labels
        band = roc_band(labels, scores, patients, draw=samples(200, seed))
        covered += bool(((band.band_lower <= truth) & (truth <= band.band_upper))[5:].all())
        at_one_x += (band.lower <= truth) & (truth <= band.upper)
    assert covered >= 90
    assert (at_one_x[5:96:10] >= 85).all()


def test_where_all_samples_agree_the_truth_may_still_be_elsewhere():
    """Of 60 positives all are found, which 95% of sets do where 99.9% are, and 5% where 95% are."""
    labels = np.repeat([0, 1], 60)
    scores = np.append(np.arange(60.0), np.arange(60) + 30.5)
    band = roc_band(labels, scores, np.arange(120), draw=samples())
    assert band.y[80] == 1
    assert 0.93 < band.lower[80] < 0.98
    assert band.band_lower[80] < band.lower[80]


def test_a_precision_of_few_called_exams_is_hardly_known():
    labels, scores = learner(200)
    band = precision_recall_band(labels, scores, np.arange(200), draw=samples())
    widths = band.upper - band.lower
    assert widths[1] > 3 * widths[50]


@BANDS
@pytest.mark.parametrize(
    ("labels", "scores"),
    [([1, 1, 1], [1, 2, 3]), ([0, 0], [1, 2]), ([], []), ([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6])],
    ids=["all positive", "all negative", "none", "apart"],
)
def test_no_band_where_nothing_is_seen(make_band, labels, scores):
    patients = np.arange(len(labels))
    assert make_band(labels, scores, patients, draw=lambda n: np.ones((50, n), int)) is None


def test_constant_scores_have_no_roc_band():
    labels = np.arange(40) % 2
    assert roc_band(labels, np.zeros(40), np.arange(40), draw=samples()) is None


@BANDS
def test_too_few_samples_with_both_classes_have_no_band(make_band):
    labels = np.array([1] + [0] * 9)
    scores = np.append(4.5, np.arange(9))
    assert make_band(labels, scores, np.arange(10), draw=samples()) is None


@BANDS
def test_unusable_input_is_refused(make_band):
    with pytest.raises(InputError, match="NaN"):
        make_band([0, 1], [0.1, np.nan], [0, 1], draw=samples())
    with pytest.raises(InputError, match="level"):
        make_band([0, 1], [0.1, 0.2], [0, 1], draw=samples(), level=2)
    with pytest.raises(InputError, match="weights"):
        make_band([0, 1], [0.1, 0.2], [0], draw=samples())
