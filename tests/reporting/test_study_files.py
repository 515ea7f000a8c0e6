from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.progress import SilentProgress
from examwise.reporting.report import write_report


def test_store_elsewhere(make_study: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    before = write_report(study, progress=SilentProgress()).read_bytes()
    shutil.move(study / "store", tmp_path / "store")
    with pytest.raises(InputError, match="used stores elsewhere"):
        write_report(study, progress=SilentProgress())
    written = write_report(study, stores=[tmp_path / "store"], progress=SilentProgress())
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


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", None])
@pytest.mark.parametrize(
    "changed",
    [
        "evaluation/answer.json",
        "evaluation/budget_curve.parquet",
        "evaluation/exam_metrics.parquet",
        "evaluation/ratios.parquet",
        "evaluation/slice_metrics.parquet",
        "evaluation/roc_points.parquet",
        "predictions/strong-480-0/exams.parquet",
        "predictions/strong-480-0/slices.parquet",
    ],
)
def test_changed_files_are_refused(
    study: Path, tmp_path: Path, changed: str, content: bytes | None
) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    path = copy / changed
    path.write_bytes(path.read_bytes()[:-1] + b" " if content is None else content)
    with pytest.raises(IntegrityError, match=f"{changed}: expected the file once written"):
        write_report(copy, progress=SilentProgress())


def test_runs_other_than_those_evaluated(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    file = copy / "runs.parquet"
    pl.read_parquet(file).with_columns(pl.col("reader_hours") / 10).write_parquet(file)
    with pytest.raises(IntegrityError, match=r"runs\.parquet: expected the table that was eval"):
        write_report(copy, progress=SilentProgress())


@pytest.mark.parametrize("folder", [".", "evaluation"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tool_version", 3),
        ("tool_version", None),
        ("configuration", "none"),
        ("inputs", [1]),
        ("outputs", [1]),
    ],
)
def test_manifest_values_of_a_wrong_type(
    study: Path, tmp_path: Path, folder: str, name: str, value: Any
) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    manifest = copy / folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), name: value}))
    with pytest.raises(SchemaError, match=r"manifest\.json"):
        write_report(copy, progress=SilentProgress())


def test_answer_that_is_none(study: Path, tmp_path: Path, record: Callable) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    (copy / "evaluation/answer.json").write_text('{"headline": 3}')
    record(copy / "evaluation/answer.json")
    with pytest.raises(SchemaError, match=r"answer\.json"):
        write_report(copy, progress=SilentProgress())


def test_tables_that_do_not_belong_together(study: Path, tmp_path: Path, record: Callable) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    file = copy / "evaluation/exam_metrics.parquet"
    pl.read_parquet(file).filter(pl.col("learner") == "weak").write_parquet(file)
    record(file)
    with pytest.raises(InputError, match=r"exam_metrics\.parquet of .* got no strong"):
        write_report(copy, progress=SilentProgress())
    for table in (file, copy / "evaluation/budget_curve.parquet"):
        pl.read_parquet(table).clear().write_parquet(table)
        record(table)
    with pytest.raises(InputError, match="none in either"):
        write_report(copy, progress=SilentProgress())
