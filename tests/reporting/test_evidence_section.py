from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from examwise.reporting.contents import EvidenceSection, MethodSection
from examwise.reporting.evidence_section import evidence_section
from examwise.reporting.study_files import read_study


@pytest.fixture(scope="module")
def section(proven_study: Path) -> EvidenceSection:
    found = evidence_section(read_study(proven_study))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def parts(section: EvidenceSection) -> dict[str, MethodSection]:
    return {part.id: part for part in section.parts}


def test_there_is_no_section_without_evidence(study: Path) -> None:
    assert evidence_section(read_study(study)) is None


def test_every_part_is_there(parts: dict[str, MethodSection]) -> None:
    assert list(parts) == [
        "areas",
        "comparisons",
        "non-inferiority",
        "operating-points",
        "calibration",
        "subgroups",
        "uncertain",
    ]
    ids = [
        item.id for part in parts.values() for item in (*part.figures, *part.tables, *part.folded)
    ]
    assert len(ids) == len(set(ids))


def test_figures_of_every_archive_show_both_ways(parts: dict[str, MethodSection]) -> None:
    figures = parts["areas"].figures
    assert [figure.id for figure in figures] == [
        f"figure-{curve}-{number}" for number in range(3) for curve in ("roc", "precision-recall")
    ]
    for figure in figures:
        assert "Strong, spread, fine-tuned" in figure.svg
        assert "Weak, fine-tuned" in figure.svg
    assert "AUC 0.90 [0.84, 0.96]" in figures[0].svg
    assert "AUC 0.87 [0.81, 0.93]" in figures[2].svg


def test_both_intervals_of_an_auc(parts: dict[str, MethodSection]) -> None:
    row = parts["areas"].tables[0].rows[1]
    assert row == (
        "test",
        "Strong, spread, fine-tuned",
        "5 / 14 / 14",
        "0.900",
        "[0.840, 0.960]",
        "[0.845, 0.950]",
        "DeLong",
        "0.86 [0.80, 0.90]",
    )


def test_comparisons_of_both_ways_are_said(parts: dict[str, MethodSection]) -> None:
    said = parts["comparisons"].points
    assert len(said) == 3
    assert said[0] == (
        "test: Weak, fine-tuned 0.850, Strong, spread, fine-tuned 0.900; difference −0.050 "
        "[−0.101, +0.001]; p = 0.042 of equal areas, p < 0.001 of equal curves."
    )
    assert len(parts["comparisons"].folded[0].rows) == 3 * 8


def test_non_inferiority_is_told_with_its_power(parts: dict[str, MethodSection]) -> None:
    part = parts["non-inferiority"]
    assert "on record before training" in part.paragraphs[0]
    assert "75 exams (36 positive) have 21% power at a margin of 0.03" in part.points[0]
    assert "no proof of the contrary" in part.points[0]
    assert "not tested" in part.points[1]


def test_without_a_margin_power_is_told_all_the_same(
    make_study: Callable[..., Path], tmp_path: Path
) -> None:
    study = make_study(tmp_path / "study", evidence=True, margin=None)
    found = evidence_section(read_study(study))
    assert found is not None
    (part,) = (part for part in found.parts if part.id == "non-inferiority")
    assert "No margin was set before training" in part.paragraphs[0]
    assert "75 exams (36 positive) have 21% power at a margin of 0.03" in part.paragraphs[1]


def test_thresholds(parts: dict[str, MethodSection]) -> None:
    own, every = parts["operating-points"].tables[0], parts["operating-points"].folded[0]
    assert len(own.rows) == 3 * 2
    assert own.rows[0][-1] == "undefined"
    rules = {row[2]: row[4] for row in every.rows}
    assert rules["wanted sensitivity of 90%"] == "validation"
    assert rules["Youden, fitted on the test exams"] == "test"


def test_limits_that_are_missing_are_said(parts: dict[str, MethodSection]) -> None:
    row = parts["calibration"].tables[0].rows[0]
    assert row[-2:] == ("0.82 [0.60, 1.05]", "-0.31 [no interval]")


def test_uncertain_exams(parts: dict[str, MethodSection]) -> None:
    rows = parts["uncertain"].tables[0].rows
    assert [row[2] for row in rows[:3]] == ["left out", "best case", "worst case"]
