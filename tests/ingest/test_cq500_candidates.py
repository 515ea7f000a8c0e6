"""Slice labels of CQ500 exams that are not the first choice of their study."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import slice_labels
from examwise.ingest.config import SeriesSelectionConfig

BOX_FILE = "1_Initial_Manual_Labeling.csv"


@pytest.fixture
def source(cq500_source: Path) -> Path:
    return cq500_source


def slices_of(stored: StoredExams, exam_id: str, finding: str) -> dict[int, int]:
    table = slice_labels(stored, finding).filter(pl.col("exam_id") == exam_id)
    return dict(table.select("slice_index", "slice_label").iter_rows())


@pytest.fixture
def torn_source(source: Path, write_study) -> Path:
    """The archive, with pixels of study 0's best series cut short: its thin one is the exam."""
    write_study(source, 0, "Plain 5mm", series=1, PixelData=bytes(2))
    return source


def test_slices_of_the_next_best_series_are_labelled(
    torn_source: Path, tmp_path: Path, run, write_boxes, identity
) -> None:
    rows = [("1.0.4.3", "Subdural", (1, 2, 3, 4)), ("1.0.4.4", "Subdural", (1, 2, 3, 4))]
    write_boxes(torn_source / BOX_FILE, rows)
    summary = run("cq500", torn_source)
    stored = StoredExams(tmp_path / "store")
    exam_id = identity.exam_id("1.0", "1.0.4")
    assert exam_id in stored.exams["exam_id"]
    assert slices_of(stored, exam_id, "subdural") == {3: 1, 4: 1}
    assert slices_of(stored, exam_id, "epidural") == dict.fromkeys(range(13), 0)
    joined = {code: number for code, number in summary.joined.items() if "box" in code}
    assert joined == {
        "box_rows": 2,
        "boxes_of_exams": 2,
        "boxes_joined": 2,
        "exams_boxed_thin": 1,
    }
    assert summary.examples["boxes_of_exams"] == ["box file, row 2", "box file, row 3"]
    assert summary.joined["exams_annotated"] == 2
    assert summary.n_labels_in_no_exam == 0


def test_boxes_on_the_series_that_failed_deny_the_denial_on_the_next(
    torn_source: Path, tmp_path: Path, run, write_boxes, write_study, identity
) -> None:
    # Thick enough for the absence of a box to say something.
    write_study(torn_source, 0, "Plain Thin", series=4, SliceThickness=3, n=13)
    rows = [
        ("1.0.1.4", "Subdural", (1, 2, 3, 4)),
        ("1.0.4.3", "Subdural", (1, 2, 3, 4)),
        ("1.0.4.3", "Epidural", (1, 2, 3, 4)),
    ]
    write_boxes(torn_source / BOX_FILE, rows)
    summary = run("cq500", torn_source)
    stored = StoredExams(tmp_path / "store")
    exam_id = identity.exam_id("1.0", "1.0.4")
    assert slices_of(stored, exam_id, "subdural") == {3: 1}
    assert slices_of(stored, exam_id, "intraventricular") == dict.fromkeys(range(13), 0)
    assert summary.joined["boxes_of_exams"] == 2
    assert summary.joined["boxes_in_another_series"] == 1
    assert summary.examples["boxes_in_another_series"] == ["box file, row 2"]


def test_every_series_has_slice_labels_of_its_own_boxes(
    source: Path, tmp_path: Path, run, identity
) -> None:
    """Subdural is boxed in series 1 and 4: its absence says nothing in them, nor elsewhere."""
    summary = run("cq500", source, series=SeriesSelectionConfig(select="every"))
    stored = StoredExams(tmp_path / "store")
    for series, wanted in ((1, {4: 1, 5: 1}), (2, {}), (4, {3: 1})):
        exam_id = identity.exam_id("1.0", f"1.0.{series}")
        assert slices_of(stored, exam_id, "subdural") == wanted
    assert summary.joined["boxes_of_exams"] == 4
    assert "boxes_in_another_series" not in summary.joined
