from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from examwise.core.commits import CommitLog
from examwise.core.errors import SchemaError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.store import EXAMS, FILES, LABELS, SLICES
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.imaging.store_history import Tombstone, write_tombstone
from examwise.imaging.store_writer import (
    ExamContent,
    StoreWriter,
    finish_store,
    relative_positions,
)


def exam(exam_id: str, **changes) -> dict:
    return {
        "exam_id": exam_id,
        "patient_key": "p1",
        "archive": "test",
        "n_slices": 3,
        "rows": 8,
        "columns": 8,
        "source_rows": 8,
        "source_columns": 8,
        "row_spacing_mm": 1.0,
        "column_spacing_mm": 1.0,
        "slice_spacing_mm": 5.0,
        "regular": True,
        "gantry_tilt_degree": 0.0,
        "affine": np.eye(4).ravel().tolist(),
        "thickness_mm": None,
        "kernel": None,
        "scanner_group": None,
        "lossy": False,
        "data_terms": "none",
        **changes,
    }


def content(exam_id: str, **changes) -> ExamContent:
    pixels = np.full((3, 8, 8), int(exam_id[1:]), np.int16)
    label = {
        "exam_id": exam_id,
        "slice_start": None,
        "slice_stop": None,
        "finding": "any",
        "value": 1,
        "source": "test",
        "reader": None,
        "seconds": None,
        "round": 0,
    }
    file = {
        "path_digest": f"f{exam_id}",
        "status": "used",
        "reason": "",
        "exam_id": exam_id,
        "slice_index": 0,
    }
    return ExamContent(
        exam(exam_id, **changes), pixels, np.array([0.0, 4.0, 10.0]), [label], [file]
    )


def begin(url: str | Path) -> Stage:
    return Stage.begin(url, kind="exam-store", configuration={}, inputs={}, seed=None)


def write(url: str | Path, exam_ids: list[str]) -> None:
    stage = begin(url)
    writer = StoreWriter(url)
    for exam_id in exam_ids:
        writer.write_exam(content(exam_id))
    writer.write_files(
        "rest",
        [
            {
                "path_digest": "frest",
                "status": "left_out",
                "reason": "localizer",
                "exam_id": None,
                "slice_index": None,
            }
        ],
    )
    finish_store(stage)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def test_tables_do_not_depend_on_the_order_of_writing(tmp_path: Path) -> None:
    write(tmp_path / "a", ["e1", "e2", "e3"])
    write(tmp_path / "b", ["e3", "e1", "e2"])
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_what_is_written(tmp_path: Path) -> None:
    write(tmp_path / "a", ["e2", "e1"])
    storage = Storage(tmp_path / "a")
    assert EXAMS.read(storage)["exam_id"].to_list() == ["e1", "e2"]
    slices = SLICES.read(storage)
    assert slices["position_mm"].to_list() == [0, 4, 10] * 2
    assert slices["relative_position"].to_list() == [0, 0.4, 1] * 2
    assert LABELS.read(storage).height == 2
    assert FILES.read(storage)["path_digest"].to_list() == ["fe1", "fe2", "frest"]
    group = json.loads(storage.read("pixels.zarr/zarr.json"))
    assert group["node_type"] == "group"
    assert read_manifest(tmp_path / "a", kind="exam-store").seed is None


def test_an_exam_without_its_record_does_not_exist(tmp_path: Path) -> None:
    url = tmp_path / "a"
    stage = begin(url)
    writer = StoreWriter(url)
    writer.write_exam(content("e1"))
    writer.write_exam(content("e2"))
    (url / "commits" / "exams" / "e2.json").unlink()
    assert CommitLog(Storage(url)).items() == ["exams/e1"]
    finish_store(stage)
    assert EXAMS.read(Storage(url))["exam_id"].to_list() == ["e1"]


def test_tables_built_in_parts_are_the_same(tmp_path: Path, monkeypatch) -> None:
    exam_ids = [f"e{number}" for number in range(5)]
    write(tmp_path / "a", exam_ids)
    monkeypatch.setattr("examwise.imaging.store_writer._RECORDS_A_PART", 2)
    write(tmp_path / "b", exam_ids)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_wrong_rows_are_refused_before_anything_is_committed(tmp_path: Path) -> None:
    begin(tmp_path / "a")
    writer = StoreWriter(tmp_path / "a")
    with pytest.raises(SchemaError, match="row_spacing_mm"):
        writer.write_exam(content("e1", row_spacing_mm=-1.0))
    assert CommitLog(Storage(tmp_path / "a")).items() == []


def test_finishing_twice_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a", ["e1"])
    before = tree(tmp_path / "a")
    finish_store(begin(tmp_path / "a"))
    assert tree(tmp_path / "a") == before


def test_lone_slice_stands_in_the_middle() -> None:
    assert relative_positions(np.array([7.0])).tolist() == [0.5]


def test_empty_store_has_all_tables() -> None:
    url = "memory://empty-store-test"
    finish_store(begin(url))
    for schema in (EXAMS, SLICES, LABELS, FILES):
        frame = schema.read(Storage(url))
        assert frame.is_empty()
        assert frame.schema == pl.Schema(schema.dtypes)


def test_files_of_withdrawn_exams_are_sorted_too(tmp_path: Path) -> None:
    stage = Stage.begin(tmp_path, kind="exam-store", configuration={}, inputs={}, seed=None)
    rows = [("f3", 0), ("f1", 0), ("f2", 1)]
    files = [
        {"path_digest": path_digest, "status": "left_out", "reason": "withdrawn",
         "exam_id": None, "slice_index": None, "import_index": import_index}
        for path_digest, import_index in rows
    ]  # fmt: skip
    columns = FILES.frame(files).to_dict(as_series=False)
    write_tombstone(stage.storage, Tombstone("e1", "p1", whole_patient=False, files=columns))
    finish_store(stage)
    assert FILES.read(stage.storage)["path_digest"].to_list() == ["f1", "f2", "f3"]
