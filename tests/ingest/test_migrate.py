from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import InputError, SchemaError
from examwise.core.executors.serial import SerialExecutor
from examwise.core.progress import SilentProgress
from examwise.core.schemas.store import EXAMS, SERIES
from examwise.core.storage import Storage
from examwise.data.splits import read_splits
from examwise.imaging.store_check import check_store
from examwise.imaging.stored_annotations import has_mask, mask
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.migrate import Migration, migrate_store
from examwise.ingest.remove import remove_exams

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "store_v1.zip"
UNCHANGED = ("exams", "slices", "labels", "splits")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that schema version 1 left."""
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(tmp_path / "store")
    return tmp_path / "store"


def faults(store: Path) -> list[str]:
    check = check_store(str(store), executor=SerialExecutor(), progress=SilentProgress())
    # Tiny images are no HU to speak of.
    return [str(fault) for fault in (*check.faults, *check.doubts) if "HU" not in str(fault)]


def test_a_store_of_version_1_is_refused_by_the_name_of_the_command(store) -> None:
    with pytest.raises(SchemaError, match=r"got 1; .*examwise migrate STORE"):
        StoredExams(store)


def test_it_is_whole_afterwards(store, identity) -> None:
    before = {name: pl.read_parquet(store / f"{name}.parquet") for name in UNCHANGED}
    files = pl.read_parquet(store / "files.parquet")
    assert migrate_store(store) == Migration(1, 2, 4)
    assert not faults(store)
    for name, table in before.items():
        assert pl.read_parquet(store / f"{name}.parquet").equals(table)
    now = pl.read_parquet(store / "files.parquet")
    assert now.drop("import_index").equals(files)
    assert now["import_index"].unique().to_list() == [0]
    stored = StoredExams(store)
    for exam_id in stored.exams["exam_id"]:
        assert len(stored.read_slices(exam_id)) == stored.n_slices(exam_id)
        assert not has_mask(stored, exam_id) or mask(stored, exam_id) is not None
    series = SERIES.read(Storage(store))
    assert series["exam_id"].to_list() == stored.exams["exam_id"].to_list()
    assert series["study_id"].null_count() == series.height
    assert series["n_positions"].to_list() == stored.exams["n_slices"].to_list()
    assert read_splits(store).height == len(stored)


def test_again_it_changes_nothing(store, tree) -> None:
    migrate_store(store)
    before = tree(store)
    assert migrate_store(store) == Migration(2, 2, 0)
    assert tree(store) == before


def test_stopped_at_every_write_it_ends_in_the_same_bytes(
    store, tmp_path, tree, stopped_at
) -> None:
    whole = Path(shutil.copytree(store, tmp_path / "whole"))
    migrate_store(whole)
    for n in range(100):
        copy = Path(shutil.copytree(store, tmp_path / f"store{n}"))
        with stopped_at(n) as stopped:
            migrate_store(copy)
        if not stopped[0]:
            assert n > 10
            break
        with pytest.raises(SchemaError, match="examwise migrate STORE"):
            StoredExams(copy)
        migrate_store(copy)
        assert tree(copy) == tree(whole), n
    else:
        pytest.fail("never finished")


def test_a_migrated_store_can_lose_an_exam(store, identity) -> None:
    migrate_store(store)
    exam_id = EXAMS.read(Storage(store))["exam_id"][0]
    assert remove_exams(store, identity=identity, exam_ids=[exam_id]).store.n_exams == 3
    assert not faults(store)


def test_what_cannot_be_migrated(store, tmp_path) -> None:
    with pytest.raises(InputError, match="finished exam store, got none"):
        migrate_store(tmp_path / "nowhere")
    manifest = store / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(json.dumps({**json.loads(text), "schema_version": 7}))
    with pytest.raises(SchemaError, match="got 7"):
        migrate_store(store)
    manifest.write_text("nothing")
    with pytest.raises(SchemaError, match="a manifest"):
        migrate_store(store)
    manifest.unlink()
    with pytest.raises(InputError, match="got an unfinished one"):
        migrate_store(store)


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_damaged_store_is_not_migrated(store, tree, is_gone) -> None:
    path = store / "labels.parquet"
    whole = path.read_bytes()
    path.unlink()
    if not is_gone:
        path.write_bytes(whole[:-30])
    before = tree(store)
    with pytest.raises(InputError, match="from a copy of the store, nothing has been changed"):
        migrate_store(store)
    assert tree(store) == before
