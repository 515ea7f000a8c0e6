from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from examwise.phantom.anatomy import sample_head
from examwise.phantom.bleeds import KINDS, BleedParameters, sample_bleeds
from examwise.phantom.config import PhantomConfig

HEAD = sample_head(0, 0)
SCANNED_MM = (-50.0, 75.0)


def _exams(config: PhantomConfig, n_exams: int) -> list[tuple[BleedParameters, ...]]:
    return [sample_bleeds(config, number, HEAD, scanned_mm=SCANNED_MM) for number in range(n_exams)]


def test_kinds_are_the_five_in_alphabetical_order() -> None:
    assert KINDS == (
        "epidural",
        "intraparenchymal",
        "intraventricular",
        "subarachnoid",
        "subdural",
    )


def test_prevalence_and_kinds() -> None:
    exams = _exams(PhantomConfig(), 2000)
    positive = [bleeds for bleeds in exams if bleeds]
    assert len(positive) / len(exams) == pytest.approx(0.41, abs=0.035)
    kinds = Counter(kind for bleeds in positive for kind in {bleed.kind for bleed in bleeds})
    assert set(kinds) == set(KINDS)
    assert min(kinds, key=kinds.__getitem__) == "epidural"
    assert {kind for kind, _ in kinds.most_common(2)} <= {
        "subdural",
        "subarachnoid",
        "intraparenchymal",
    }
    assert {len({bleed.kind for bleed in bleeds}) for bleeds in positive} == {1, 2, 3}


@pytest.mark.parametrize(("prevalence", "expected"), [(0, 0), (1, 50)])
def test_extremes_of_prevalence(prevalence: int, expected: int) -> None:
    assert sum(map(bool, _exams(PhantomConfig(prevalence=prevalence), 50))) == expected


def test_densities_are_those_of_blood_and_part_is_hardly_denser_than_brain() -> None:
    bleeds = [bleed for exam in _exams(PhantomConfig(prevalence=1), 400) for bleed in exam]
    densities = np.array([bleed.hu for bleed in bleeds])
    assert densities.min() >= 50
    assert densities.max() <= 85
    assert 0.1 < np.mean(densities < 57) < 0.3
    dense = _exams(PhantomConfig(prevalence=1, isodense_fraction=0), 100)
    assert min(bleed.hu for exam in dense for bleed in exam) >= 57


def test_lies_where_slices_show_it() -> None:
    for low, high in (SCANNED_MM, (0.0, 12.0), (5.0, 5.0)):
        for number in range(100):
            config = PhantomConfig(prevalence=1)
            for bleed in sample_bleeds(config, number, HEAD, scanned_mm=(low, high)):
                assert low <= bleed.center_mm[2] <= high


def test_sizes_spread_from_specks_to_large() -> None:
    exams = _exams(PhantomConfig(prevalence=1), 600)
    radii = [b.radii_mm[0] for exam in exams for b in exam if b.kind == "intraparenchymal"]
    assert min(radii) < 4
    assert max(radii) > 20


def test_growing_enlarges_every_radius_alone() -> None:
    bleed = _exams(PhantomConfig(prevalence=1), 1)[0][0]
    grown = bleed.grown(1.5)
    np.testing.assert_allclose(grown.radii_mm, 1.5 * np.array(bleed.radii_mm))
    assert grown.center_mm == bleed.center_mm
