"""Enhanced CT objects through a whole import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydicom.dataset import Dataset

from examwise.cli.main import main
from examwise.core.schemas.store import FILES
from examwise.core.storage import Storage
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.config import SeriesSelectionConfig

EVERY = SeriesSelectionConfig(select="every")
VOLUME = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]


@pytest.fixture
def stored() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 2500, (6, 16, 16)).astype(np.int16)


def hu_of(stored: np.ndarray) -> np.ndarray:
    return np.maximum(stored.astype(int) - 1024, -1024)


def files_of(store: Path) -> list[dict]:
    return FILES.read(Storage(store)).to_dicts()


def test_an_enhanced_object_is_an_exam_by_the_command(
    tmp_path: Path, write_enhanced, stored, monkeypatch
) -> None:
    monkeypatch.setenv("EXAMWISE_IDENTITY", str(tmp_path / "identity"))
    order = [3, 0, 5, 1, 4, 2]
    write_enhanced(tmp_path / "source" / "ct.dcm", stored[order], [5.0 * place for place in order])
    store = tmp_path / "store"
    options = ["--ingest.matrix=16", "--ingest.series.select=every"]
    assert main(["ingest", "folder", str(tmp_path / "source"), str(store), *options]) == 0
    exams = StoredExams(store)
    (exam,) = exams.exams.iter_rows(named=True)
    np.testing.assert_array_equal(exams.read_slices(exam["exam_id"]), hu_of(stored))
    assert (exam["slice_spacing_mm"], exam["regular"], exam["thickness_mm"]) == (5, True, 5)
    (file,) = files_of(store)
    assert (file["status"], file["reason"], file["slice_index"]) == ("used", "", None)


def test_a_label_of_the_file_is_one_of_the_exam(
    tmp_path: Path, write_enhanced, write_series, stored, run, identity
) -> None:
    source = tmp_path / "source"
    write_enhanced(source / "e" / "1.dcm", stored, range(6))
    write_series(source / "s", 2, series="1.7")
    labels = tmp_path / "labels.csv"
    labels.write_text("path,any,subdural\ne/1.dcm,1,1\ns/0.dcm,1,0\ns/1.dcm,0,0\n")
    run("folder", source, labels=labels, series=EVERY)
    found = StoredExams(tmp_path / "store").labels
    enhanced = found.filter(pl.col("exam_id") == identity.exam_id("1.2.3", "1.2.3.9"))
    assert set(enhanced["slice_start"]) == {None}
    assert dict(enhanced.select("finding", "value").iter_rows()) == {"any": 1, "subdural": 1}
    single = found.filter(pl.col("exam_id") == identity.exam_id("1.2.3", "1.7"))
    assert set(single["slice_start"].drop_nulls()) == {0, 1}


def test_parts_of_a_concatenation_and_a_localizer_among_frames(
    tmp_path: Path, write_enhanced, stored, run
) -> None:
    source = tmp_path / "source"
    types = [["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"], VOLUME, VOLUME]
    write_enhanced(source / "1.dcm", stored[:3], [0, 5, 10], frame_types=types)
    write_enhanced(source / "2.dcm", stored[3:], [15, 20, 25], SOPInstanceUID="1.8")
    summary = run("folder", source, series=EVERY)
    assert (summary.n_exams, summary.n_slices) == (1, 5)
    assert summary.joined["frames_left_out"] == 1
    exams = StoredExams(tmp_path / "store")
    np.testing.assert_array_equal(exams.read_slices(exams.exams["exam_id"][0]), hu_of(stored[1:]))
    rows = files_of(tmp_path / "store")
    assert [row["slice_index"] for row in rows] == [None, None]


def test_several_points_in_time_are_left_out_by_name(
    tmp_path: Path, write_enhanced, write_series, stored, run
) -> None:
    source = tmp_path / "source"
    write_enhanced(source / "time.dcm", stored, [0, 5, 10] * 2)
    write_series(source / "s", 2, series="1.7")
    run("folder", source, series=EVERY)
    reasons = {row["reason"] for row in files_of(tmp_path / "store")}
    assert reasons == {"", "multi_frame"}


def test_boxes_on_several_frames_are_set_aside_and_counted(
    tmp_path: Path, write_enhanced, write_reads, write_boxes, run
) -> None:
    source = tmp_path / "source"
    stored = np.random.default_rng(3).integers(900, 1100, (12, 16, 16)).astype(np.int16)
    measures = Dataset()
    measures.PixelSpacing, measures.SliceThickness = [14, 14], 5
    write_enhanced(
        source / "qct01" / "CQ500CT1 CQ500CT1" / "Unknown Study" / "CT Plain" / "CT000001.dcm",
        stored,
        [5.0 * place for place in range(12)],
        StudyInstanceUID="1.1",
        SeriesInstanceUID="1.1.1",
        SOPInstanceUID="1.1.1.0",
        SeriesDescription="Plain",
        # 16 pixels across a head: too few to tell whether it is one.
        groups={"PixelMeasuresSequence": [measures]},
    )
    write_reads(source / "reads.csv", {1: {"ICH": "1", "SDH": "1"}})
    write_boxes(source / "bhx.csv", [("1.1.1.0", "Subdural", (2, 2, 4, 4))])
    summary = run("cq500", source, boxes=source / "bhx.csv")
    assert summary.n_slices == 12
    assert summary.joined["boxes_on_several_frames"] == 1
    labels = StoredExams(tmp_path / "store").labels
    assert labels["slice_start"].null_count() == labels.height
