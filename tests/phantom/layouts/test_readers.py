from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedExam, render_exam
from examwise.phantom.layouts.cq500 import Cq500Layout
from examwise.phantom.layouts.protocol import LabelledExam
from examwise.phantom.layouts.readers import Read, sample_reads
from examwise.phantom.mimics.lumps import speck
from examwise.phantom.mimics.mimic import Mimic
from examwise.phantom.mimics.parameters import MimicParameters
from examwise.phantom.study import sample_study

LAYOUT = Cq500Layout()
LARGE = [(slice(2, 14), slice(2, 14))]
SMALL = [(slice(6, 7), slice(6, 7))]


def _reads(build, exam, n: int = 300) -> list[tuple[Read, ...]]:
    return [sample_reads(build.labelled(LAYOUT, exam, seed=seed)) for seed in range(n)]


def _exam(build, bleeding, **changes):
    series = build.rendered(build.scan(2, pixel_spacing_mm=4.0), bleeding=bleeding)
    sides = [build.bleed(kind, 1) for kind, _ in bleeding]
    return build.exam(series, bleeds=sides, **changes)


def _overlooked(reads) -> float:
    return float(np.mean([sum(bool(read.kinds) for read in of) == 2 for of in reads]))


def test_majority_always_agrees_with_the_labels_about_bleeds(build) -> None:
    bleedings = [
        {},
        {("subdural", 0): SMALL},
        {("subdural", 0): SMALL, ("epidural", 1): SMALL},
        {("subdural", 0): LARGE, ("epidural", 1): SMALL, ("subarachnoid", 1): LARGE},
    ]
    for bleeding in bleedings:
        expected = {kind for kind, _ in bleeding}
        for reads in _reads(build, _exam(build, bleeding), 150):
            for kind in KINDS:
                assert (sum(kind in read.kinds for read in reads) >= 2) == (kind in expected)
            assert (sum(bool(read.kinds) for read in reads) >= 2) == bool(expected)


def test_small_bleeds_are_overlooked_by_one_reader_more_often(build) -> None:
    large = _overlooked(_reads(build, _exam(build, {("subdural", 0): LARGE})))
    small = _overlooked(_reads(build, _exam(build, {("subdural", 0): SMALL})))
    assert 0.03 < large < 0.15
    assert small > 0.5


def test_each_reader_is_the_one_who_dissents(build) -> None:
    reads = _reads(build, _exam(build, {("subdural", 0): SMALL}))
    missed = np.mean([[not read.kinds for read in of] for of in reads], axis=0)
    assert missed.min() > 0.1


def test_bright_things_are_taken_for_what_they_are_like(build) -> None:
    choroid = Mimic("calcified choroid plexus", (speck((20.0, 30.0, 3.0), 3.0, 120.0),))
    bright = _reads(build, _exam(build, {}, mimics=MimicParameters((choroid,))))
    plain = _reads(build, _exam(build, {}))
    taken = [kind for of in bright for read in of for kind in read.kinds]
    assert set(taken) == {"intraventricular"}
    others = [kind for of in plain for read in of for kind in read.kinds]
    assert 0.15 < len(taken) / len(bright) < 0.3
    assert 0.02 < len(others) / len(plain) < 0.12


def test_a_small_bleed_beside_a_large_one_is_overlooked_by_itself(build) -> None:
    exam = _exam(build, {("subdural", 0): LARGE, ("epidural", 1): SMALL})
    reads = [read for of in _reads(build, exam) for read in of if read.kinds]
    assert all(read.kinds & {"subdural", "epidural"} for read in reads)
    without = np.mean(["epidural" not in read.kinds for read in reads])
    assert without > 2 * np.mean(["subdural" not in read.kinds for read in reads])


def test_sides_are_those_of_the_bleeds_that_a_reader_saw(build) -> None:
    series = build.rendered(
        build.scan(2, pixel_spacing_mm=4.0),
        bleeding={("subdural", 0): LARGE, ("epidural", 1): LARGE, ("intraventricular", 1): LARGE},
    )
    bleeds = [build.bleed("subdural", 1), build.bleed("epidural", -1)]
    reads = _reads(build, build.exam(series, bleeds=[*bleeds, build.bleed("intraventricular", 0)]))
    for of in reads:
        for read in of:
            if "intraventricular" in read.kinds:
                assert read.sides == {"left", "right"}
            elif read.kinds == {"subdural"}:
                assert read.sides == {"left"}
            elif read.kinds == {"epidural"}:
                assert read.sides == {"right"}
            assert bool(read.sides) == bool(read.kinds)


def test_old_blood_is_called_chronic_by_most(build) -> None:
    series = build.rendered(build.scan(1), bleeding={("subdural", 0): LARGE})
    old = build.exam(series, bleeds=[build.bleed("subdural", 1, old=True)])
    for exam, expected in ((old, True), (_exam(build, {}), False)):
        for reads in _reads(build, exam, 60):
            assert (sum("chronic" in read.others for read in reads) >= 2) == expected


def test_a_function_of_the_exam_alone(build) -> None:
    exam = _exam(build, {("subdural", 0): SMALL})
    assert _reads(build, exam, 5) == _reads(build, exam, 5)


def _positive_votes(exam, seed: int) -> int:
    item = LabelledExam(exam, LAYOUT.identifiers(0, exam), exam.series.positive, seed)
    return sum(bool(read.kinds) for read in sample_reads(item))


@pytest.mark.slow
def test_votes_are_distributed_as_published(build) -> None:
    """None, one, two or all of three readers positive: 245, 41, 37 and 168 of 491 exams."""
    bleeding = PhantomConfig(hospital="b", matrix=64, min_slices=14, max_slices=16, prevalence=1)
    with_blood = [
        _positive_votes(render_exam(bleeding, number, number), number) for number in range(70)
    ]
    clean = replace(bleeding, prevalence=0)
    blank = build.rendered(build.scan(1))
    without = [
        _positive_votes(RenderedExam(sample_study(clean, number, number), blank, ()), number)
        for number in range(400)
    ]
    prevalence = (37 + 168) / 491
    found = prevalence * np.bincount(with_blood, minlength=4) / len(with_blood)
    found += (1 - prevalence) * np.bincount(without, minlength=4) / len(without)
    np.testing.assert_allclose(found, np.array([245, 41, 37, 168]) / 491, atol=0.05)
