from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.manifest import read_manifest
from examwise.core.progress import SilentProgress
from examwise.core.storage import Storage
from examwise.phantom.archive import make_phantom_archive
from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.layouts import LAYOUTS
from examwise.phantom.truth import TRUTH

SMALL = PhantomConfig(n_exams=5, matrix=16, min_slices=3, max_slices=5, seed=3, prevalence=0.6)


def _make(
    folder: Path,
    config: PhantomConfig = SMALL,
    *,
    layout: str = "rsna",
    n_workers: int = 1,
    executor=None,
):
    return make_phantom_archive(
        folder,
        config,
        layout=layout,
        executor=executor or make_executor(n_workers),
        progress=SilentProgress(),
    )


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    found = {}
    for layout in LAYOUTS:
        folder = tmp_path_factory.mktemp("reference") / layout
        _make(folder, layout=layout)
        found[layout] = _tree(folder)
    return found


@pytest.fixture(scope="module")
def reference(references) -> dict[str, str]:
    return references["rsna"]


def test_files_of_an_archive(archive) -> None:
    found = {path.name for path in archive.folder.iterdir()}
    assert found == {
        "commits",
        "manifest.json",
        "provenance.json",
        "stage.json",
        "stage_2_train",
        "stage_2_train.csv",
        "truth.parquet",
        "truth_boxes.parquet",
        "truth_series.parquet",
    }
    manifest = read_manifest(archive.folder, kind="phantom-archive")
    assert manifest.seed == 5
    assert manifest.configuration["layout"] == "rsna"
    assert manifest.configuration["n_exams"] == 24


def test_summary_agrees_with_the_truth_and_the_files(archive) -> None:
    truth = pl.read_parquet(archive.folder / "truth.parquet")
    TRUTH.validate(truth)
    exams = truth.group_by("series").agg(pl.col("any").max())
    summary = archive.summary
    assert summary.n_exams == exams.height == 24
    assert summary.n_slices == truth.height
    assert summary.n_slices == len(list((archive.folder / "stage_2_train").iterdir()))
    assert summary.n_positive_exams == exams["any"].sum()
    assert summary.n_positive_slices == truth["any"].sum()
    assert summary.n_patients == truth["patient"].n_unique() < 24
    assert (summary.layout, summary.hospital) == ("rsna", "a")


def test_truth_is_consistent(archive) -> None:
    truth = pl.read_parquet(archive.folder / "truth.parquet")
    np.testing.assert_array_equal(
        truth["any"].to_numpy(), truth.select(KINDS).to_numpy().max(axis=1)
    )
    for kind in KINDS:
        visible = truth.filter(pl.col(kind) == 1)
        assert visible.height == visible.filter(pl.col(f"{kind}_volume_mm3") > 0).height
    assert truth["any"].sum() > 0
    assert truth.group_by("study").agg(pl.col("patient").n_unique())["patient"].max() == 1
    for _, exam in truth.group_by("series"):
        assert exam["slice_index"].to_list() == list(range(exam.height))
        assert exam["position_mm"].is_sorted()


def test_files_hold_what_truth_says_of_them(archive, lenient_pydicom: None) -> None:
    """Read with pydicom alone: identifiers, and the order of slices along the normal."""
    truth = pl.read_parquet(archive.folder / "truth.parquet")
    for _, exam in truth.filter(pl.col("exam_number") < 6).group_by("series"):
        positions = []
        for row in exam.iter_rows(named=True):
            path = archive.folder / "stage_2_train" / f"{row['image_id']}.dcm"
            header = pydicom.dcmread(path)
            assert header.SOPInstanceUID == row["image_id"]
            assert header.PatientID == row["patient"]
            assert header.StudyInstanceUID == row["study"]
            assert header.SeriesInstanceUID == row["series"]
            direction = np.array(header.ImageOrientationPatient, float)
            normal = np.cross(direction[:3], direction[3:])
            positions.append(float(np.array(header.ImagePositionPatient, float) @ normal))
            hu = header.pixel_array.astype(int) + int(header.RescaleIntercept)
            assert hu.min() == -3024
        relative = np.array(positions) - (positions[0] + positions[-1]) / 2
        np.testing.assert_allclose(relative, exam["position_mm"].to_numpy(), atol=1e-3)


def test_no_header_holds_free_text(archive, lenient_pydicom: None) -> None:
    for path in sorted((archive.folder / "stage_2_train").iterdir())[:20]:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        texts = {element.keyword for element in header if element.VR in {"PN", "LT", "ST", "DA"}}
        assert not texts
        assert all(
            str(element.value).startswith("ID_") for element in header if element.VR in {"UI", "LO"}
        )


def test_order_of_file_names_does_not_tell_the_order_of_slices(archive) -> None:
    truth = pl.read_parquet(archive.folder / "truth.parquet").sort("image_id")
    for _, exam in truth.group_by("series", maintain_order=True):
        assert not exam["slice_index"].is_sorted()
        assert not exam["slice_index"].is_sorted(descending=True)
    neighbours = (truth["series"] == truth["series"].shift(1)).mean()
    assert neighbours < 0.1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_bytes_with_two_workers(tmp_path: Path, references, layout: str) -> None:
    _make(tmp_path / "archive", layout=layout, n_workers=2)
    assert _tree(tmp_path / "archive") == references[layout]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_goes_on_after_an_interruption(
    tmp_path: Path, references, layout: str
) -> None:
    folder = tmp_path / "archive"
    with pytest.raises(KeyboardInterrupt):
        _make(folder, layout=layout, executor=StopsEarly(3))
    _make(folder, layout=layout)
    assert _tree(folder) == references[layout]


class StopsEarly:
    """An executor whose machine goes away after some items."""

    n_workers = 1

    def __init__(self, n_items: int) -> None:
        self._n_items = n_items

    def map(self, function: Callable, items: Iterable) -> Iterator:
        for number, item in enumerate(items):
            if number == self._n_items:
                raise KeyboardInterrupt
            yield function(item)


def _delete_some(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "truth.parquet").unlink()
    records = sorted((folder / "commits/exams").iterdir())
    records[0].unlink()
    records[1].write_bytes(records[1].read_bytes()[:50])
    images = sorted((folder / "stage_2_train").iterdir())
    for image in images[::7]:
        image.unlink()


@pytest.mark.parametrize("n_items", [0, 1, 3, 5])
def test_goes_on_after_an_interruption(
    tmp_path: Path, reference: dict[str, str], n_items: int
) -> None:
    folder = tmp_path / "archive"
    if n_items < SMALL.n_exams:
        with pytest.raises(KeyboardInterrupt):
            _make(folder, executor=StopsEarly(n_items))
        assert len(list(folder.glob("commits/exams/*"))) == n_items
        assert not (folder / "manifest.json").exists()
    _make(folder)
    assert _tree(folder) == reference


def test_renders_again_what_is_missing_or_damaged(
    tmp_path: Path, reference: dict[str, str]
) -> None:
    folder = tmp_path / "archive"
    _make(folder)
    _delete_some(folder)
    assert _tree(folder) != reference
    _make(folder)
    assert _tree(folder) == reference


def test_finished_exams_are_not_rendered_again(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with pytest.raises(KeyboardInterrupt):
        _make(folder, executor=StopsEarly(3))
    times = {path: path.stat().st_mtime_ns for path in (folder / "stage_2_train").iterdir()}
    _make(folder)
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in times.items())


def test_a_finished_archive_is_returned_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    first = _make(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    # This executor would raise if it were given anything to do.
    assert _make(folder, executor=StopsEarly(0)) == first
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


_KILLS_ITSELF = """
import os, signal, sys
from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.core.storage import Storage
from examwise.core.storage import Storage
from examwise.phantom.archive import make_phantom_archive
from examwise.phantom.config import PhantomConfig
from examwise.phantom.layouts import LAYOUTS

left = int(sys.argv[2])
write = Storage.write

def write_or_die(storage, key, data):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    write(storage, key, data)

Storage.write = write_or_die
config = PhantomConfig(n_exams=5, matrix=16, min_slices=3, max_slices=5, seed=3, prevalence=0.6)
make_phantom_archive(sys.argv[1], config, executor=make_executor(1), progress=SilentProgress())
"""


@pytest.mark.parametrize("writes", [1, 12, -1, -3], ids=["begun", "exam", "manifest", "truth"])
def test_goes_on_after_being_killed(tmp_path: Path, reference: dict[str, str], writes: int) -> None:
    folder = tmp_path / "archive"
    n_writes = len(reference) + 1  # the reference leaves out provenance.json
    count = writes % n_writes
    process = subprocess.run(
        [sys.executable, "-c", _KILLS_ITSELF, str(folder), str(count)], check=False
    )
    assert process.returncode == -signal.SIGKILL
    assert sum(path.is_file() for path in folder.rglob("*")) == count
    assert not (folder / "manifest.json").exists()
    _make(folder)
    assert _tree(folder) == reference


def test_a_larger_archive_begins_with_a_smaller_one(
    tmp_path: Path, reference: dict[str, str]
) -> None:
    _make(tmp_path / "archive", replace(SMALL, n_exams=7))
    larger = _tree(tmp_path / "archive")
    exams = {key: value for key, value in reference.items() if key.startswith("stage_2_train/")}
    assert exams.items() <= larger.items()


@pytest.mark.parametrize("layout", ["cq500", "ct-ich"])
def test_several_exams_a_patient_are_refused_where_patients_have_one(
    tmp_path: Path, layout: str
) -> None:
    with pytest.raises(InputError, match=r"exams_per_patient: expected 1, as layout .*, got 1\.5"):
        _make(tmp_path / "archive", replace(SMALL, exams_per_patient=1.5), layout=layout)
    assert not (tmp_path / "archive").exists()


def test_hospitals_of_one_seed_share_no_patient(tmp_path: Path, reference) -> None:
    _make(tmp_path / "archive", replace(SMALL, hospital="b"))
    other = pl.read_parquet(tmp_path / "archive/truth.parquet")
    names = {Path(key).stem for key in reference if key.startswith("stage_2_train/")}
    assert not names & set(other["image_id"])


def test_label_noise_changes_label_files_alone(tmp_path: Path, reference) -> None:
    _make(tmp_path / "archive", replace(SMALL, label_noise=1.0))
    noisy = _tree(tmp_path / "archive")
    changed = {key for key in reference if noisy[key] != reference[key]}
    assert "stage_2_train.csv" in changed
    assert not {key for key in changed if key.startswith(("truth", "stage_2_train/"))}


def test_on_an_object_store() -> None:
    url = "memory://phantom-archive-test"
    summary = _make(url)
    truth = TRUTH.read(Storage(url))
    assert (summary.n_exams, summary.n_slices) == (5, truth.height)


def test_another_seed_gives_other_bytes(tmp_path: Path, reference: dict[str, str]) -> None:
    _make(tmp_path / "archive", replace(SMALL, seed=4))
    assert not {key for key in _tree(tmp_path / "archive") if key.endswith(".dcm")} & set(reference)


def test_refuses_to_go_on_with_other_options(tmp_path: Path) -> None:
    _make(tmp_path / "archive")
    with pytest.raises(InputError, match=r"configuration\.matrix = 16, got 17"):
        _make(tmp_path / "archive", replace(SMALL, matrix=17))


def test_refuses_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("x")
    with pytest.raises(InputError, match="expected an empty or new directory"):
        _make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]


def test_an_unknown_layout_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="layout: expected one of rsna, cq500, ct-ich, got nifty"):
        make_phantom_archive(
            tmp_path / "archive",
            SMALL,
            layout="nifty",
            executor=make_executor(1),
            progress=SilentProgress(),
        )
    assert not (tmp_path / "archive").exists()
