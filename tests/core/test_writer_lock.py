import contextlib
import errno
import os
import signal
import subprocess
import sys
import uuid

import pytest

from examwise.core import writer_lock
from examwise.core.errors import InputError
from examwise.core.storage import WRITER_MARK, Storage
from examwise.core.writer_lock import sole_writer

HOLDER = """
import sys, time
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
with sole_writer(Storage(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def another_process(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def without_locks(monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(writer_lock.fcntl, "flock", refuse)


def test_a_second_process_is_refused_and_a_killed_one_leaves_the_way_free(tmp_path):
    folder = tmp_path / "store"
    with another_process(folder) as process:
        refused = pytest.raises(InputError, match=r"store: .* only process .* another examwise")
        with refused, sole_writer(Storage(folder)):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (folder / WRITER_MARK).exists()
    with sole_writer(Storage(folder)):
        assert Storage(folder).list() == []
    assert not (folder / WRITER_MARK).exists()


def test_one_after_the_other_may_write(tmp_path):
    storage = Storage(tmp_path / "store")
    for key in ("a", "b"):
        with sole_writer(storage):
            storage.write(key, b"1")
    assert sorted(path.name for path in storage.local.iterdir()) == ["a", "b"]


def test_folders_made_for_nothing_are_removed_again(tmp_path):
    with pytest.raises(ValueError, match="no store"), sole_writer(Storage(tmp_path / "a/b")):
        raise ValueError("no store")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_left_alone(tmp_path, monkeypatch):
    def refuse(path):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(writer_lock, "_lock", refuse)
    with sole_writer(Storage(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_the_folder_are_not_swallowed(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError), sole_writer(Storage(tmp_path / "file/store")):
        pass


@pytest.fixture(params=["memory", "folder"])
def leased(request, tmp_path, monkeypatch):
    if request.param == "folder":
        request.getfixturevalue("without_locks")
        return Storage(tmp_path / "store")
    return Storage(f"memory://{uuid.uuid4().hex}")


def test_a_lease_refuses_others_and_ends_with_its_holder(leased):
    with sole_writer(leased):
        assert leased.exists(WRITER_MARK)
        assert leased.list() == []
        refused = pytest.raises(InputError, match="wait for it to end or, if it was killed, 180 s")
        with refused, sole_writer(leased):
            pass
    assert not leased.exists(WRITER_MARK)


def test_a_lease_that_nobody_renews_is_taken_over(leased, monkeypatch):
    monkeypatch.setattr(writer_lock, "LEASE_S", 0.3)
    leased.write(WRITER_MARK, writer_lock._lease("killed"))
    with pytest.raises(InputError, match="another examwise process"), sole_writer(leased):
        pass
    monkeypatch.setattr(writer_lock.time, "time", lambda: 1e12)
    with sole_writer(leased):
        assert writer_lock._owner(leased) != "killed"


def test_a_lease_is_renewed_while_it_is_held(leased, monkeypatch):
    monkeypatch.setattr(writer_lock, "LEASE_S", 0.06)
    with sole_writer(leased):
        first = writer_lock._renewed_s(leased)
        for _ in range(1000):
            if writer_lock._renewed_s(leased) > first:
                break
            writer_lock.time.sleep(0.01)
        assert writer_lock._renewed_s(leased) > first


def test_a_holder_whose_lease_was_taken_over_says_so(leased):
    with pytest.raises(InputError, match="took over"), sole_writer(leased):
        leased.write(WRITER_MARK, writer_lock._lease("another"))


def test_something_else_in_the_lease_s_place_is_replaced(leased, monkeypatch):
    monkeypatch.setattr(writer_lock, "LEASE_S", 0.3)
    leased.write(WRITER_MARK, b"no lease")
    with sole_writer(leased):
        assert len(writer_lock._owner(leased)) == 32
