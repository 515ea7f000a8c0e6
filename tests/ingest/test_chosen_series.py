"""One series of a study: ranked by headers, judged by pixels, all of them on record."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pydicom
import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.progress import SilentProgress
from examwise.core.schemas.store import FILES, SERIES
from examwise.core.storage import Storage
from examwise.imaging.store_check import check_store
from examwise.imaging.stored_annotations import boxes as stored_boxes
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.config import SeriesSelectionConfig

SIDE, PIXEL_MM, N = 64, 3.5, 12
ONE = SeriesSelectionConfig()
ANOTHER = "another_series_of_the_study"


def plane(*, vessels: bool = False, brain: bool = True) -> np.ndarray:
    axis = (np.arange(SIDE) - SIDE / 2) * PIXEL_MM
    distance = (axis[:, None] / 90) ** 2 + (axis / 75) ** 2
    hu = np.where(distance < 1, 900, -1000)
    hu[distance < 0.8] = 32 if brain else -1000
    if vessels:
        for row, column in ((20, 30), (32, 22), (32, 42), (42, 32)):
            hu[row : row + 3, column : column + 3] = 160
    return hu


@pytest.fixture
def write_head(write_slice) -> Callable[..., list[Path]]:
    def write(
        folder: Path,
        number: int,
        *,
        study: str = "1.7",
        n: int = N,
        step: float = 5.0,
        heights: list[float] | None = None,
        hu: np.ndarray | None = None,
        **elements,
    ) -> list[Path]:
        pixels = (plane() if hu is None else hu) + 1024
        return [
            write_slice(
                folder / f"{index}.dcm",
                height=height,
                **{
                    "study": study,
                    "series": f"{study}.{number}",
                    "SOPInstanceUID": f"{study}.{number}.{index}",
                    "Rows": SIDE,
                    "Columns": SIDE,
                    "PixelSpacing": [PIXEL_MM, PIXEL_MM],
                    "SliceThickness": step,
                    "PixelData": (pixels + index % 10).astype("<i2").tobytes(),
                    **elements,
                },
            )
            for index, height in enumerate(heights or [step * index for index in range(n)])
        ]

    return write


@pytest.fixture
def source(tmp_path: Path, write_head) -> Path:
    """A study of a secret post-contrast, a thin plain, and a bone series, and one plain study."""
    folder = tmp_path / "source"
    write_head(folder / "a" / "s1", 1, hu=plane(vessels=True))
    write_head(folder / "a" / "s2", 2, step=1.0, n=60)
    write_head(folder / "a" / "s3", 3, SeriesDescription="BONE")
    write_head(folder / "a" / "s4", 4, step=2.0, n=30)
    write_head(folder / "b", 1, study="1.8")
    return folder


def series_of(store: Path) -> dict[str, tuple[str, str]]:
    table = SERIES.read(Storage(store))
    return {row["series_id"]: (row["status"], row["reason"]) for row in table.to_dicts()}


def require_sound(store: Path) -> None:
    check = check_store(store, executor=SerialExecutor(), progress=SilentProgress())
    assert not check.faults


@pytest.fixture
def ids(identity) -> Callable[..., str]:
    return lambda number, study="1.7": identity.exam_id(study, f"{study}.{number}")


def test_next_is_tried_where_pixels_refuse_the_best(
    source: Path, tmp_path: Path, run, ids, identity
) -> None:
    summary = run("folder", source, series=ONE)
    store = tmp_path / "store"
    exams = StoredExams(store).exams
    # Of the thin ones the thicker.
    assert set(exams["exam_id"]) == {ids(4), ids(1, "1.8")}
    assert summary.left_out == {"contrast": N, ANOTHER: 60, "bone_kernel": N}
    assert series_of(store) == {
        ids(1): ("left_out", "contrast"),
        ids(2): ("left_out", ANOTHER),
        ids(3): ("left_out", "bone_kernel"),
        ids(4): ("used", ""),
        ids(1, "1.8"): ("used", ""),
    }
    rows = {row["series_id"]: row for row in SERIES.read(Storage(store)).to_dicts()}
    assert {row["study_id"] for row in rows.values()} == {
        identity.study_id("1.7"),
        identity.study_id("1.8"),
    }
    measured = {
        number: tuple(
            rows[ids(number)][name]
            for name in ("exam_id", "n_files", "n_positions", "extent_mm", "thickness_mm")
        )
        for number in (1, 2, 4)
    }
    assert measured == {
        1: (None, N, N, 55.0, 5.0),
        2: (None, 60, 60, 59.0, 1.0),
        4: (ids(4), 30, 30, 58.0, 2.0),
    }
    assert FILES.read(Storage(store)).height == summary.n_files == 3 * N + 90
    require_sound(store)


def test_unreadable_best_gives_way(source: Path, tmp_path: Path, run, ids, write_head) -> None:
    write_head(source / "a" / "s1", 1, PixelData=bytes(2))
    summary = run("folder", source, series=ONE)
    assert ids(4) in StoredExams(tmp_path / "store").exams["exam_id"]
    assert summary.set_aside == {"truncated": N}
    assert series_of(tmp_path / "store")[ids(1)] == ("set_aside", "truncated")


def test_study_without_a_head_has_no_exam(tmp_path: Path, run, write_head, ids) -> None:
    folder = tmp_path / "source"
    write_head(folder / "a", 1, hu=plane(brain=False), BodyPartExamined="HEAD")
    write_head(folder / "a2", 2, hu=plane(brain=False), n=13)
    write_head(folder / "b", 1, study="1.8", BodyPartExamined="CSPINE")
    summary = run("folder", folder, series=ONE)
    store = tmp_path / "store"
    assert StoredExams(store).exams["exam_id"].to_list() == [ids(1, "1.8")]
    assert summary.left_out == {"not_head": N + 13}
    assert set(series_of(store).values()) == {("left_out", "not_head"), ("used", "")}
    require_sound(store)


def test_nothing_but_what_is_no_head(tmp_path: Path, run, write_head) -> None:
    write_head(tmp_path / "source", 1, hu=plane(brain=False))
    with pytest.raises(InputError, match=r"12 not_head; .*--ingest\.series\.select every"):
        run("folder", tmp_path / "source", series=ONE)
    assert run("folder", tmp_path / "source", tmp_path / "b").n_exams == 1


def test_every_series_where_it_is_wanted(source: Path, run) -> None:
    every = SeriesSelectionConfig(select="every")
    assert run("folder", source, series=every).n_exams == 5


def test_bone_kernels_where_they_are_wanted(source: Path, tmp_path: Path, run, ids) -> None:
    summary = run("folder", source, series=SeriesSelectionConfig(kernel="bone"))
    assert StoredExams(tmp_path / "store").exams["exam_id"].to_list() == [ids(3)]
    assert summary.left_out == {"soft_kernel": 2 * N + 90}


@pytest.mark.parametrize("path", ["a/s1", "a/s1/3.dcm", "a/s3/"])
def test_series_that_a_label_names_is_the_exam(
    source: Path, tmp_path: Path, run, ids, path: str
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(f"path,any\n{path},1\na,1\n")
    run("folder", source, labels=labels, series=ONE)
    chosen = ids(int(path[3]))
    assert set(StoredExams(tmp_path / "store").exams["exam_id"]) == {chosen, ids(1, "1.8")}
    others = {ids(number) for number in (1, 2, 3, 4)} - {chosen}
    assert {series_of(tmp_path / "store")[one] for one in others} == {("left_out", ANOTHER)}


def test_volumes_are_judged_unless_named(tmp_path: Path, run) -> None:
    source = tmp_path / "source"
    source.mkdir()
    void = plane(brain=False)
    void[0, 0] = 5  # of two values it would be a mask
    for name, hu in (("head", plane()), ("void", void)):
        values = np.repeat(hu[:, :, None], N, axis=2).astype(np.int16)
        image = nibabel.Nifti1Image(values, np.diag([PIXEL_MM, PIXEL_MM, 5, 1]))
        nibabel.save(image, source / f"{name}.nii")
    summary = run("folder", source, series=ONE)
    assert (summary.n_exams, summary.left_out) == (1, {"not_head": 1})
    labels = tmp_path / "labels.csv"
    labels.write_text("path,any\nvoid.nii,0\n")
    assert run("folder", source, tmp_path / "b", labels=labels, series=ONE).n_exams == 2


def test_bytes_depend_on_neither_workers_nor_interruption(source, tmp_path, run, tree) -> None:
    one = run("folder", source, tmp_path / "one", series=ONE)
    assert run("folder", source, tmp_path / "two", series=ONE, executor=make_executor(2)) == one
    whole = tree(tmp_path / "one")
    assert tree(tmp_path / "two") == whole
    records = sorted((tmp_path / "two" / "commits" / "exams").iterdir())
    for record in records:
        (tmp_path / "two" / "manifest.json").unlink(missing_ok=True)
        record.unlink()
        assert run("folder", source, tmp_path / "two", series=ONE) == one
        assert tree(tmp_path / "two") == whole


def test_series_of_layouts_without_a_choice_are_on_record(
    tmp_path: Path, run, write_rsna, identity
) -> None:
    write_rsna(tmp_path / "source")
    run("rsna", tmp_path / "source")
    table = SERIES.read(Storage(tmp_path / "store"))
    assert table["status"].to_list() == ["used"] * 4
    assert table["series_id"].to_list() == table["exam_id"].to_list()
    assert table["n_files"].to_list() == [3] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": "some"}, "series.select"),
        ({"select": "every", "kernel": "bone"}, "series.kernel"),
        ({"average_thin_to_mm": 1.0}, "average_thin_to_mm"),
        ({"average_thin_to_mm": float("nan")}, "average_thin_to_mm"),
    ],
)
def test_wrong_options(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SeriesSelectionConfig(**options)


THICK = SeriesSelectionConfig(average_thin_to_mm=5.0)


def test_thin_slices_become_thick_ones(tmp_path: Path, run, write_head, ids, identity) -> None:
    source = tmp_path / "source"
    paths = write_head(source, 1, step=1.0, n=62)
    labels = tmp_path / "labels.csv"
    known = {0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 1, 10: 0, 61: 1}
    rows = [f"{index}.dcm,{value}" for index, value in known.items()]
    labels.write_text("\n".join(["path,any", *rows]) + "\n")
    summary = run("folder", source, labels=labels, series=THICK, matrix=SIDE)
    store = tmp_path / "store"
    stored = StoredExams(store)
    exam = stored.exams.row(0, named=True)
    assert (exam["n_slices"], exam["thickness_mm"], exam["slice_spacing_mm"]) == (12, 5.0, 5.0)
    positions = stored.slices["position_mm"].to_list()
    assert positions == [2.0 + 5 * slab for slab in range(12)]
    first = np.mean([plane() + index for index in range(5)], axis=0)
    np.testing.assert_array_equal(stored.read_slices(ids(1), [0])[0], np.rint(first))
    events = stored.labels.filter(pl.col("slice_start").is_not_null())
    # Slab 0 is all negative, slab 1 holds a positive slice, slab 2 one known one of five.
    assert events.select("slice_start", "value").rows() == [(0, 0), (1, 1)]
    files = {row["path_digest"]: row for row in FILES.read(Storage(store)).to_dicts()}
    places = [files[identity.path_digest(path.name)] for path in paths]
    assert [row["slice_index"] for row in places] == [
        *(index // 5 for index in range(60)),
        None,
        None,
    ]
    assert summary.left_out == {"beyond_slabs": 2}
    require_sound(store)


def test_thick_slices_stay_and_irregular_thin_ones_are_refused(
    tmp_path: Path, run, write_head, ids
) -> None:
    source = tmp_path / "source"
    gap = [float(index) for index in range(60) if index not in (20, 21)]
    write_head(source / "a", 1, step=1.0, heights=gap)
    write_head(source / "b", 1, study="1.8")
    summary = run("folder", source, series=THICK)
    assert summary.set_aside == {"irregular_spacing": 58}
    exams = StoredExams(tmp_path / "store").exams
    assert exams.select("exam_id", "n_slices").rows() == [(ids(1, "1.8"), N)]


def test_boxes_and_masks_are_said_of_slabs(
    tmp_path: Path, run, write_study, write_reads, write_boxes
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_study(source, 0, "Plain", n=20, SliceThickness=2)
    for path in source.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        height = float(dataset.ImagePositionPatient[2]) * 0.4
        dataset.ImagePositionPatient = [0, 0, height]
        dataset.save_as(path)
    write_reads(source / "reads.csv", {0: {"ICH": "1", "SDH": "1"}})
    rows = [
        ("1.0.1.4", "Subdural", (1, 2, 3, 4)),
        ("1.0.1.5", "Subdural", (2, 2, 4, 4)),
        ("1.0.1.5", "Subdural", (10, 10, 2, 2)),
        ("1.0.1.6", "Subdural", (1, 2, 3, 4)),
    ]
    write_boxes(source / "1_Initial_Manual_Labeling.csv", rows)
    series = SeriesSelectionConfig(average_thin_to_mm=4.0)
    run("cq500", source, series=series)
    found = stored_boxes(StoredExams(tmp_path / "store"))
    columns = ("slice_index", "box_index", "x", "y", "width", "height")
    assert found.select(columns).rows() == [
        (2, 0, 1, 2, 5, 4),
        (2, 1, 10, 10, 2, 2),
        (3, 0, 1, 2, 3, 4),
    ]
    require_sound(tmp_path / "store")


def test_real_head_and_real_phantom(real_data: Path, tmp_path: Path, run) -> None:
    source = tmp_path / "source"
    for name in ("ge_head_series", "philips_tilt_series"):
        shutil.copytree(real_data / name, source / name)
    summary = run("folder", source, series=ONE, matrix=SIDE)
    assert (summary.n_exams, summary.n_slices) == (1, 28)
    assert summary.left_out == {"not_head": 54}
