import numpy as np
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.stage import Stage
from examwise.evaluation.exam_traits import TRAITS, exam_traits
from examwise.imaging.store_writer import ExamContent, StoreWriter, finish_store


def label(exam_id, finding, value, start=None):
    return {
        "exam_id": exam_id,
        "slice_start": start,
        "slice_stop": None if start is None else start + 1,
        "finding": finding,
        "value": value,
        "source": "test",
        "reader": None,
        "seconds": None,
        "round": 0,
    }


def content(exam_id, labels, *, mask=None, drawn=None, spacing=5.0, thickness=4.0):
    return ExamContent(
        exam={
            "exam_id": exam_id,
            "patient_key": f"p{exam_id}",
            "archive": "test",
            "n_slices": 4,
            "rows": 8,
            "columns": 8,
            "source_rows": 8,
            "source_columns": 8,
            "row_spacing_mm": 2.0,
            "column_spacing_mm": 2.5,
            "slice_spacing_mm": spacing,
            "regular": True,
            "gantry_tilt_degree": 0.0,
            "affine": np.diag([2.5, 2.0, 5.0, 1.0]).ravel().tolist(),
            "thickness_mm": thickness,
            "kernel": None,
            "scanner_group": "maker",
            "lossy": False,
            "data_terms": "synthetic",
        },
        pixels_hu=np.zeros((4, 8, 8), np.int16),
        positions_mm=np.arange(4) * 5.0,
        labels=labels,
        mask=mask,
        drawn_slices=drawn,
    )


@pytest.fixture
def store(tmp_path):
    stage = Stage.begin(str(tmp_path / "s"), kind="exam-store", configuration={}, inputs={}, seed=0)
    writer = StoreWriter(str(tmp_path / "s"))
    mask = np.zeros((4, 8, 8), np.uint8)
    mask[1:3, :4, :5] = 1 | 32  # any and subdural
    mask[1, 0, 0] = 1 | 2  # any and epidural

    def slices(exam_id, *positive):
        return [label(exam_id, "any", int(i in positive), i) for i in range(4)]

    a = [*slices("a", 1, 2), label("a", "subdural", 1), label("a", "epidural", 1)]
    writer.write_exam(content("a", a, mask=mask))
    writer.write_exam(content("b", slices("b"), spacing=None))
    whole = [label("c", "any", 1), label("c", "any", 1, 0)]
    writer.write_exam(content("c", whole, mask=mask, drawn=[1], thickness=None))
    writer.write_exam(content("d", slices("d", 0), spacing=None))
    finish_store(stage)
    return str(tmp_path / "s")


def test_traits_are_those_of_labels_masks_and_geometry(store):
    found = exam_traits([store], finding="any")
    assert dict(found.schema) == TRAITS
    voxel_ml = 2.0 * 2.5 * 5.0 / 1000
    assert found.rows() == [
        ("a", ["epidural", "subdural"], 10.0, pytest.approx(40 * voxel_ml), 4.0, "maker"),
        ("b", [], None, None, 4.0, "maker"),
        ("c", [], None, None, None, "maker"),
        ("d", [], 4.0, None, 4.0, "maker"),
    ]


def test_sizes_follow_the_finding(store):
    found = exam_traits([store], finding="subdural").row(0, named=True)
    assert found["volume_ml"] == pytest.approx(39 * 2.0 * 2.5 * 5.0 / 1000)
    assert found["extent_mm"] is None
    assert found["kinds"] == ["epidural", "subdural"]
    other = exam_traits([store], finding="fracture")
    assert other["volume_ml"].null_count() == other.height


def test_stores_without_masks_or_kinds(make_store, tmp_path):
    found = exam_traits([make_store(tmp_path / "s", n_exams=3)], finding=FINDINGS[0])
    assert found.rows() == [
        ("e0000", ["subdural"], 10.0, None, 5.0, None),
        ("e0001", [], None, None, 5.0, None),
        ("e0002", [], None, None, 5.0, None),
    ]
    with pytest.raises(InputError, match="at least one exam store"):
        exam_traits([], finding="any")
