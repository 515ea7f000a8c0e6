from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from examwise.core.schemas.study import LABEL_FREE
from examwise.reporting.full_budget_section import full_budget_section
from examwise.reporting.report import drawn_arms
from examwise.reporting.study_files import StudyFiles, read_study


@pytest.fixture(scope="module")
def full(full_study: Path) -> StudyFiles:
    return read_study(full_study)


def test_a_plain_study_has_none(study: Path) -> None:
    plain = read_study(study)
    assert full_budget_section(plain, plain.arms) is None


def test_every_arm_and_reference_in_every_archive(full: StudyFiles) -> None:
    section = full_budget_section(full, drawn_arms(full))
    assert section is not None
    table, ratios = section.tables
    assert table.columns[2:] == ("test", "elsewhere, outside", "far-away, outside")
    assert table.rows[0][2:] == ("14 (5 positive)", "9 (5 positive)", "9 (5 positive)")
    assert all(table.is_numeric[1:])
    rows = {row[0]: row[1:] for row in table.rows[1:]}
    assert list(rows) == [
        "Strong, spread",
        "Strong, spread, fine-tuned",
        "Strong, exam by exam",
        "Weak",
        "Weak, fine-tuned",
        "Pooled",
        "Position only",
        "Pretext",
        "Mean HU",
    ]
    strong = ("480", "0.86 [0.79, 0.91]", "0.83 [0.76, 0.88]", "0.80 [0.73, 0.85]")
    assert rows["Strong, spread"] == strong
    assert rows["Mean HU"][:2] == ("0", "0.58 [0.51, 0.63]")
    assert len(ratios.rows) == 6
    assert ratios.rows[0] == (
        "test",
        "first",
        "spread",
        "3.04",
        "1.84",
        "1.65 [0.90 or more]",
        "exams",
    )
    assert ratios.rows[-1][-1] == "not told"
    assert [figure.id for figure in section.figures] == [
        "figure-auc-mean-reader-hours-external-1",
        "figure-auc-mean-reader-hours-external-2",
    ]


def test_every_archive_has_its_cautions_whatever_is_said_of_others(full: StudyFiles) -> None:
    section = full_budget_section(full, drawn_arms(full))
    assert section is not None
    assert [(found.archive, found.cautions) for found in section.cautions] == [
        (answer.archive, answer.cautions) for answer in full.answer.external
    ]
    assert section.cautions[0].cautions[0] == full.answer.internal.cautions[0]


def test_references_without_other_archives(full: StudyFiles) -> None:
    answer = replace(full.answer, archives=full.answer.archives[:1])
    inside = replace(full, answer=answer, external=())
    section = full_budget_section(inside, drawn_arms(inside))
    assert section is not None
    assert section.title == "At the full budget"
    assert len(section.tables) == 1
    assert section.figures == section.cautions == ()
    assert not any("outside" in words for words in section.tables[0].columns)


def test_an_archive_where_an_arm_has_no_auc(full: StudyFiles) -> None:
    dropped = (pl.col("archive") == "far-away") & (pl.col("mode") == LABEL_FREE)
    section = full_budget_section(
        replace(full, curve=full.curve.filter(~dropped)), drawn_arms(full)
    )
    assert section is not None
    assert [row[-1] for row in section.tables[0].rows[-2:]] == ["–", "–"]
