from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from examwise.core.schemas.store import LABELS, SPLITS
from examwise.imaging.stored_exams import StoredExams
from examwise.reporting.label_shares import exams_with_labels


def event(exam: str, start: int | None, stop: int | None, value: int | None, number: int) -> dict:
    return {
        "exam_id": exam,
        "slice_start": start,
        "slice_stop": stop,
        "finding": "any",
        "value": value,
        "source": "test",
        "reader": None,
        "seconds": None,
        "round": number,
    }


@pytest.fixture
def stored(make_store: Callable[..., str], tmp_path: Path) -> StoredExams:
    url = make_store(tmp_path / "store", n_exams=9, n_slices=6)
    stored = StoredExams(url)
    later = [
        event("e0000", 2, 4, 0, 1),  # the positive run is corrected
        event("e0001", None, None, 1, 0),  # said of the whole exam
        event("e0002", 3, 5, None, 1),  # two slices withdrawn
        event("e0004", None, None, 1, 0),
        event("e0004", None, None, None, 1),  # withdrawn as a whole
        event("e0005", 0, 3, 1, 2),
        event("e0005", 0, 3, 0, 1),  # an older round, written later
    ]
    stored.labels = pl.concat([stored.labels, LABELS.frame(later)])
    return stored


def test_labels_by_hand(stored: StoredExams) -> None:
    splits = SPLITS.frame([{"exam_id": "e0000", "patient_key": "p0000", "split": "train"}])
    found = exams_with_labels(stored, splits, "any")
    labels = dict(found.select("exam_id", "exam_label").rows())
    assert labels == {
        "e0000": 0,
        "e0001": 1,
        "e0002": None,
        "e0003": 1,
        "e0004": None,
        "e0005": 1,
        "e0006": 1,
        "e0007": 0,
        "e0008": 0,
    }
    assert found["split"].to_list() == ["train", *["no part"] * 8]
