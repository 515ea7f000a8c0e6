from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from examwise.core.schemas.budget_curves import CURVE_FORECAST, METRIC_CURVE, RATIO_CLAIMS
from examwise.reporting.contents import EvidenceSection, MethodSection
from examwise.reporting.curves_section import curves_section
from examwise.reporting.metric_figures import effort_unit, metric_figures
from examwise.reporting.report import drawn_arms
from examwise.reporting.study_files import StudyFiles, read_study


@pytest.fixture(scope="module")
def study(curved_study: Path) -> StudyFiles:
    return read_study(curved_study)


@pytest.fixture(scope="module")
def section(study: StudyFiles) -> EvidenceSection:
    found = curves_section(study, drawn_arms(study))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def parts(section: EvidenceSection) -> dict[str, MethodSection]:
    return {part.id: part for part in section.parts}


def test_an_older_evaluation_has_no_such_part(full_study: Path) -> None:
    older = read_study(full_study)
    assert curves_section(older, drawn_arms(older)) is None


def test_four_metrics_against_labels_and_hours_in_every_archive(
    parts: dict[str, MethodSection],
) -> None:
    metrics = ("exam-auc", "slice-auc", "sequence-f1", "saliency-f1")
    for number in range(3):
        part = parts[f"metric-curves-{number}"]
        assert part.is_folded == (number > 0)
        assert [figure.id for figure in part.figures] == [
            f"figure-{metric}-{unit}-{number}" for metric in metrics for unit in ("labels", "hours")
        ]
        assert "conditional on this archive" in " ".join(part.paragraphs)


def test_first_and_full_answers_are_told_apart(parts: dict[str, MethodSection]) -> None:
    figure = parts["metric-curves-0"].figures[0]
    assert "Hollow markers: the encoder trained on as well." in figure.caption
    assert "Weak, fine-tuned: 0.79 [0.73, 0.84] at 40 labels, tried once;" in figure.svg
    assert "Weak: 0.62 [0.56, 0.67] at 15 labels, 2 repeats;" in figure.svg


def test_slices_of_a_weak_learner_have_two_scores(parts: dict[str, MethodSection]) -> None:
    figure = next(f for f in parts["metric-curves-0"].figures if f.id == "figure-slice-auc-hours-0")
    assert "Weak, slice probability: " in figure.svg
    assert "Weak, attention weight: " in figure.svg
    assert "Strong, spread: " in figure.svg


def test_without_hours_effort_is_actions(study: StudyFiles) -> None:
    table = study.tables.read(METRIC_CURVE).filter(archive="test")
    priceless = table.with_columns(hours=pl.lit(None, pl.Float64))
    assert effort_unit(table) == "hours"
    assert effort_unit(priceless) == "actions"
    ids = [
        figure.id
        for figure in metric_figures(
            priceless, drawn_arms(study), metric="exam_auc", archive="test"
        )
    ]
    assert ids == ["figure-exam-auc-labels-0", "figure-exam-auc-actions-0"]


def test_every_value_stands_in_a_table(study: StudyFiles, parts: dict[str, MethodSection]) -> None:
    (table,) = parts["metric-curves-0"].folded
    assert len(table.rows) == study.tables.read(METRIC_CURVE).filter(archive="test").height
    assert {row[-1] for row in table.rows} == {
        "conditional on this archive",
        "for archives like it",
    }


def test_claims_show_one_unit_and_fold_the_others(
    study: StudyFiles, parts: dict[str, MethodSection]
) -> None:
    part = parts["ratio-claims"]
    (shown,), (folded,) = part.tables, part.folded
    n_rows = study.tables.read(RATIO_CLAIMS).height
    assert len(shown.rows) + len(folded.rows) == n_rows
    assert {row[0] for row in shown.rows} == {"test"}
    assert {row[3] for row in shown.rows} == {"Reader hours"}
    assert [row[4] for row in shown.rows[:5]] == ["2", "5", "10", "20", "35"]
    assert [row[-1] for row in shown.rows[:5]] == [
        "shown",
        "shown",
        "not shown: the limit is beyond the margin",
        "not tested: one before it failed",
        "not tested: beyond the largest budget",
    ]
    assert shown.caption == "Ratios tested in “test”, margin 0.03 AUC"


def test_plateaus_are_said_in_words(parts: dict[str, MethodSection]) -> None:
    part = parts["plateaus"]
    assert part.points[0] == (
        "Strong, spread: the last doubling, to 480 labels, changed the AUC by +0.010 (upper 97.5% "
        "limit +0.020): on its plateau, by the margin of 0.03."
    )
    assert any(
        said.startswith("Weak: ") and "a plateau is not shown" in said for said in part.points
    )
    (table,) = part.folded
    assert {row[0] for row in table.rows} == {"test", "elsewhere", "far-away"}


def test_extrapolation_stands_apart(study: StudyFiles, parts: dict[str, MethodSection]) -> None:
    part = parts["forecast"]
    assert [figure.id for figure in part.figures] == [
        "figure-forecast-budgeted-labels-0",
        "figure-forecast-budgeted-hours-0",
        "figure-forecast-fine-tuned-labels-0",
        "figure-forecast-fine-tuned-hours-0",
    ]
    assert "Strong, spread, expected: 0.88 [0.84, 0.92] at 960 labels;" in part.figures[0].svg
    assert all("Nothing of the answer rests on it." in figure.caption for figure in part.figures)
    others = [
        figure for name, found in parts.items() if name != "forecast" for figure in found.figures
    ]
    assert not any("expected:" in figure.svg for figure in others)
    inside = study.tables.read(CURVE_FORECAST).filter(~pl.col("is_extrapolated"))
    assert inside.height > 0
    assert "at 240 labels" not in part.figures[0].svg


def test_tables_may_be_there_in_part(study: StudyFiles) -> None:
    manifest = study.evaluation
    outputs = {
        name: digest for name, digest in manifest.outputs.items() if name != METRIC_CURVE.file
    }
    tables = replace(study.tables, manifest=replace(manifest, outputs=outputs))
    found = curves_section(replace(study, tables=tables), drawn_arms(study))
    assert found is not None
    assert [part.id for part in found.parts] == ["ratio-claims", "plateaus", "forecast"]
