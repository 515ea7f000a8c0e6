"""Disks that fill up or vanish, files that change, and two imports at once."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.storage import WRITER_MARK
from examwise.imaging import dicom_pixels
from examwise.ingest import exam_work


@pytest.fixture
def source(tmp_path: Path, write_rsna) -> Path:
    write_rsna(tmp_path / "source", 3)
    return tmp_path / "source"


@pytest.fixture
def whole(source: Path, tmp_path: Path, run, tree) -> dict[str, str]:
    run("rsna", source, tmp_path / "whole")
    return tree(tmp_path / "whole")


def test_a_disk_full_at_any_write_is_said_and_the_next_run_goes_on(
    source: Path, tmp_path: Path, whole, run, tree, monkeypatch
) -> None:
    store, refused = tmp_path / "store", 0
    real, left = os.fsync, 0

    def fill_up(descriptor: int) -> None:
        nonlocal left
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(store):
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    if not Path("/proc/self/fd").exists():
        pytest.skip("tells files apart by /proc")
    monkeypatch.setattr("os.fsync", fill_up)
    for room in range(200):
        shutil.rmtree(store, ignore_errors=True)
        left = room
        with contextlib.suppress(_RefusedError), _refusal_of(store):
            run("rsna", source, store)
            break
        refused += 1
        assert not (store / "manifest.json").exists()
        assert not list(store.rglob(".*"))
        left = 1000
        run("rsna", source, store)
        assert tree(store) == whole
    assert refused > 12  # stage.json, 3 objects an exam, tables, manifest


class _RefusedError(Exception):
    """An import ended for want of room, and said so."""


@contextlib.contextmanager
def _refusal_of(store: Path):
    try:
        yield
    except InputError as error:
        said = "expected room to write, got a full disk; make room there, then run the same command"
        if not str(error).startswith(f"{store}: {said}"):
            raise
        raise _RefusedError from None


@pytest.mark.parametrize("after", [1, 2])
def test_a_source_that_vanishes_ends_the_import(
    source: Path, tmp_path: Path, whole, run, tree, monkeypatch, after: int
) -> None:
    """The disk is gone after some exams; its mount point stays behind, empty."""
    real, seen = exam_work.read_series, 0

    def read(paths):
        nonlocal seen
        seen += 1
        if seen == after + 1:
            source.rename(tmp_path / "elsewhere")
            source.mkdir()
        return real(paths)

    monkeypatch.setattr(exam_work, "read_series", read)
    with pytest.raises(InputError, match=r"3 of 3 that are gone.*mounted") as raised:
        run("rsna", source)
    assert str(source) in str(raised.value)
    store = tmp_path / "store"
    assert not (store / "manifest.json").exists()
    assert len(list((store / "commits/exams").iterdir())) == after
    source.rmdir()
    (tmp_path / "elsewhere").rename(source)
    monkeypatch.undo()
    run("rsna", source)
    assert tree(store) == whole


def test_a_source_that_vanishes_before_its_headers_are_read(source: Path, run, monkeypatch) -> None:
    from examwise.ingest import scan

    real = scan.read_header

    def read(path):
        shutil.rmtree(source / "stage_2_train", ignore_errors=True)
        return real(path)

    monkeypatch.setattr(scan, "read_header", read)
    with pytest.raises(InputError, match="9 of 9 that are gone"):
        run("rsna", source)


def test_one_file_that_changes_while_it_is_read_is_set_aside(
    source: Path, tmp_path: Path, run, monkeypatch
) -> None:
    real, seen = dicom_pixels.read_plain_image, 0

    def read(path):
        nonlocal seen
        seen += 1
        image = real(path)
        if seen == 4:
            path.write_bytes(path.read_bytes()[:-100] + bytes(100))
        return image

    monkeypatch.setattr(dicom_pixels, "read_plain_image", read)
    summary = run("rsna", source)
    files = pl.read_parquet(tmp_path / "store/files.parquet")
    counted = Counter(files.select("status", "reason").iter_rows())
    assert counted == {("used", ""): 8, ("set_aside", "changed_while_read"): 1}
    assert summary.n_exams == 3


@pytest.mark.parametrize("left", ["nothing", "empty"])
def test_a_store_that_vanishes_ends_the_import(
    source: Path, tmp_path: Path, run, tree, whole, monkeypatch, left: str
) -> None:
    store = tmp_path / "store"
    real, seen = exam_work.read_series, 0

    def read(paths):
        nonlocal seen
        seen += 1
        if seen == 2:
            store.rename(tmp_path / "elsewhere")
            if left == "empty":
                store.mkdir()
        return real(paths)

    monkeypatch.setattr(exam_work, "read_series", read)
    with pytest.raises(InputError, match=r"store: expected the directory once begun.*mounted"):
        run("rsna", source)
    # Nothing came to lie where the disk was mounted.
    assert not store.exists() or not list(store.rglob("*"))
    if store.exists():
        store.rmdir()
    (tmp_path / "elsewhere").rename(store)
    run("rsna", source)
    assert tree(store) == whole


def test_two_imports_into_one_store(source: Path, tmp_path: Path, run, tree, whole) -> None:
    """Two real processes, begun together: one goes on, the other says why it does not."""
    store = tmp_path / "store"
    words = ["ingest", "rsna", str(source), str(store), "--quiet", "--workers", "1"]
    words += ["--identity", str(tmp_path / "identity"), "--ingest.matrix", "16"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "examwise", *words], stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in processes]
    for error, status in ended:
        assert status == 0 or (status == 2 and "another examwise process is writing" in error)
    assert 0 in [status for _, status in ended]
    assert not (store / WRITER_MARK).exists()
    assert tree(store) == whole
