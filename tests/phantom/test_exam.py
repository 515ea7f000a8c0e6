from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.anatomy import sample_head
from examwise.phantom.bleeds import KINDS, sample_bleeds
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedExam, render_exam

CONFIG = PhantomConfig(matrix=48, prevalence=1)
EXAMS = [render_exam(CONFIG, number, number) for number in range(12)]
CLEAN = [render_exam(replace(CONFIG, prevalence=0), number, number) for number in range(12)]


def _center(exam: RenderedExam) -> np.ndarray:
    """Pixels near the middle of the middle slices: brain, whatever the patient."""
    middle = exam.scan.n_slices // 2
    return exam.pixels_hu[middle : middle + 3, 18:30, 18:30]


def test_shapes_and_types() -> None:
    for exam in EXAMS:
        n_slices = exam.scan.n_slices
        assert exam.pixels_hu.shape == (n_slices, 48, 48)
        assert exam.pixels_hu.dtype == np.int16
        assert exam.positive.shape == exam.volume_mm3.shape == (n_slices, 5)
        assert exam.positive.dtype == bool


def test_densities_are_plausible() -> None:
    for exam in CLEAN:
        assert 15 < np.median(_center(exam)) < 50
        middle = exam.pixels_hu[exam.scan.n_slices // 2]
        assert np.sum(middle > 500) > 40
        assert np.median(middle[:3, 20:28]) < -900


def test_every_drawn_exam_is_visibly_positive_and_a_clean_one_is_not() -> None:
    for exam, clean in zip(EXAMS, CLEAN, strict=True):
        assert exam.positive.any()
        assert not clean.positive.any()
        assert clean.volume_mm3.sum() == 0


def test_labels_agree_with_what_changed_in_the_pixels() -> None:
    """The same head without its bleeds: the difference is the blood, found without the truth."""
    for exam, clean in zip(EXAMS, CLEAN, strict=True):
        changed = exam.pixels_hu.astype(int) - clean.pixels_hu
        denser_mm2 = (changed >= 2).sum(axis=(1, 2)) * exam.scan.pixel_spacing_mm**2
        visible = exam.positive.any(axis=1)
        assert (denser_mm2[visible] >= CONFIG.visible_area_mm2).all()
        bloodless = exam.volume_mm3.sum(axis=1) == 0
        assert (denser_mm2[bloodless] == 0).all()


def test_positive_slices_hold_at_least_the_volume_of_the_visible_area() -> None:
    for exam in EXAMS:
        least = 0.5 * CONFIG.visible_area_mm2 * exam.scan.slice_spacing_mm
        assert (exam.volume_mm3[exam.positive] >= least).all()


def test_exams_of_a_patient_share_the_head_but_not_the_scan() -> None:
    clean = replace(CONFIG, prevalence=0, tilted_fraction=0)
    first, second = (render_exam(clean, number, 5) for number in (1, 2))
    assert first.scan != second.scan
    assert not np.array_equal(first.pixels_hu[:10], second.pixels_hu[:10])
    other = [render_exam(clean, number, number + 50) for number in range(12)]
    medians = [np.median(_center(exam)) for exam in other]
    difference = abs(np.median(_center(first)) - np.median(_center(second)))
    assert difference < np.std(medians)


def test_visible_area_is_what_makes_a_label() -> None:
    strict = replace(CONFIG, visible_area_mm2=200)
    for number, exam in enumerate(EXAMS[:5]):
        fewer = render_exam(strict, number, number)
        assert fewer.positive.sum() < exam.positive.sum() or not np.array_equal(
            fewer.volume_mm3, exam.volume_mm3
        )


@pytest.mark.parametrize("matrix", [16, 160])
def test_any_matrix(matrix: int) -> None:
    config = PhantomConfig(matrix=matrix, min_slices=3, max_slices=3, prevalence=1)
    exam = render_exam(config, 0, 0)
    again = render_exam(config, 0, 0)
    assert exam.pixels_hu.shape == (3, matrix, matrix)
    np.testing.assert_array_equal(exam.pixels_hu, again.pixels_hu)


def test_sides_follow_patient_coordinates() -> None:
    """A bleed on the patient's left lies at high columns, as x grows to the left."""
    seen = set()
    config = replace(CONFIG, tilted_fraction=0)
    for number in range(30):
        exam = render_exam(config, number, number)
        kinds = {KINDS[kind] for kind in np.flatnonzero(exam.positive.any(axis=0))}
        if kinds != {"subdural"}:
            continue
        bleed = sample_bleeds(
            config, number, sample_head(0, number), scanned_mm=exam.scan.scanned_mm()
        )[0]
        clean = render_exam(replace(config, prevalence=0), number, number)
        denser = (exam.pixels_hu.astype(int) - clean.pixels_hu > 5).sum(axis=(0, 1))
        column = float((denser * np.arange(48)).sum() / denser.sum()) - 23.5
        assert np.sign(column) == bleed.side
        seen.add(bleed.side)
    assert seen == {-1, 1}
