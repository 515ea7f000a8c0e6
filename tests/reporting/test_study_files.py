from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import InputError, SchemaError
from examwise.core.progress import SilentProgress
from examwise.reporting.report import write_report


def test_store_elsewhere(make_study: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    before = write_report(study, progress=SilentProgress()).read_bytes()
    shutil.move(study / "store", tmp_path / "store")
    with pytest.raises(InputError, match="exam-store"):
        write_report(study, progress=SilentProgress())
    written = write_report(study, store=tmp_path / "store", progress=SilentProgress())
    assert written.read_bytes() == before


def test_unfinished_study(make_study: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", finished=False)
    with pytest.raises(InputError, match="finished study directory, got an unfinished one"):
        write_report(study, progress=SilentProgress())
    assert not (study / "report.html").exists()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("evaluation/manifest.json", "finished evaluation directory"),
        ("evaluation/answer.json", "answer.json"),
        ("evaluation/budget_curve.parquet", "budget_curve.parquet"),
        ("runs.parquet", "runs.parquet"),
        ("store/splits.parquet", "splits.parquet"),
        ("predictions/strong-480-0/slices.parquet", "predictions/strong-480-0/slices.parquet"),
    ],
)
def test_missing_files_are_named(study: Path, tmp_path: Path, missing: str, said: str) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    (copy / missing).unlink()
    with pytest.raises(InputError) as caught:
        write_report(copy, progress=SilentProgress())
    assert said in str(caught.value)


def test_answer_that_is_none(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    (copy / "evaluation/answer.json").write_text('{"headline": 3}')
    with pytest.raises(SchemaError, match=r"answer\.json"):
        write_report(copy, progress=SilentProgress())


def test_tables_that_do_not_belong_together(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    file = copy / "evaluation/exam_metrics.parquet"
    pl.read_parquet(file).filter(pl.col("learner") == "weak").write_parquet(file)
    with pytest.raises(InputError, match=r"exam_metrics\.parquet of .* got no strong"):
        write_report(copy, progress=SilentProgress())
    pl.read_parquet(file).clear().write_parquet(file)
    curve = copy / "evaluation/budget_curve.parquet"
    pl.read_parquet(curve).clear().write_parquet(curve)
    with pytest.raises(InputError, match="none in either"):
        write_report(copy, progress=SilentProgress())
