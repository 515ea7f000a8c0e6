from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import zarr

from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.store import shard_key
from examwise.imaging.stored_exams import StoredExams


@pytest.fixture
def url(tmp_path: Path, make_store) -> str:
    return make_store(tmp_path / "store", n_exams=3, n_slices=5, matrix=16)


def test_reads_what_zarr_reads(url: str) -> None:
    exams = StoredExams(url)
    assert len(exams) == 3
    group = zarr.open_group(f"{url}/pixels.zarr", mode="r")
    for exam_id in exams.exams["exam_id"]:
        whole = exams.read_slices(exam_id)
        np.testing.assert_array_equal(whole, group[exam_id][:])
        assert len(whole) == exams.n_slices(exam_id)
        np.testing.assert_array_equal(exams.read_slices(exam_id, [3, 0, 3]), whole[[3, 0, 3]])
        assert exams.read_slices(exam_id, []).shape == (0, 16, 16)


def test_reads_into_memory_that_is_there(url: str) -> None:
    exams = StoredExams(url)
    whole = exams.read_slices("e0002")
    room = np.zeros((7, 16, 16), np.int16)
    found = exams.read_slices("e0002", [4, 1], out=room[2:4])
    assert np.shares_memory(found, room)
    np.testing.assert_array_equal(room[2:4], whole[[4, 1]])
    assert not room[:2].any()
    assert not room[4:].any()
    with pytest.raises(ValueError, match=r"expected int16 \(2, 16, 16\)"):
        exams.read_slices("e0002", [4, 1], out=room)


@pytest.mark.parametrize("index", [-1, 6])
def test_slices_that_an_exam_does_not_have(url: str, index: int) -> None:
    with pytest.raises(IndexError, match="slices 0 to 5"):
        StoredExams(url).read_slices("e0001", [0, index])


@pytest.mark.parametrize("gap", [0, 10**6])
def test_slices_far_apart_are_read_each_for_itself(url: str, gap: int, monkeypatch) -> None:
    exams = StoredExams(url)
    whole = exams.read_slices("e0001")
    monkeypatch.setattr("examwise.imaging.stored_exams._LARGEST_GAP_BYTES", gap)
    reads = []
    read = exams.storage.read
    monkeypatch.setattr(
        exams.storage, "read", lambda *one, **options: reads.append(one) or read(*one, **options)
    )
    wanted = [4, 0, 1, 4, 2]
    np.testing.assert_array_equal(exams.read_slices("e0001", wanted), whole[wanted])
    assert len(reads) == (2 if gap == 0 else 1)


def test_remote_store(make_store) -> None:
    url = make_store("memory://stored-exams-test", n_exams=2, n_slices=3, matrix=8)
    exams = StoredExams(url)
    assert exams.read_slices("e0001", [1]).shape == (1, 8, 8)


def test_travels_to_workers(url: str) -> None:
    exams = StoredExams(url)
    copy = pickle.loads(pickle.dumps(exams))
    np.testing.assert_array_equal(copy.read_slices("e0000"), exams.read_slices("e0000"))


def test_unknown_exam(url: str) -> None:
    with pytest.raises(InputError, match="an exam of this store"):
        StoredExams(url).read_slices("e9999")


@pytest.mark.parametrize("slices", [None, [2]])
def test_damaged_shard(url: str, slices: list[int] | None) -> None:
    exams = StoredExams(url)
    path = Path(url) / shard_key("e0001")
    content = bytearray(path.read_bytes())
    content[int(exams._offset[exams._first[1] + 2]) + 3] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="slice 2"):
        exams.read_slices("e0001", slices)


def test_shard_cut_short(url: str) -> None:
    exams = StoredExams(url)
    path = Path(url) / shard_key("e0001")
    path.write_bytes(path.read_bytes()[: int(exams._length[exams._first[1]]) + 3])
    np.testing.assert_array_equal(
        exams.read_slices("e0001", [0]), StoredExams(url).read_slices("e0001", [0])
    )
    with pytest.raises(IntegrityError, match=r"e0001.*slice 1"):
        exams.read_slices("e0001")


def test_slices_of_another_shape_than_the_table_says(url: str) -> None:
    exams = StoredExams(url)
    exams._shape = exams._shape * [1, 2, 1]
    with pytest.raises(IntegrityError, match=r"slice of shape \(32, 16\)"):
        exams.read_slices("e0000")


def test_unfinished_or_no_store(url: str, tmp_path: Path) -> None:
    (Path(url) / "manifest.json").unlink()
    with pytest.raises(InputError, match="unfinished"):
        StoredExams(url)
    with pytest.raises(InputError, match=r"no manifest\.json"):
        StoredExams(tmp_path / "none")


def test_store_of_another_schema_version(url: str) -> None:
    path = Path(url) / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 99'))
    with pytest.raises(SchemaError, match="schema version 2, got 99"):
        StoredExams(url)
