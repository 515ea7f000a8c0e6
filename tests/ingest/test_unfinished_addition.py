from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.progress import SilentProgress
from examwise.core.schemas.store import LABELS
from examwise.core.storage import Storage
from examwise.data.splits import split_store
from examwise.imaging.store_check import check_store
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.append import append_archive
from examwise.ingest.config import IngestConfig
from examwise.ingest.remove import remove_exams
from examwise.ingest.unfinished_addition import take_back_addition


def add(source: Path, store: Path, identity: Identity):
    return append_archive(
        "rsna",
        source,
        str(store),
        identity=identity,
        config=IngestConfig(matrix=16),
        executor=SerialExecutor(),
        progress=SilentProgress(),
    )


def faults(store: Path) -> list[str]:
    check = check_store(str(store), executor=SerialExecutor(), progress=SilentProgress())
    # Random noise is no HU, and no head.
    return [str(fault) for fault in (*check.faults, *check.doubts) if "HU" not in str(fault)]


def walks(folder: Path, tree) -> dict[str, str]:
    return {name: digest for name, digest in tree(folder).items() if "headers" not in name}


@pytest.fixture
def store(tmp_path: Path, write_rsna, run) -> Path:
    """A split store of two exams, with an event that no record holds; its source has grown.

    What the source now says of the exams that are there is new, too.
    """
    source, store = tmp_path / "source", tmp_path / "store"
    write_rsna(source, 2)
    run("rsna", source)
    split_store(store, fractions=(1.0, 0.0, 0.0))
    labels = pl.read_parquet(store / "labels.parquet")
    another = labels.head(1).with_columns(pl.lit("added since").alias("source"))
    LABELS.write(Storage(store), pl.concat([labels, another]))
    write_rsna(source, 4)
    text = (source / "stage_2_train.csv").read_text()
    first = text.splitlines()[1:7]
    changed = [line[:-1] + "1" if "any" in line or "epidural" in line else line for line in first]
    for old, new in zip(first, changed, strict=True):
        text = text.replace(old, new)
    (source / "stage_2_train.csv").write_text(text)
    return store


def test_stopped_anywhere_the_store_is_as_it_was_before(
    store, tmp_path, identity, tree, stopped_at
) -> None:
    before, known = tree(store), walks(identity.folder, tree)
    was_rebuilt = False
    for n in range(200):
        copy, folder = tmp_path / f"store{n}", tmp_path / f"identity{n}"
        shutil.copytree(store, copy)
        shutil.copytree(identity.folder, folder)
        with stopped_at(n) as stopped:
            add(tmp_path / "source", copy, Identity(folder))
        if not stopped[0]:
            assert n > 15
            assert was_rebuilt
            break
        if n > 1:  # it has its record
            was_rebuilt |= not (copy / "manifest.json").exists()
            with pytest.raises(InputError, match="remove STORE --unfinished-addition"):
                remove_exams(copy, identity=Identity(folder), patient_keys=["p1"])
            taken = take_back_addition(copy, identity=Identity(folder))
            assert (taken.index, taken.store.n_exams) == (1, 2)
        assert tree(copy) == before, n
        assert walks(folder, tree) == known, n
        shutil.rmtree(copy)
    else:
        pytest.fail("never finished")


@pytest.mark.parametrize("stopped_before", [7, -1])
def test_taking_back_may_be_interrupted_or_given_up(
    store, tmp_path, identity, tree, stopped_at, stopped_before
) -> None:
    whole = Path(shutil.copytree(store, tmp_path / "whole"))
    whole_walks = Path(shutil.copytree(identity.folder, tmp_path / "whole_walks"))
    before, known = tree(store), walks(identity.folder, tree)
    n_steps = next(n for n in range(200) if _finishes(whole, whole_walks, n, tmp_path, stopped_at))
    with stopped_at(stopped_before % n_steps) as stopped:  # -1: all but the manifest
        add(tmp_path / "source", store, identity)
    assert stopped[0]
    for n in range(100):
        copy, folder = tmp_path / "copy", tmp_path / "folder"
        for found, place in ((store, copy), (identity.folder, folder)):
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(found, place)
        with stopped_at(n) as stopped:
            take_back_addition(copy, identity=Identity(folder))
        if not stopped[0]:
            break
        other, other_folder = tmp_path / "other", tmp_path / "other_folder"
        for found, place in ((copy, other), (folder, other_folder)):
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(found, place)
        take_back_addition(copy, identity=Identity(folder))
        assert tree(copy) == before, n
        assert walks(folder, tree) == known, n
        # Or the source is found again, and the addition goes on.
        add(tmp_path / "source", other, Identity(other_folder))
        assert tree(other) == tree(whole), n
        assert walks(other_folder, tree) == walks(whole_walks, tree), n
    else:
        pytest.fail("never finished")
    assert n > 4


def _finishes(store: Path, folder: Path, n: int, tmp_path: Path, stopped_at) -> bool:
    """Go on with an addition for as many steps; tell whether it ends."""
    copy = Path(shutil.copytree(store, tmp_path / "trial"))
    copied = Path(shutil.copytree(folder, tmp_path / "trial_walks"))
    with stopped_at(n) as stopped:
        add(tmp_path / "source", copy, Identity(copied))
    if not stopped[0]:
        for place, made in ((store, copy), (folder, copied)):
            shutil.rmtree(place)
            shutil.copytree(made, place)
    shutil.rmtree(copy)
    shutil.rmtree(copied)
    return not stopped[0]


def test_after_other_additions_and_withdrawals(
    store, tmp_path, identity, tree, write_rsna, stopped_at
) -> None:
    add(tmp_path / "source", store, identity)
    exam_id = identity.exam_id("ID_st3", "ID_se3")
    remove_exams(store, identity=identity, exam_ids=[exam_id])
    before, known = tree(store), walks(identity.folder, tree)
    write_rsna(tmp_path / "source", 6)
    for n in range(6, 100, 2):
        with stopped_at(n) as stopped:
            add(tmp_path / "source", store, identity)
        if not stopped[0]:
            break
        take_back_addition(store, identity=identity)
        assert tree(store) == before, n
        assert walks(identity.folder, tree) == known, n
    assert n > 15
    assert not [fault for fault in faults(store) if "part" not in fault]
    assert add(tmp_path / "source", store, identity).index == 2


def test_finished_additions_stay(store, tmp_path, identity, tree) -> None:
    add(tmp_path / "source", store, identity)
    before = tree(store)
    with pytest.raises(InputError, match="a store with an unfinished addition, got none"):
        take_back_addition(store, identity=identity)
    assert tree(store) == before
    with pytest.raises(InputError, match="an exam store, got none"):
        take_back_addition(tmp_path / "nowhere", identity=identity)
    assert not (tmp_path / "nowhere").exists()


def test_with_its_source_gone_the_store_can_be_changed_again(
    store, tmp_path, identity, stopped_at, write_rsna
) -> None:
    with stopped_at(9) as stopped:
        add(tmp_path / "source", store, identity)
    assert stopped[0]
    shutil.rmtree(tmp_path / "source")
    write_rsna(tmp_path / "source", 3)
    with pytest.raises(InputError, match="began it, or take it back: examwise remove STORE"):
        add(tmp_path / "source", store, identity)
    take_back_addition(store, identity=identity)
    assert add(tmp_path / "source", store, identity).added.n_exams == 1
    assert len(StoredExams(store)) == 3
    assert not [fault for fault in faults(store) if "part" not in fault]
