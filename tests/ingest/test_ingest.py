from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.manifest import read_manifest
from examwise.core.storage import Storage
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.header_index import forget_headers


class StoppedError(Exception):
    """Stands for a killed process."""


class StoppingExecutor:
    """Runs items in this process and stops before the result of the ``stop``-th is seen."""

    n_workers = 1

    def __init__(self, stop: int) -> None:
        self._left = stop

    def map(self, function, items):
        for item in items:
            result = function(item)
            if self._left == 0:
                raise StoppedError
            self._left -= 1
            yield result


@pytest.fixture
def source(tmp_path: Path, write_rsna) -> Path:
    """An archive with an exam that has a broken image, and one that is all broken."""
    folder = tmp_path / "source"
    write_rsna(folder, 6)
    files = sorted((folder / "stage_2_train").iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-5])
    return folder


@pytest.mark.parametrize("stop", range(8))
def test_interrupted_and_gone_on_with_gives_the_same_bytes(
    source: Path, tmp_path: Path, run, tree, identity, stop: int
) -> None:
    whole = run("rsna", source, tmp_path / "whole")
    forget_headers(identity)
    # The first item is the batch of headers, the others are exams.
    store = tmp_path / "store"
    if stop < 7:
        with pytest.raises(StoppedError):
            run("rsna", source, store, executor=StoppingExecutor(stop))
        assert not (store / "manifest.json").exists()
    # Leave what a killed process may leave: data without a record, and half a file.
    if records := sorted((store / "commits" / "exams").glob("*")):
        records[0].unlink()
    assert run("rsna", source, store) == whole
    assert tree(store) == tree(tmp_path / "whole")


def test_finished_store_is_returned_at_once(source: Path, tmp_path: Path, run) -> None:
    first = run("rsna", source)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*")}
    assert run("rsna", source, executor=StoppingExecutor(0)) == first
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("*")} == before


@pytest.mark.parametrize("layout", ["rsna", "folder"])
def test_workers_change_nothing(source: Path, tmp_path: Path, run, tree, layout: str) -> None:
    one = run(layout, source, tmp_path / "one")
    two = run(layout, source, tmp_path / "two", executor=make_executor(2))
    assert one == two
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


_SLOW_INGEST = """
import sys, time
from pathlib import Path
from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.progress import SilentProgress
from examwise.ingest.config import IngestConfig
from examwise.ingest.ingest import ingest_archive

class Slow(SerialExecutor):
    def map(self, function, items):
        for item in items:
            yield function(item)
            print("done", flush=True)
            time.sleep(0.5)

ingest_archive("rsna", Path(sys.argv[1]), sys.argv[2], identity=Identity(Path(sys.argv[3])),
               config=IngestConfig(matrix=16), executor=Slow(), progress=SilentProgress())
"""


def test_killed_process(source: Path, tmp_path: Path, run, tree, identity) -> None:
    whole = run("rsna", source, tmp_path / "whole")
    store = tmp_path / "store"
    arguments = [str(source), str(store), str(identity.folder)]
    command = [sys.executable, "-c", _SLOW_INGEST, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # The batch of headers, then two exams.
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    assert lines == [b"done\n"] * 3
    assert not (store / "manifest.json").exists()
    assert len(list((store / "commits" / "exams").iterdir())) >= 2
    assert run("rsna", source, store) == whole
    assert tree(store) == tree(tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": 32}, "matrix"),
        ({"archive_name": "other"}, "archive_name"),
        ({"allow_unmatched_labels": True}, "allow_unmatched_labels"),
    ],
)
def test_store_begun_with_other_options(
    source: Path, tmp_path: Path, run, tree, change: dict, message: str
) -> None:
    run("rsna", source)
    before = tree(tmp_path / "store")
    with pytest.raises(InputError, match=message):
        run("rsna", source, **change)
    (tmp_path / "store" / "manifest.json").unlink()
    with pytest.raises(InputError, match=message):
        run("rsna", source, **change)
    assert tree(tmp_path / "store") == {k: v for k, v in before.items() if k != "manifest.json"}


def test_store_of_another_key_or_source(source: Path, tmp_path: Path, run, write_slice) -> None:
    run("rsna", source)
    with pytest.raises(InputError, match="key_id"):
        run("rsna", source, identity=Identity(tmp_path / "other"))
    text = (source / "stage_2_train.csv").read_text()
    (source / "stage_2_train.csv").write_text(text + "\n")
    with pytest.raises(InputError, match=r"\(labels\)"):
        run("rsna", source)
    (source / "stage_2_train.csv").write_text(text)
    write_slice(source / "stage_2_train" / "ID_new.dcm")
    with pytest.raises(InputError, match="the files of the source"):
        run("rsna", source)


def test_store_of_another_schema_version(source: Path, tmp_path: Path, run) -> None:
    run("rsna", source)
    for name in ("stage.json", "manifest.json"):
        path = tmp_path / "store" / name
        path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 7'))
    with pytest.raises(InputError, match="schema_version = 7, got 2"):
        run("rsna", source)


def test_folder_that_holds_something_else(source: Path, tmp_path: Path, run) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="an empty or new directory"):
        run("rsna", source)
    assert [p.name for p in (tmp_path / "store").iterdir()] == ["thesis.txt"]


def test_store_and_key_inside_the_source_are_refused(source: Path, tmp_path: Path, run) -> None:
    with pytest.raises(InputError, match="store to lie outside"):
        run("rsna", source, source / "store")
    with pytest.raises(InputError, match="identity folder to lie outside"):
        run("rsna", source, identity=Identity(source / "identity"))


def test_source_is_not_changed(source: Path, tmp_path: Path, run) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {p: (p.stat().st_mtime_ns, p.stat().st_mode) for p in source.rglob("*")}

    before = state()
    for path in source.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        run("rsna", source)
    finally:
        for path, (_, mode) in before.items():
            path.chmod(mode)
    assert {path: changed for path, (changed, _) in state().items()} == {
        path: changed for path, (changed, _) in before.items()
    }


def test_moved_archive_is_the_same_archive(source: Path, tmp_path: Path, run, tree) -> None:
    run("folder", source, tmp_path / "one")
    moved = source.rename(tmp_path / "moved")
    run("folder", moved, tmp_path / "two")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_remote_store(source: Path, tmp_path: Path, run) -> None:
    url = "memory://ingest-test/store"
    summary = run("rsna", source, url)
    assert len(StoredExams(url)) == summary.n_exams == 6


@pytest.mark.parametrize("layout", ["rsna", "folder"])
def test_store_in_memory_takes_one_worker(source: Path, identity, run, layout: str) -> None:
    url = f"memory://ingest-test/several-{layout}"
    with pytest.raises(InputError, match=r"one worker, or a store that .* got 2 workers"):
        run(layout, source, url, executor=make_executor(2))
    assert not Storage(url).list()
    assert not identity.folder.exists()


def test_resampled_matrix(source: Path, tmp_path: Path, run) -> None:
    run("rsna", source, matrix=8)
    exams = StoredExams(tmp_path / "store")
    row = exams.exams.row(0, named=True)
    assert (row["rows"], row["source_rows"], row["row_spacing_mm"]) == (8, 16, 1.0)
    assert exams.read_slices(row["exam_id"]).shape[1:] == (8, 8)


def test_names_that_are_no_text(tmp_path: Path, run, write_series, identity) -> None:
    folder = tmp_path / "source"
    path = write_series(folder, 1)[0]
    path.rename(os.fsdecode(os.fsencode(folder) + b"/\xff.dcm"))
    assert run("folder", folder).n_exams == 1
    store_id = read_manifest(tmp_path / "store", kind="exam-store").configuration["store_id"]
    assert identity.read_crosswalk(store_id)["path"].to_list() == ["\\udcff.dcm"]


def test_more_files_than_a_batch_of_headers(tmp_path: Path, run, write_series) -> None:
    write_series(tmp_path / "source", 300)
    summary = run("folder", tmp_path / "source", matrix=8)
    assert (summary.n_exams, summary.n_slices) == (1, 300)


def test_lost_crosswalk_is_made_again(source: Path, tmp_path: Path, run, tree, identity) -> None:
    first = run("rsna", source)
    store_id = read_manifest(tmp_path / "store", kind="exam-store").configuration["store_id"]
    kept, before = identity.read_crosswalk(store_id), tree(tmp_path / "store")
    (identity.folder / store_id / "crosswalk.parquet").unlink()
    assert run("rsna", source) == first
    assert identity.read_crosswalk(store_id).equals(kept)
    assert tree(tmp_path / "store") == before


def test_studies_of_equal_names_and_sizes_keep_apart(
    tmp_path: Path, run, write_series, identity
) -> None:
    for number in (1, 2):
        uids = {"study": f"1.2.{number}", "series": f"1.3.{number}", "patient": f"P{number}"}
        write_series(tmp_path / f"source{number}", **uids)
        run("folder", tmp_path / f"source{number}", tmp_path / f"store{number}")
        manifest = read_manifest(tmp_path / f"store{number}", kind="exam-store")
        walk = identity.read_crosswalk(manifest.configuration["store_id"])
        assert walk["patient_id"].unique().to_list() == [f"P{number}"]
    assert len([*identity.folder.glob("t*")]) == 2
    with pytest.raises(InputError, match="the files of the source"):
        run("folder", tmp_path / "source2", tmp_path / "store1")


def test_store_that_a_worker_does_not_see(source: Path, tmp_path: Path, run, tree) -> None:
    store = tmp_path / "store"

    class Elsewhere(SerialExecutor):
        """Runs what comes after the headers where another folder has the store's path."""

        def map(self, function, items):
            elsewhere = (store / "stage.json").exists()
            if elsewhere:
                store.rename(tmp_path / "kept")
                store.mkdir()
            try:
                yield from super().map(function, items)
            finally:
                if elsewhere:
                    assert not [*store.iterdir()]
                    store.rmdir()
                    (tmp_path / "kept").rename(store)

    with pytest.raises(InputError, match="the store that was begun, under the same path"):
        run("rsna", source, executor=Elsewhere())
    assert run("rsna", source) == run("rsna", source, tmp_path / "whole")
    assert tree(store) == tree(tmp_path / "whole")
