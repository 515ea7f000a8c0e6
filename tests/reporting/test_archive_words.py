from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from examwise.imaging.stored_exams import StoredExams
from examwise.reporting.archive_words import exams_words


def test_an_archive_in_words(make_store: Callable[..., str], tmp_path: Path) -> None:
    stored = StoredExams(make_store(tmp_path / "s", n_exams=4, n_slices=5))
    said = exams_words(stored, archive="here")
    assert said.startswith("archive “here” has 4 exams of 4 patients, 23 slices in all, 5 to 7 an")
    assert "in no exam." in said
    tilted = pl.Series([3.0, 0.0, 0.0, None])
    stored.exams = stored.exams.with_columns(
        gantry_tilt_degree=tilted, regular=pl.lit(False), n_slices=pl.lit(5)
    )
    said = exams_words(stored, archive="here")
    assert "5 an exam" in said
    assert "tilted by more than 1° in 1 exam. Slices are unevenly spaced in 4 exams." in said
