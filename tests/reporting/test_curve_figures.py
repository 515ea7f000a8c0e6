from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from examwise.reporting.curve_figures import cost_column, curve_figure
from examwise.reporting.study_files import StudyFiles, read_study


@pytest.fixture(scope="module")
def plain(study: Path) -> StudyFiles:
    return read_study(study)


@pytest.fixture(scope="module")
def full(full_study: Path) -> StudyFiles:
    return read_study(full_study)


def test_values_are_said_in_words(plain: StudyFiles) -> None:
    figure = curve_figure(
        plain.curve, plain.arms, column="budget", target_auc=0.8, archive=plain.archive
    )
    assert "Strong: 0.71 [0.64, 0.76] at 30 labels;" in figure.svg
    assert "0.81 [0.74, 0.86] at 100 labels." in figure.svg
    assert "target 0.8" in figure.svg
    assert "Hollow" not in figure.caption
    assert "m = 0" not in figure.caption + figure.svg


def test_a_single_budget_without_interval(plain: StudyFiles) -> None:
    one = plain.curve.filter(pl.col("budget") == 30).with_columns(
        pl.lit(None, pl.Float64).alias("auc_lower"), pl.lit(None, pl.Float64).alias("auc_upper")
    )
    figure = curve_figure(
        one, plain.arms[:1], column="mean_reader_hours", target_auc=None, archive="here"
    )
    assert "0.71 [no interval]" in figure.svg
    assert "Bands" not in figure.caption


def test_fine_tuned_runs_and_what_needs_no_label(full: StudyFiles) -> None:
    figure = curve_figure(
        full.curve_of(full.archive),
        full.main_arms,
        column="mean_reader_hours",
        target_auc=0.8,
        archive=full.archive,
    )
    assert "Strong, spread, fine-tuned: 0.90 [0.83, 0.95] at 9.6 hours." in figure.svg
    assert "Strong, exam by exam: 0.66 [0.59, 0.71] at 0.2 hours;" in figure.svg
    assert "m = 0 0.69." in figure.svg
    assert "Hollow markers" in figure.caption
    assert "pretext, without any label" in figure.caption


def test_archives_have_figures_of_their_own(full: StudyFiles) -> None:
    first, second = (
        curve_figure(
            full.curve_of(answer.archive),
            full.main_arms,
            column="budget",
            target_auc=0.8,
            archive=answer.archive,
            number=number,
        )
        for number, answer in enumerate(full.answer.external, 1)
    )
    assert first.id != second.id
    assert "“elsewhere”" in first.caption
    assert "“far-away”" in second.caption
    assert "m = 0 0.66." in first.svg
    assert "m = 0 0.63." in second.svg


def test_words_of_levels_stay_apart(full: StudyFiles) -> None:
    figure = curve_figure(
        full.curve_of(full.archive),
        full.main_arms,
        column="budget",
        target_auc=0.7,
        archive=full.archive,
    )
    assert "target 0.7." in figure.svg
    assert "m = 0 0.69." in figure.svg


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([0.5, 2.0], "mean_reader_hours"),
        ([None, 2.0], "mean_reader_actions"),
        ([0.0, 2.0], "mean_reader_actions"),
    ],
)
def test_effort_is_hours_where_all_are_given(hours: list[float | None], expected: str) -> None:
    frame = pl.DataFrame({"budget": [1, 2], "mean_reader_hours": hours})
    assert cost_column(frame) == expected


def test_what_has_no_labels_has_no_say_in_effort() -> None:
    frame = pl.DataFrame({"budget": [0, 2], "mean_reader_hours": [0.0, 1.0]})
    assert cost_column(frame) == "mean_reader_hours"


def test_what_was_tried_once_has_intervals_over_patients(full: StudyFiles) -> None:
    def caption(curve: pl.DataFrame) -> str:
        figure = curve_figure(curve, full.arms, column="budget", target_auc=0.8, archive="test")
        return figure.caption

    curve = full.curve_of("test")
    assert "Bands: 95% intervals over patients and repeats." in caption(curve)
    assert "with 95% intervals over patients, tried once." in caption(curve)
    once = caption(curve.with_columns(n_repeats=pl.lit(1, pl.Int32)))
    assert "Bands: 95% intervals over patients, tried once." in once
