from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.hospitals import HOSPITALS, CaseMix
from examwise.phantom.mimics.parameters import MimicParameters, sample_mimics

CASES = HOSPITALS["a"].cases
PASSING = (
    "fresh",
    "layered",
    "dense middle",
    "metastasis",
    "hygroma",
    "staining",
    "earlier",
    "old subdural",
    "scalp",
    "fracture",
    "free air",
    "earrings",
    "hearing aid",
    "hairpin",
    "electrodes",
)


def _draw(patient: int, exam: int, *, age: float, cases: CaseMix = CASES) -> MimicParameters:
    return sample_mimics(
        np.random.default_rng([1, patient]), np.random.default_rng([2, exam]), cases, age=age
    )


def _frequency(age: float, cases: CaseMix = CASES, *, n: int = 300) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number in range(n):
        counts.update(set(_draw(number, number, age=age, cases=cases).names))
    return Counter({name: count / n for name, count in counts.items()})


def _passes(name: str) -> bool:
    return any(word in name for word in PASSING)


def test_the_same_sources_give_the_same_mimics() -> None:
    assert _draw(4, 5, age=70) == _draw(4, 5, age=70)
    assert _draw(4, 5, age=70) != _draw(5, 5, age=70)


def test_exams_of_a_patient_share_what_lasts_and_nothing_else() -> None:
    ill = replace(CASES, infarct_fraction=0.8, postoperative_fraction=1.0, trauma_fraction=0.8)
    differ = 0
    for patient in range(40):
        first, second = (_draw(patient, exam, age=70, cases=ill) for exam in (900, 901 + patient))
        lasting = [[m for m in drawn.found if not _passes(m.name)] for drawn in (first, second)]
        assert lasting[0] == lasting[1]
        assert lasting[0]
        passing = [[m for m in drawn.found if _passes(m.name)] for drawn in (first, second)]
        differ += passing[0] != passing[1]
    assert differ > 20


def test_calcifications_are_as_frequent_as_in_people_of_that_age() -> None:
    young, old = _frequency(25), _frequency(80)
    assert 0.3 < young["calcified pineal gland"] < 0.6
    assert 0.55 < old["calcified pineal gland"] < 0.8
    assert 0.1 < young["calcified choroid plexus"] < 0.35
    assert 0.6 < old["calcified choroid plexus"] < 0.88
    assert 0.02 < old["calcified basal ganglia"] < 0.2
    assert old["calcified falx"] > young["calcified falx"]
    assert young["calcified carotid siphons"] < 0.08 < 0.5 < old["calcified carotid siphons"]
    assert young["lacunes"] < 0.03 < 0.2 < old["lacunes"]
    for rare in ("meningioma", "cavernoma", "old subdural collection", "hygroma"):
        assert old[rare] < 0.08


@pytest.mark.parametrize("fraction", [0.1, 0.6])
def test_infarcts_are_as_frequent_as_the_hospital_says(fraction: float) -> None:
    cases = replace(CASES, infarct_fraction=fraction)
    drawn = [_draw(number, number, age=60, cases=cases).names for number in range(500)]
    shown = sum(any("infarct" in name for name in names) for names in drawn) / 500
    assert shown == pytest.approx(fraction, abs=0.06)
    old = sum(any("infarct" in n and n.startswith("old") for n in names) for names in drawn) / 500
    assert old == pytest.approx(0.6 * fraction, abs=0.06)


def test_operations_and_injuries_come_with_the_hospital() -> None:
    none = replace(CASES, postoperative_fraction=0.0, trauma_fraction=0.0, infarct_fraction=0.0)
    marks = ("scalp", "fracture", "operation", "craniotomy", "burr", "infarct", "shunt")
    assert not [n for n in _frequency(60, none) if any(mark in n for mark in marks)]
    all_hurt = replace(none, trauma_fraction=1.0)
    often = _frequency(60, all_hurt)
    assert often["swollen scalp"] + often["torn scalp"] > 0.6
    assert 0.05 < often["fracture"] < 0.25


def test_one_sampler_does_not_shift_another(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _draw(3, 3, age=85)
    from examwise.phantom.mimics import parameters, registry

    fewer = dict(list(registry.SAMPLERS.items())[5:])
    monkeypatch.setattr(parameters, "SAMPLERS", fewer)
    after = _draw(3, 3, age=85)
    assert after.found
    assert set(after.names) <= set(before.names)
    assert all(mimic in before.found for mimic in after.found)


def test_pushes_are_those_of_the_findings() -> None:
    drawn = [_draw(n, n, age=85) for n in range(150)]
    assert any(mimics.pushes for mimics in drawn)
    for mimics in drawn:
        assert len(mimics.pushes) == sum(len(mimic.pushes) for mimic in mimics.found)
        assert all(push.largest_mm < 16 for push in mimics.pushes)
    assert MimicParameters().pushes == ()
