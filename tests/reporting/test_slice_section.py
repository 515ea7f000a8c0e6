from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from examwise.reporting.contents import SliceSection
from examwise.reporting.slice_section import slice_section
from examwise.reporting.study_files import read_study


@pytest.fixture(scope="module")
def section(explained_study: Path) -> SliceSection:
    return slice_section(read_study(explained_study))


def test_every_archive_has_its_tables_and_figures(section: SliceSection) -> None:
    assert [part.title for part in section.parts] == [
        "In “test”",
        "In “elsewhere”, outside",
        "In “far-away”, outside",
    ]
    for number, part in enumerate(section.parts):
        assert [figure.id for figure in part.figures] == [
            f"figure-mean-f1-{number}",
            f"figure-recall-{number}",
            f"figure-precision-{number}",
            f"figure-run-lengths-{number}",
            f"figure-froc-{number}",
        ]
        assert all("osition alone" in figure.svg for figure in part.figures)
        assert len(part.tables) == 2
        assert len(part.folded) == 1
    ids = [table.id for part in section.parts for table in (*part.tables, *part.folded)]
    assert len(set(ids)) == len(ids)
    assert "weak is the run “weak-100-0-fine-tuned”" in section.paragraphs[1]


def test_what_does_not_beat_position_is_called_out(section: SliceSection) -> None:
    callouts = section.parts[0].callouts
    assert [said.split(" (")[0] for said in callouts] == [
        "Weak, fine-tuned: its attention ranks all slices no better than their position alone, "
        "without any image",
        "Weak, fine-tuned: its attention ranks the slices within positive exams no better than "
        "their position alone, without any image",
        "Weak, fine-tuned: its h-Shap values rank all slices not clearly better than their "
        "position alone, without any image",
        "Weak, fine-tuned: its h-Shap values rank the slices within positive exams not clearly "
        "better than their position alone, without any image",
    ]


def test_slice_aucs_stand_beside_their_difference_to_position(section: SliceSection) -> None:
    table = section.parts[0].tables[0]
    assert list(dict.fromkeys(cells[0] for cells in table.rows)) == [
        "Strong, spread",
        "Strong, spread, fine-tuned",
        "Strong, exam by exam",
        "Weak",
        "Weak, fine-tuned",
        "Pooled",
        "Position only",
        "Pretext",
        "Mean HU",
        "Every run that learned",
    ]
    rows = {cells[:2]: cells[2:] for cells in table.rows}
    assert rows["Weak, fine-tuned", "attention weight"] == (
        "0.66 [0.60, 0.72]",
        "−0.02 [−0.07, +0.03]",
        "0.66 [0.60, 0.72]",
        "−0.03 [−0.08, +0.02]",
    )
    assert (
        rows["Every run that learned", "position alone, no image"][::2]
        == ("0.72 [0.66, 0.78]",) * 2
    )
    assert table.caption.endswith("112 labelled slices, 10 positive")


def test_runs_of_slices_are_told_at_thresholds_that_saw_no_test_label(
    section: SliceSection,
) -> None:
    _, table = section.parts[0].tables
    assert [row[:3] for row in table.rows] == [
        ("Strong", "slice probability", "0.37, validation"),
        ("Strong", "position alone, no image", "0.37, validation"),
        ("Weak", "slice probability", "0.37, validation"),
        ("Weak", "attention weight", "0.37, the even share"),
        ("Weak", "Shapley value of the slice", "0.37, validation"),
        ("Weak", "position alone, no image", "0.37, validation"),
    ]
    assert table.rows[0][3:] == (
        "2",
        "43 of 64",
        "0.67 [0.60, 0.74]",
        "0.72 [0.65, 0.79]",
        "0.67 [0.62, 0.72]",
    )
    (every,) = section.parts[0].folded
    assert {row[3] for row in every.rows} == {"0", "1", "2"}
    assert any("fitted on the test exams" in row[2] for row in every.rows)


def test_without_tables_of_evidence_slice_aucs_remain(study: Path) -> None:
    section = slice_section(read_study(study))
    (part,) = section.parts
    assert [table.id for table in part.tables] == ["table-slices"]
    assert part.figures == part.folded == part.callouts == ()
    assert len(section.paragraphs) == 1


def test_without_labelled_slices_it_says_so(
    make_study: Callable, record: Callable, tmp_path: Path
) -> None:
    study = make_study(tmp_path / "study")
    found = read_study(study)
    path = study / "evaluation" / "slice_metrics.parquet"
    found.slice_metrics.clear().write_parquet(path)
    record(path)
    (part,) = slice_section(read_study(study)).parts
    assert part.tables == ()
    assert part.callouts == ("No slice of the test exams has a label: nothing can be said here.",)
