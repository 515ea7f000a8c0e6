from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.densities import slice_densities
from examwise.phantom.exam import RenderedExam, render_exam

CONFIG = PhantomConfig(matrix=48, prevalence=1, min_slices=24, max_slices=30)
N_EXAMS = 10


@pytest.fixture(scope="module")
def exams() -> list[RenderedExam]:
    return [render_exam(CONFIG, number, number) for number in range(N_EXAMS)]


@pytest.fixture(scope="module")
def clean() -> list[RenderedExam]:
    config = replace(CONFIG, prevalence=0)
    return [render_exam(config, number, number) for number in range(N_EXAMS)]


def test_shapes_and_types(exams: list[RenderedExam]) -> None:
    for exam in exams:
        series = exam.series
        n_slices = series.scan.n_slices
        assert series.pixels_hu.shape == series.masks.shape == (n_slices, 48, 48)
        assert series.pixels_hu.dtype == np.int16
        assert series.masks.dtype == np.uint8
        assert series.positive.shape == series.volume_mm3.shape == (n_slices, 5)
        assert series.positive.dtype == bool
        assert exam.further == ()


def test_every_drawn_exam_is_visibly_positive_and_a_clean_one_is_not(
    exams: list[RenderedExam], clean: list[RenderedExam]
) -> None:
    for exam, without in zip(exams, clean, strict=True):
        assert exam.series.positive.any()
        assert not without.series.positive.any()
        assert not without.series.masks.any()
        assert without.series.volume_mm3.sum() == 0


def test_a_drawn_kind_is_visible_and_no_other(exams: list[RenderedExam]) -> None:
    for exam in exams:
        drawn = {bleed.kind for bleed in exam.study.bleeds}
        visible = {KINDS[kind] for kind in np.flatnonzero(exam.series.positive.any(axis=0))}
        assert visible == drawn


def test_blood_is_where_densities_rose(exams: list[RenderedExam]) -> None:
    """The truth against densities rendered without the blood, as far as nothing was pushed."""
    for exam in exams[:5]:
        study = exam.study
        every = range(study.scan.n_slices)
        found = slice_densities(study, study.scan, every, matrix=48)
        bare = slice_densities(replace(study, bleeds=()), study.scan, every, matrix=48)
        if not study.pushes:
            changed = np.abs(found.hu - bare.hu) > 0.01
            bloodless = exam.series.volume_mm3.sum(axis=1) == 0
            oedema = any(bleed.swelling_hu for bleed in study.bleeds)
            assert oedema or not changed[bloodless].any()
        marked = exam.series.masks > 0
        assert (found.rise_hu[marked] > 2).all()


def test_masks_and_labels_tell_the_same(exams: list[RenderedExam]) -> None:
    for exam in exams:
        series = exam.series
        for bit, kind in enumerate(KINDS):
            mask = series.mask_of(kind)
            area_mm2 = mask.sum(axis=(1, 2)) * series.scan.pixel_spacing_mm**2
            assert (area_mm2[series.positive[:, bit]] >= CONFIG.visible_area_mm2).all()
            assert not mask[~series.positive[:, bit]].any()


def test_positive_slices_hold_at_least_the_volume_of_the_visible_area(
    exams: list[RenderedExam],
) -> None:
    for exam in exams:
        least = 0.5 * CONFIG.visible_area_mm2 * exam.series.scan.slice_share_mm()
        for kind in range(len(KINDS)):
            shown = exam.series.positive[:, kind]
            assert (exam.series.volume_mm3[shown, kind] >= 0.99 * least[shown]).all()


def test_exams_of_a_patient_share_the_head_but_not_the_scan() -> None:
    config = replace(CONFIG, prevalence=0)
    first, second = (render_exam(config, number, 5) for number in (1, 2))
    assert first.study.patient == second.study.patient
    assert first.study.scan != second.study.scan


def test_visible_area_is_what_makes_a_label(exams: list[RenderedExam]) -> None:
    strict = replace(CONFIG, visible_area_mm2=200)
    for exam in exams[:3]:
        number = exam.study.exam_number
        fewer = render_exam(strict, number, number)
        same = fewer.study.bleeds == exam.study.bleeds
        assert not same or fewer.series.positive.sum() < exam.series.positive.sum()


@pytest.mark.parametrize("matrix", [16, 160])
def test_any_matrix_and_always_the_same(matrix: int) -> None:
    config = PhantomConfig(matrix=matrix, min_slices=3, max_slices=3, prevalence=1)
    exam = render_exam(config, 0, 0)
    again = render_exam(config, 0, 0)
    assert exam.series.pixels_hu.shape == (3, matrix, matrix)
    np.testing.assert_array_equal(exam.series.pixels_hu, again.series.pixels_hu)
    np.testing.assert_array_equal(exam.series.masks, again.series.masks)


def test_further_series_are_rendered_when_asked_and_change_nothing() -> None:
    config = PhantomConfig(matrix=32, further_series=1, min_slices=24, max_slices=24, seed=1)
    plain = render_exam(config, 0, 0)
    both = render_exam(config, 0, 0, further_series=True)
    np.testing.assert_array_equal(plain.series.pixels_hu, both.series.pixels_hu)
    assert len(both.further) == len(both.study.further_scans) >= 1
    for series, scan in zip(both.further, both.study.further_scans, strict=True):
        assert len(series.pixels_hu) == scan.n_slices


def test_sides_follow_patient_coordinates(exams: list[RenderedExam]) -> None:
    """A bleed on the patient's left lies at high columns, as x grows to the left."""
    seen = 0
    for exam in exams:
        sides = {bleed.side for bleed in exam.study.bleeds if bleed.kind == "epidural"} or {
            bleed.side for bleed in exam.study.bleeds if bleed.kind == "subdural"
        }
        kind = "epidural" if any(b.kind == "epidural" for b in exam.study.bleeds) else "subdural"
        mask = exam.series.mask_of(kind)
        if len(sides) != 1 or not mask.any():
            continue
        columns = np.nonzero(mask)[2] - 23.5
        yaw = np.radians(exam.study.scan.pose_degree[2])
        if abs(np.median(columns)) > 6 + 20 * abs(yaw):
            assert np.sign(np.median(columns)) == sides.pop()
            seen += 1
    assert seen
