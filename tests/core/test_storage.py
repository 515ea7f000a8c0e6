import errno
import os
import pickle
import sys
import uuid

import pytest

from examwise.core.errors import InputError
from examwise.core.storage import Storage


@pytest.fixture(params=["local", "memory"])
def storage(request, tmp_path):
    if request.param == "local":
        return Storage(tmp_path / "folder")
    return Storage(f"memory://{uuid.uuid4().hex}")


def test_what_is_written_is_read(storage):
    storage.write("a/b", b"0123456789")
    assert storage.read("a/b") == b"0123456789"
    assert storage.read("a/b", offset=3) == b"3456789"
    assert storage.read("a/b", offset=3, length=2) == b"34"
    assert storage.size("a/b") == 10
    assert storage.exists("a/b")


def test_writing_again_replaces(storage):
    storage.write("a", b"long content")
    storage.write("a", b"short")
    assert storage.read("a") == b"short"


def test_absent_objects(storage):
    assert not storage.exists("a")
    assert storage.list() == []
    storage.delete("a")
    with pytest.raises(FileNotFoundError):
        storage.read("a")


def test_listing_is_sorted_and_below_the_prefix(storage):
    for key in ("b", "a/2", "a/1", "ab/3"):
        storage.write(key, b"")
    assert storage.list() == ["a/1", "a/2", "ab/3", "b"]
    assert storage.list("a") == ["a/1", "a/2"]
    storage.delete("a/1")
    assert storage.list("a") == ["a/2"]


def test_child_is_the_same_objects_under_shorter_keys(storage):
    storage.child("x").write("y", b"1")
    assert storage.read("x/y") == b"1"


def test_storage_can_be_sent_to_another_process(storage):
    storage.write("a", b"1")
    assert pickle.loads(pickle.dumps(storage)).read("a") == b"1"


@pytest.mark.parametrize("key", ["", "/a", "../a", "a/../../b"])
def test_keys_cannot_leave_the_folder(storage, key):
    with pytest.raises(ValueError, match="relative"):
        storage.write(key, b"")


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (errno.ENOSPC, InputError, "expected room to write, got a full disk; make room"),
        (errno.EIO, InputError, "a disk that works, got one that fails .* it goes on where it was"),
        (errno.EACCES, InputError, "able to write there, got no permission to; ask for it, then"),
        (errno.EROFS, InputError, "able to write there, got a disk that is read only; make it"),
        (errno.EMFILE, OSError, "Too many open files"),
    ],
)
def test_failed_write_leaves_the_old_object_and_no_rubbish(
    tmp_path, monkeypatch, number, kind, said
):
    storage = Storage(tmp_path)
    storage.write("a", b"old")

    def fail(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(kind, match=said) as caught:
        storage.write("a", b"new")
    assert ".partial" not in str(caught.value)
    assert kind is OSError or str(caught.value).startswith(f"{tmp_path}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert storage.read("a") == b"old"


def test_unfinished_writes_are_not_listed(tmp_path):
    (tmp_path / ".partial-1").write_bytes(b"half")
    assert Storage(tmp_path).list() == []


def test_sweeping_removes_unfinished_writes_and_nothing_else(storage):
    storage.write("a/b", b"1")
    if storage.local:
        (storage.local / "a" / ".partial-1").write_bytes(b"half")
    storage.sweep()
    assert storage.list() == ["a/b"]
    if storage.local:
        assert [path.name for path in (storage.local / "a").iterdir()] == ["b"]


def test_missing_package_of_a_protocol_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "adlfs", None)
    with pytest.raises(InputError, match=r"pip install 'examwise\[azure\]'"):
        Storage("abfs://container/store")


def test_unknown_protocol_is_refused():
    with pytest.raises(InputError, match="an fsspec URL whose package is installed"):
        Storage("nosuch://x")


def test_write_survives_the_sweep_of_another_process(tmp_path, monkeypatch):
    storage = Storage(tmp_path)
    sync, sweeps = os.fsync, [storage.sweep]

    def sweep_once(handle):
        sync(handle)
        while sweeps:
            sweeps.pop()()

    monkeypatch.setattr("os.fsync", sweep_once)
    storage.write("a", b"1")
    assert storage.read("a") == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_creating_never_replaces(storage):
    assert storage.create("a/b", b"first")
    assert not storage.create("a/b", b"second")
    assert storage.read("a/b") == b"first"
    assert storage.list() == ["a/b"]


def test_of_many_creators_one_succeeds(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    storage = Storage(tmp_path)
    (tmp_path / "x").mkdir()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: storage.create("x/y", b"%d" % n), range(8)))
    assert made.count(True) == 1
    assert storage.read("x/y") == b"%d" % made.index(True)


def test_memory_is_not_shared_between_processes(storage):
    assert storage.shared == (storage.local is not None)


def test_web_addresses_cannot_be_written_to():
    with pytest.raises(InputError, match="a place that can be written to"):
        Storage("https://example.org/store")
