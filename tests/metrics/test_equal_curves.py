import numpy as np
import pytest
from scipy.stats import rankdata

from examwise.core.errors import InputError
from examwise.metrics.equal_curves import equal_curves_p


def p_of(labels, ours, theirs, patients=None, *, n_permutations=199, seed=0):
    return equal_curves_p(
        labels,
        ours,
        theirs,
        patients,
        n_permutations=n_permutations,
        generator=np.random.default_rng(seed),
    )


def slow_p(labels, ours, theirs, patients, *, n_permutations, draw):
    """The published way, a permutation at a time, with ranks made anew by sorting."""

    def statistic(first, second):
        n = len(labels)
        total = 0
        for cut in range(1, n):
            above = (first > cut).astype(int) - (second > cut).astype(int)
            total += abs(int(above[labels == 1].sum() - above[labels == 0].sum()))
        return total

    def ranked(values):
        order = np.lexsort((draw.random(len(values)), values))
        ranks = np.empty(len(values), int)
        ranks[order] = np.arange(1, len(values) + 1)
        return ranks

    one, other = rankdata(ours), rankdata(theirs)
    observed, as_large = statistic(one, other), 1
    for _ in range(n_permutations):
        swap = draw.integers(0, 2, patients.max() + 1)[patients] == 1
        found = statistic(ranked(np.where(swap, other, one)), ranked(np.where(swap, one, other)))
        as_large += found >= observed
    return as_large / (n_permutations + 1)


@pytest.mark.parametrize("n_patients", [40, 16])
def test_p_is_that_of_a_slow_permutation_with_sorting(n_patients):
    draw = np.random.default_rng(1)
    labels = np.arange(40) % 2
    patients = np.arange(40) % n_patients
    for strength in (0.2, 0.6, 1.0):
        ours, theirs = draw.normal(size=(2, 40)) + labels * np.array([[1.0 + strength], [1.0]])
        slow = slow_p(labels, ours, theirs, patients, n_permutations=600, draw=draw)
        fast = p_of(labels, ours, theirs, patients, n_permutations=4000)
        assert abs(fast - slow) < 4 * np.sqrt(fast * (1 - fast) * (1 / 600 + 1 / 4000)) + 0.002


def test_crossing_curves_of_equal_area_are_told_apart():
    """Positives twice as spread as negatives, against equally spread ones; both areas .8."""
    draw = np.random.default_rng(2)
    labels = np.arange(1200) % 2
    noise = draw.normal(size=(2, 1200))
    even = noise[0] + labels * 0.8416 * np.sqrt(2)
    wide = noise[1] * np.where(labels, 4, 1) + labels * 0.8416 * np.sqrt(17)
    assert p_of(labels, even, wide) == 0.005


def test_neither_scale_nor_the_items_scores_beside_their_ranks_matter():
    draw = np.random.default_rng(3)
    labels = np.arange(50) % 2
    ours, theirs = draw.normal(size=(2, 50)) + labels
    plain = p_of(labels, ours, theirs)
    assert p_of(labels, np.exp(ours), 100 + theirs) == plain


@pytest.mark.parametrize("scores", [np.arange(20.0), np.arange(20.0) // 4, np.zeros(20)])
def test_equal_scores_ties_among_them_have_p_one(scores):
    assert p_of(np.arange(20) % 2, scores, scores) == 1.0


def test_one_patient_cannot_tell_anything():
    """Both of the two exchanges that there are leave the statistic as large."""
    draw = np.random.default_rng(4)
    labels = np.arange(30) % 2
    assert p_of(labels, labels + draw.random(30), draw.random(30), np.zeros(30, int)) == 1.0


def test_size_of_chunks_changes_little_and_the_seed_everything(monkeypatch):
    draw = np.random.default_rng(5)
    labels = np.arange(60) % 2
    ours, theirs = draw.normal(size=(2, 60)) + labels * np.array([[1.4], [0.9]])
    assert p_of(labels, ours, theirs) == p_of(labels, ours, theirs)
    whole = p_of(labels, ours, theirs, n_permutations=2000)
    monkeypatch.setattr("examwise.metrics.equal_curves._ELEMENTS_AT_ONCE", 600)
    assert p_of(labels, ours, theirs, n_permutations=2000) == pytest.approx(whole, abs=0.05)


def test_p_is_even_under_the_null_with_patients_and_ties():
    draw = np.random.default_rng(6)
    patients = np.repeat(np.arange(30), 2)
    rejected = 0
    for _ in range(500):
        labels = (draw.random(30) < 0.5).astype(int)[patients]
        scores = draw.normal(size=(2, 30))[:, patients] + labels + draw.normal(size=(2, 60))
        p = equal_curves_p(labels, *scores.round(1), patients, n_permutations=99, generator=draw)
        rejected += p is not None and p <= 0.05
    assert 0.02 <= rejected / 500 <= 0.08


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_one_class_has_no_curve(labels):
    assert p_of(labels, [1, 2], [2, 1]) is None


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"other_scores": [1]}, "other_scores"),
        ({"other_scores": [1, np.nan]}, "NaN"),
        ({"patients": ["a"]}, "patients"),
        ({"labels": [0, 3]}, "0 or 1"),
        ({"n_permutations": 0}, "n_permutations"),
    ],
)
def test_unusable_input_is_refused(change, match):
    arguments = {
        "labels": [0, 1],
        "scores": [1, 2],
        "other_scores": [2, 1],
        "patients": None,
        "n_permutations": 9,
        "generator": np.random.default_rng(0),
    } | change
    with pytest.raises(InputError, match=match):
        equal_curves_p(**arguments)
