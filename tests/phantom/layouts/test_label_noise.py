from __future__ import annotations

import numpy as np
import pytest

from examwise.core.randomness import generator
from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.layouts.label_noise import noisy_labels
from examwise.phantom.mimics.lumps import speck
from examwise.phantom.mimics.mimic import Mimic
from examwise.phantom.mimics.parameters import MimicParameters

LARGE = [(slice(2, 14), slice(2, 14))]
SMALL = [(slice(6, 7), slice(6, 7))]
SUBDURAL = KINDS.index("subdural")
CHOROID = MimicParameters(
    (Mimic("calcified choroid plexus", (speck((20.0, 30.0, 10.0), 3.0, 120.0),)),)
)


def _missed(exam, noise: float, n: int = 400) -> np.ndarray:
    """Fraction of draws in which each slice's subdural label is missing."""
    labels = [noisy_labels(exam, noise, generator(0, number)) for number in range(n)]
    return 1 - np.mean(labels, axis=0)[:, SUBDURAL]


@pytest.fixture
def make(build):
    def exam(rectangles, mimics=None):
        # Voxels of 4 mm: a large bleed has 23 cm², a small one 16 mm².
        scan = build.scan(3, pixel_spacing_mm=4.0)
        blood = {("subdural", 1): rectangles} if rectangles else {}
        return build.exam(build.rendered(scan, bleeding=blood), mimics=mimics)

    return exam


def test_no_noise_gives_the_truth(make) -> None:
    exam = make(SMALL, CHOROID)
    for number in range(50):
        labels = noisy_labels(exam, 0.0, generator(0, number))
        np.testing.assert_array_equal(labels, exam.series.positive)
    labels[:] = True
    assert not exam.series.positive.all()  # a copy


def test_small_bleeds_are_missed_and_large_ones_hardly_ever(make) -> None:
    small, large = _missed(make(SMALL), 0.5), _missed(make(LARGE), 0.5)
    assert 0.3 < small[1] < 0.5
    assert large[1] < 0.02


def test_faint_bleeds_are_missed_more_often(make) -> None:
    plain, faint = (make([(slice(6, 9), slice(6, 8))]) for _ in range(2))
    faint.series.pixels_hu[1][faint.series.mask_of("subdural")[1]] -= 30
    assert _missed(faint, 0.5)[1] > _missed(plain, 0.5)[1] + 0.1


def test_more_noise_misses_more(make) -> None:
    exam = make(SMALL)
    rates = [_missed(exam, noise)[1] for noise in (0.1, 0.4, 0.9)]
    assert rates[0] < rates[1] < rates[2]
    assert rates[2] < 0.9


def test_half_of_the_errors_miss_the_whole_bleed(build) -> None:
    blood = {("subdural", index): SMALL for index in range(4)}
    exam = build.exam(build.rendered(build.scan(4, pixel_spacing_mm=4.0), bleeding=blood))
    draws = [noisy_labels(exam, 0.5, generator(0, number))[:, SUBDURAL] for number in range(400)]
    gone = np.mean([not labels.any() for labels in draws])
    some = np.mean([labels.any() and not labels.all() for labels in draws])
    assert 0.12 < gone < 0.35
    assert some > 0.2


def test_bright_things_are_taken_for_blood_where_they_are_less_often(build) -> None:
    scan = build.scan(9)
    exam = build.exam(build.rendered(scan), mimics=CHOROID)
    labels = np.mean([noisy_labels(exam, 0.8, generator(0, n)) for n in range(600)], axis=0)
    taken = labels[:, KINDS.index("intraventricular")]
    # It reaches from 7 to 13 mm; slices are 5 mm thick and the middle one lies at 0.
    np.testing.assert_array_equal(np.flatnonzero(taken), [5, 6, 7])
    assert 0.12 < taken.max() < 0.28
    assert labels.sum() == pytest.approx(taken.sum())


def test_nothing_bright_nothing_mistaken(make) -> None:
    exam = make([])
    assert not any(noisy_labels(exam, 1.0, generator(0, number)).any() for number in range(200))


def test_errors_of_one_kind_do_not_depend_on_the_others(build) -> None:
    scan = build.scan(3, pixel_spacing_mm=4.0)
    alone = {("subdural", 1): SMALL}
    both = {**alone, ("epidural", 0): [(slice(9, 12), slice(9, 12))]}
    exams = [build.exam(build.rendered(scan, bleeding=blood)) for blood in (alone, both)]
    for number in range(100):
        first, second = (noisy_labels(exam, 0.7, generator(0, number)) for exam in exams)
        np.testing.assert_array_equal(first[:, SUBDURAL], second[:, SUBDURAL])
