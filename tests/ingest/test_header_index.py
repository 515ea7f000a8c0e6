from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from examwise.core.executors import make_executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.progress import SilentProgress
from examwise.ingest.header_index import HeaderIndex, forget_headers
from examwise.ingest.image_traits import ImageTraits
from examwise.ingest.listing import Listing, list_files
from examwise.ingest.scan import (
    ScannedFile,
    ScanRules,
    header_index,
    keep_scanned,
    scan_files,
)

RULES = ScanRules(reads_nifti=True, selects_series=True)
AN_HOUR_NS = 3600 * 10**9


class StoppedError(Exception):
    """Stands for a killed process."""


class CountingExecutor(SerialExecutor):
    """Counts the files that are read, and stops before the batch after ``batches``."""

    def __init__(self, batches: int | None = None) -> None:
        super().__init__()
        self.n_read = 0
        self._left = batches

    def map(self, function, items):
        for start, paths in items:
            if self._left == 0:
                raise StoppedError
            if self._left is not None:
                self._left -= 1
            self.n_read += len(paths)
            yield function((start, paths))


def rested(*paths: Path) -> None:
    """Give files a time of long ago, each its own."""
    for number, path in enumerate(paths):
        then = time.time_ns() - AN_HOUR_NS - number * 10**6
        os.utime(path, ns=(then, then))


@pytest.fixture
def source(tmp_path: Path, write_series) -> Path:
    """Two series and things that are no images, all at rest."""
    folder = tmp_path / "source"
    write_series(folder / "a", 140)
    write_series(folder / "b", 3, study="1.2.8", series="1.2.8.1")
    (folder / "notes.txt").write_text("no image")
    odd = folder / os.fsdecode(b"\xff.dcm")
    shutil.copy(next((folder / "a").iterdir()), odd)
    (folder / "nowhere.dcm").symlink_to(folder / "missing.dcm")
    rested(*(path for path in folder.rglob("*") if path.is_file()))
    return folder


@pytest.fixture
def scan(source: Path, identity):
    def look(executor=None, *, rules=RULES, index: bool = True):
        executor = executor or CountingExecutor()
        files = scan_files(
            source,
            list_files(source),
            rules=rules,
            patient_of=lambda path: "",
            executor=executor,
            progress=SilentProgress(),
            index=header_index(identity, source, rules) if index else None,
        )
        return files, getattr(executor, "n_read", None)

    return look


def parts(identity) -> list[Path]:
    return sorted((identity.folder / "headers").rglob("*.parquet"))


def test_files_are_read_once(scan) -> None:
    plain, n_read = scan(index=False)
    assert n_read == 145
    assert scan() == (plain, 145)
    assert scan() == (plain, 0)
    assert scan(rules=ScanRules(reads_nifti=True))[1] == 145
    assert scan()[1] == 0


def test_stopped_look_goes_on_where_it_was(scan) -> None:
    plain, _ = scan(index=False)
    with pytest.raises(StoppedError):
        scan(CountingExecutor(batches=1))
    assert scan() == (plain, 145 - 128)


def test_changed_new_and_lost_files(source: Path, scan, write_slice) -> None:
    scan()
    one, two, _ = sorted((source / "b").iterdir())
    content = one.read_bytes()
    state = one.stat()
    one.write_bytes(content.replace(b"1.2.8.1", b"1.2.8.2"))
    os.utime(one, ns=(state.st_atime_ns, state.st_mtime_ns + 1))  # the same size
    two.unlink()
    write_slice(source / "new.dcm")
    found, n_read = scan()
    assert n_read == 2
    assert found == scan(index=False)[0]
    assert "1.2.8.2" in {file.series for file in found}


def test_file_that_may_still_be_written_is_read_again(source: Path, scan) -> None:
    os.utime(source / "notes.txt")
    scan()
    assert scan()[1] == 1


def test_unreadable_file_is_tried_again(source: Path, scan) -> None:
    scan()
    link = source / "nowhere.dcm"
    link.unlink()
    (source / ".hidden").write_text("notes")
    link.symlink_to(source / ".hidden")
    assert scan()[1] == 1


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_damaged_part_is_read_again(scan, identity, damage: str) -> None:
    plain, _ = scan()
    (part,) = parts(identity)
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes({"flipped": data, "cut": data[:100], "emptied": b""}[damage])
    assert scan() == (plain, 145)
    assert scan() == (plain, 0)
    assert len(parts(identity)) == 1


def test_only_the_owner_may_read_it(source: Path, scan, identity) -> None:
    scan()
    (part,) = parts(identity)
    assert part.stat().st_mode & 0o777 == 0o600
    for folder in (part.parent, part.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert str(source) not in str(part)
    forget_headers(identity)
    assert not parts(identity)
    assert scan()[1] == 145


def test_part_of_files_that_are_gone_is_deleted(source: Path, scan, identity) -> None:
    scan()
    for path in [path for path in source.rglob("*") if not path.is_dir()]:
        path.unlink()
    (source / "other").write_text("other")
    rested(source / "other")
    assert scan()[1] == 1
    assert scan()[1] == 0
    assert len(parts(identity)) == 1


def test_two_looks_at_once_harm_nothing(source: Path, identity) -> None:
    listing = list_files(source)
    indexes = [HeaderIndex(identity, source, rules="") for _ in range(2)]
    for index in indexes:
        index.keep(listing, 0, b"found")
        index.flush()
    assert [*indexes[0].known(listing)] == [(0, b"found")]


def test_everything_that_was_found_comes_back(tmp_path: Path, identity) -> None:
    traits = ImageTraits("5mm Ä \udcff", "H31s", "", ("ORIGINAL", "AXIAL"), 0.1 + 0.2, 512, 512)
    file = ScannedFile(
        "a.dcm",
        "dicom",
        "",
        "P\\1",
        "1.2",
        "1.3",
        "1.4",
        "A",
        traits,
        -1e-17,
        3,
        (0.1, 1 / 3),
    )
    listing = Listing(("a.dcm", "b"), (1, 1), (1, 1), "")
    index = header_index(identity, tmp_path, RULES)
    keep_scanned(index, listing, 0, file)
    keep_scanned(index, listing, 1, ScannedFile("b", "", "not_dicom"))
    index.flush()
    found = scan_files(
        tmp_path,
        listing,
        rules=RULES,
        patient_of=lambda path: "",
        executor=CountingExecutor(batches=0),
        progress=SilentProgress(),
        index=header_index(identity, tmp_path, RULES),
    )
    assert found == [file, ScannedFile("b", "", "not_dicom")]
    assert type(found[0].traits) is ImageTraits


def test_store_is_the_same_with_and_without(
    tmp_path: Path, write_rsna, run, tree, identity
) -> None:
    source = tmp_path / "rsna"
    write_rsna(source, 3)
    rested(*(path for path in source.rglob("*") if path.is_file()))
    first = run("rsna", source, tmp_path / "first")
    assert parts(identity)
    assert run("rsna", source, tmp_path / "second") == first
    shutil.rmtree(identity.folder / "headers")
    assert run("rsna", source, tmp_path / "third", executor=make_executor(2)) == first
    assert tree(tmp_path / "first") == tree(tmp_path / "second") == tree(tmp_path / "third")
    assert not [path for path in (tmp_path / "first").rglob("*") if "headers" in path.name]
