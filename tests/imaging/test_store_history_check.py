from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from examwise.core.digests import readable_json
from examwise.core.errors import InputError, IntegrityError
from examwise.core.executors.serial import SerialExecutor
from examwise.core.manifest import MANIFEST
from examwise.core.progress import SilentProgress
from examwise.core.schemas.store import SERIES
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.imaging.store_check import check_store
from examwise.imaging.store_history import (
    StoreHistory,
    import_key,
    require_changeable,
    tombstone_key,
)
from examwise.imaging.store_removal import take_out, withdraw
from examwise.imaging.store_writer import finish_store, latest_series

EXAM = "e0003"


@pytest.fixture
def store(make_store, tmp_path) -> Path:
    """Six exams, of which one was withdrawn."""
    make_store(tmp_path / "store", n_exams=6, matrix=16)
    storage = Storage(tmp_path / "store")
    withdraw(storage, StoreHistory(storage), exam_ids=[EXAM])
    take_out(storage, StoreHistory(storage))
    finish_store(Stage.reopen(storage.url))
    return tmp_path / "store"


def found(store: Path) -> tuple[list[str], list[str]]:
    check = check_store(
        str(store), executor=SerialExecutor(), progress=SilentProgress(), decode=False
    )
    return [fault.code for fault in check.faults], [doubt.code for doubt in check.doubts]


def test_a_store_from_which_an_exam_was_withdrawn_is_whole(store) -> None:
    assert found(store) == ([], [])
    assert not list(store.rglob(f"*{EXAM}/*"))


def test_what_comes_back_of_a_withdrawn_exam_is_a_fault(store, make_store, tmp_path) -> None:
    whole = Path(make_store(tmp_path / "whole", n_exams=6, matrix=16))
    for name in ("zarr.json", "c/0/0/0"):
        path = store / "pixels.zarr" / EXAM / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((whole / "pixels.zarr" / EXAM / name).read_bytes())
    assert found(store) == (["withdrawn"], ["stray"])
    (store / "labels.parquet").write_bytes((whole / "labels.parquet").read_bytes())
    assert found(store)[0].count("withdrawn") == 2


def test_lost_and_strange_records_are_faults(store) -> None:
    tombstone = store / tombstone_key(EXAM)
    text = tombstone.read_text()
    tombstone.write_text("nothing")
    assert found(store)[0] == ["history"]
    with pytest.raises(IntegrityError, match="a record of a change"):
        _ = StoreHistory(Storage(store)).tombstones
    tombstone.unlink()
    assert "history" in found(store)[0]
    tombstone.write_text(text)
    manifest = json.loads((store / MANIFEST).read_text())
    addition = {"index": 1, "n_removed": 1}
    (store / MANIFEST).write_bytes(readable_json({**manifest, "imports": [addition]}))
    assert found(store)[0] == ["history"]


def test_an_unfinished_change_is_a_doubt(store) -> None:
    storage = Storage(store)
    storage.write(import_key(1), readable_json({"index": 1, "n_removed": 1}))
    assert StoreHistory(storage).pending == "addition"
    assert found(store) == ([], ["unfinished"])
    with pytest.raises(InputError, match="unfinished addition; run the ingest command with"):
        require_changeable(storage)
    require_changeable(storage, allowed="addition")
    storage.delete(MANIFEST)
    assert StoreHistory(storage).pending == "addition"
    storage.delete(import_key(1))
    assert StoreHistory(storage).pending == "removal"


def test_stray_files_are_a_doubt_without_their_names(store) -> None:
    (store / "Jane Doe.txt").write_text("a note")
    (store / "pixels.zarr" / "e0000" / "c" / "0" / "0" / "1").write_text("more")
    (store / "provenance.json").unlink()
    check = check_store(
        str(store), executor=SerialExecutor(), progress=SilentProgress(), decode=False
    )
    assert not check.faults
    assert [doubt.code for doubt in check.doubts] == ["provenance", "stray", "stray"]
    assert not any("Jane" in str(doubt) for doubt in check.doubts)


def test_what_leads_back_to_patients_is_a_fault(store) -> None:
    (store / "identity" / "t1").mkdir(parents=True)
    (store / "identity" / "key").write_text("00")
    (store / "identity" / "t1" / "crosswalk.parquet").write_text("who is who")
    assert found(store) == (["identity", "identity"], [])


def test_of_a_series_that_came_twice_the_later_row_counts() -> None:
    row = dict.fromkeys(SERIES.names)
    row |= {"series_id": "a", "n_files": 3, "status": "left_out", "reason": "too_few_slices"}
    later = {**row, "n_files": 9, "status": "used", "reason": ""}
    rows = [{**later, "import_index": 2}, {**row, "import_index": 0}]
    rows.append({**row, "series_id": "b", "import_index": 1})
    kept = latest_series(pl.DataFrame(rows, schema=SERIES.dtypes))
    assert kept.select("series_id", "n_files").rows() == [("a", 9), ("b", 3)]


def test_doubts_of_a_store_that_was_added_to_and_not_split(store) -> None:
    storage = Storage(store)
    exams = pl.read_parquet(store / "exams.parquet")
    from examwise.data.splits import split_store

    split_store(store)
    splits = pl.read_parquet(store / "splits.parquet")
    splits.head(exams.height - 1).write_parquet(store / "splits.parquet")
    assert "split_missing" in found(store)[0]
    addition = {"index": 1, "n_removed": 1}
    storage.write(import_key(1), readable_json(addition))
    manifest = json.loads(storage.read(MANIFEST))
    storage.write(MANIFEST, readable_json({**manifest, "imports": [addition]}))
    faults, doubts = found(store)
    assert (faults, doubts) == (["digest"], ["split_missing"])
