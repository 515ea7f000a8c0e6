from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from examwise.core.errors import InputError, IntegrityError
from examwise.core.schemas.annotations import BOXES, MASKS, finding_bit, mask_shard_key
from examwise.core.schemas.findings import FINDINGS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.imaging import stored_annotations
from examwise.imaging.store_writer import ExamContent, StoreWriter, finish_store
from examwise.imaging.stored_exams import StoredExams

N_SLICES, MATRIX = 3, 16


def box(exam_id: str, slice_index: int, box_index: int = 0, **changes) -> dict:
    return {
        "exam_id": exam_id,
        "slice_index": slice_index,
        "box_index": box_index,
        "finding": "subdural",
        "x": 1.5,
        "y": 2.0,
        "width": 3.0,
        "height": 4.0,
        "chronic": False,
        "source": "test",
        **changes,
    }


def exam(exam_id: str) -> dict:
    return {
        "exam_id": exam_id,
        "patient_key": "p1",
        "archive": "test",
        "n_slices": N_SLICES,
        "rows": MATRIX,
        "columns": MATRIX,
        "source_rows": MATRIX,
        "source_columns": MATRIX,
        "row_spacing_mm": 1.0,
        "column_spacing_mm": 1.0,
        "slice_spacing_mm": 5.0,
        "regular": True,
        "gantry_tilt_degree": 0.0,
        "affine": np.eye(4).ravel().tolist(),
        "thickness_mm": None,
        "kernel": None,
        "scanner_group": None,
        "lossy": False,
        "data_terms": "none",
    }


def write(url: str | Path, contents: dict[str, dict]) -> StoredExams:
    stage = Stage.begin(url, kind="exam-store", configuration={}, inputs={}, seed=None)
    for exam_id, content in contents.items():
        StoreWriter(url).write_exam(
            ExamContent(
                exam(exam_id),
                np.zeros((N_SLICES, MATRIX, MATRIX), np.int16),
                np.arange(N_SLICES) * 5.0,
                **content,
            )
        )
    finish_store(stage)
    return StoredExams(url)


@pytest.fixture
def drawn() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.integers(0, 64, (N_SLICES, MATRIX, MATRIX)).astype(np.uint8)


@pytest.mark.parametrize("url", ["{tmp}/store", "memory://stored-annotations-test"])
def test_what_is_written_is_read(tmp_path: Path, drawn: np.ndarray, url: str) -> None:
    rows = [box("e1", 2), box("e1", 0, chronic=True), box("e1", 0, 1, finding="any")]
    contents = {"e2": {"mask": drawn}, "e1": {"boxes": rows}, "e3": {"mask": drawn * 0}}
    stored = write(url.format(tmp=tmp_path), contents)
    assert stored_annotations.boxes(stored).to_dicts() == [rows[1], rows[2], rows[0]]
    np.testing.assert_array_equal(stored_annotations.mask(stored, "e2"), drawn)
    assert stored_annotations.mask(stored, "e1") is None
    assert not stored_annotations.has_mask(stored, "e1")
    empty = stored_annotations.mask(stored, "e3")
    assert empty is not None
    assert not empty.any()
    with pytest.raises(InputError, match="an exam of this store"):
        stored_annotations.mask(stored, "e9")


def test_zarr_reads_the_same(tmp_path: Path, drawn: np.ndarray) -> None:
    write(tmp_path / "store", {"e1": {"mask": drawn}})
    group = zarr.open_group(tmp_path / "store" / MASKS, mode="r")
    np.testing.assert_array_equal(group["e1"][:], drawn)
    assert group["e1"].chunks == (1, MATRIX, MATRIX)
    assert group.attrs["bits"] == list(FINDINGS)
    assert [finding_bit(finding) for finding in group.attrs["bits"]] == [1, 2, 4, 8, 16, 32]


def test_store_without_annotations_has_none(tmp_path: Path) -> None:
    stored = write(tmp_path / "store", {"e1": {}})
    assert stored_annotations.boxes(stored).is_empty()
    assert stored_annotations.mask(stored, "e1") is None
    assert not (tmp_path / "store" / "annotations").exists()


@pytest.mark.parametrize("place", [3, -2, -30])
def test_damaged_mask(tmp_path: Path, drawn: np.ndarray, place: int) -> None:
    stored = write(tmp_path / "store", {"e1": {"mask": drawn}})
    path = tmp_path / "store" / mask_shard_key("e1")
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="masks"):
        stored_annotations.mask(stored, "e1")
    path.write_bytes(b"")
    with pytest.raises(IntegrityError):
        stored_annotations.mask(stored, "e1")


@pytest.mark.parametrize(
    "changes", [{"slice_index": N_SLICES}, {"x": 14.0}, {"height": 15.0}, {"exam_id": "e7"}]
)
def test_boxes_outside_their_exam_are_refused(tmp_path: Path, changes: dict) -> None:
    stored = write(tmp_path / "store", {"e1": {}})
    rows = [{**box("e1", 0), **changes}]
    BOXES.write(Storage(tmp_path / "store"), BOXES.frame(rows))
    with pytest.raises(InputError, match="1 others"):
        stored_annotations.boxes(stored)
