from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.bleeds.parameters import KINDS, BleedParameters
from examwise.phantom.bleeds.sampling import sample_bleeds
from examwise.phantom.hospitals import HOSPITALS
from examwise.phantom.patients import Patient

SCANNED_MM = (-65.0, 78.0)
RANGES_HU = {
    "epidural": (50, 82),
    "intraparenchymal": (44, 85),
    "intraventricular": (40, 80),
    "subarachnoid": (35, 70),
    "subdural": (36, 76),
}


def _sample(
    patient: Patient, number: int, hospital: str = "a", prevalence: float = 1.0
) -> tuple[BleedParameters, ...]:
    return sample_bleeds(
        np.random.default_rng(number),
        HOSPITALS[hospital].cases,
        patient,
        prevalence=prevalence,
        scanned_mm=SCANNED_MM,
    )


@pytest.fixture(scope="module")
def exams(patient: Patient) -> Mapping[str, list[tuple[BleedParameters, ...]]]:
    return {
        hospital: [_sample(patient, number, hospital) for number in range(110)]
        for hospital in HOSPITALS
    }


def test_same_stream_same_bleeds(patient: Patient) -> None:
    for number in range(5):
        assert _sample(patient, number) == _sample(patient, number)
    assert _sample(patient, 0) != _sample(patient, 1)


def test_prevalence(patient: Patient) -> None:
    assert all(_sample(patient, number) for number in range(20))
    assert not any(_sample(patient, number, prevalence=0.0) for number in range(20))
    share = np.mean([bool(_sample(patient, number, prevalence=0.41)) for number in range(160)])
    assert 0.28 < share < 0.54


def test_kinds_are_known_and_in_order(exams: Mapping[str, list]) -> None:
    for bleeds in exams["a"]:
        numbers = [KINDS.index(bleed.kind) for bleed in bleeds]
        assert numbers == sorted(numbers)
        assert all(bleed.side in (-1, 0, 1) for bleed in bleeds)


def test_densities_are_those_of_blood(exams: Mapping[str, list]) -> None:
    for of_hospital in exams.values():
        for bleeds in of_hospital:
            for bleed in bleeds:
                low, high = RANGES_HU[bleed.kind]
                assert low <= bleed.hu <= high
                assert -16 <= bleed.swelling_hu <= 0
                if bleed.light is not None:
                    assert bleed.light.hu < bleed.hu


def _shares(of_hospital: list[tuple[BleedParameters, ...]]) -> dict[str, float]:
    counts = Counter(kind for bleeds in of_hospital for kind in {bleed.kind for bleed in bleeds})
    return {kind: counts[kind] / len(of_hospital) for kind in KINDS}


def test_hospitals_differ_in_kinds(exams: Mapping[str, list]) -> None:
    a, b, c = (_shares(exams[hospital]) for hospital in "abc")
    assert 0.01 <= a["epidural"] <= 0.11
    assert max(a["epidural"], b["epidural"]) < 0.5 * c["epidural"]
    assert 0.4 < a["intraparenchymal"] < 0.68
    assert 0.25 < a["intraventricular"] < 0.5
    assert 0.3 < a["subarachnoid"] < 0.6
    assert 0.3 < a["subdural"] < 0.55
    assert c["intraventricular"] < a["intraventricular"]


def test_several_kinds_come_together(exams: Mapping[str, list]) -> None:
    counts = Counter(len({bleed.kind for bleed in bleeds}) for bleeds in exams["a"])
    assert 0.3 < counts[1] / 110 < 0.6
    assert counts[3] > 8
    # Blood from the brain breaks into the ventricles.
    both = [
        {"intraparenchymal", "intraventricular"} <= {bleed.kind for bleed in bleeds}
        for bleeds in exams["a"]
    ]
    assert np.mean(both) > 0.12


def test_epidural_blood_comes_from_a_blow(patient: Patient) -> None:
    cases = replace(HOSPITALS["a"].cases, trauma_fraction=0.0)
    found = [
        sample_bleeds(
            np.random.default_rng(number), cases, patient, prevalence=1.0, scanned_mm=SCANNED_MM
        )
        for number in range(60)
    ]
    assert np.mean([any(b.kind == "epidural" for b in bleeds) for bleeds in found]) < 0.06


@pytest.mark.parametrize("scanned_mm", [(-5.0, 5.0), (20.0, 20.0), (-200.0, 200.0)])
def test_any_range_of_slices(patient: Patient, scanned_mm: tuple[float, float]) -> None:
    for number in range(25):
        assert sample_bleeds(
            np.random.default_rng(number),
            HOSPITALS["a"].cases,
            patient,
            prevalence=1.0,
            scanned_mm=scanned_mm,
        )
