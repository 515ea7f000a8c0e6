from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.schemas.annotations import BOXES
from examwise.core.storage import Storage
from examwise.imaging.stored_annotations import boxes, drawn_slices, has_mask
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_truth import StoredTruth, box_pixels


@pytest.fixture(scope="module")
def stored(make_store, annotate_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("truth") / "s", n_exams=7)
    annotate_store(url)
    return StoredExams(url)


def test_annotated_slices_have_a_box_or_a_mask_of_the_finding(stored):
    everything = stored.exams["exam_id"].to_list()
    for finding in ("any", "subdural"):
        found = StoredTruth(stored, finding).annotated(everything)
        boxed = boxes(stored).select("exam_id", "slice_index").unique().sort(found.columns)
        assert found.equals(boxed)
    assert StoredTruth(stored, "epidural").annotated(everything).is_empty()
    assert StoredTruth(stored, "no such finding").annotated(everything).is_empty()
    some = everything[:4]
    assert set(StoredTruth(stored, "any").annotated(some)["exam_id"]) == {"e0000", "e0003"}


def test_boxes_and_masks_say_where(stored):
    truth = StoredTruth(stored, "any")
    square = np.zeros((32, 32), bool)
    square[8:16, 8:16] = True
    for exam_id, kinds in (("e0000", ["boxes", "masks"]), ("e0003", ["boxes"])):
        assert has_mask(stored, exam_id) == ("masks" in kinds)
        index = boxes(stored).filter(pl.col("exam_id") == exam_id)["slice_index"][0]
        found = truth.of_exam(exam_id, [index])
        assert [one.truth for one in found] == kinds
        for one in found:
            assert np.array_equal(one.inside, square)
            assert (one.slice_index, one.kinds) == (index, ("subdural",))
    assert truth.of_exam("e0001", [0]) == []
    assert StoredTruth(stored, "epidural").of_exam("e0000", drawn_slices(stored, "e0000")) == []


def test_without_annotations_there_is_no_truth(make_store, tmp_path):
    stored = StoredExams(make_store(tmp_path / "s", n_exams=2))
    truth = StoredTruth(stored, "any")
    assert truth.annotated(stored.exams["exam_id"]).is_empty()
    assert truth.of_exam("e0000", [0, 1, 2]) == []


def test_several_boxes_of_a_slice_are_one_truth(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=1)
    row = {"exam_id": "e0000", "slice_index": 1, "height": 2.0, "chronic": False, "source": "t"}
    places = [("subdural", 1.0, 2.0, 3.0), ("epidural", 10.0, 2.0, 1.0), ("subdural", 3.0, 2.0, 4)]
    rows = [
        {**row, "box_index": number, "finding": finding, "x": x, "y": y, "width": width}
        for number, (finding, x, y, width) in enumerate(places)
    ]
    BOXES.write(Storage(url), BOXES.frame(rows))
    stored = StoredExams(url)
    (everything,) = StoredTruth(stored, "any").of_exam("e0000", [1])
    assert everything.kinds == ("epidural", "subdural")
    assert everything.inside.sum() == 2 * (6 + 1)
    (one,) = StoredTruth(stored, "epidural").of_exam("e0000", [1])
    assert one.kinds == ("epidural",)
    assert one.inside.sum() == 2


edges = st.tuples(*[st.floats(0, 9)] * 2, *[st.floats(0, 6)] * 2)


@settings(deadline=None, max_examples=50)
@given(edges)
def test_pixels_whose_centre_is_in_the_box(box):
    x, y, width, height = box
    found = box_pixels([box], (10, 10))
    centre = np.arange(10) + 0.5
    across = (centre >= x) & (centre < x + width)
    down = (centre >= y) & (centre < y + height)
    if across.any() and down.any():
        assert np.array_equal(found, down[:, None] & across[None, :])
    assert found.any()


def test_a_very_thin_box_has_the_pixels_at_its_middle():
    assert box_pixels([(2.6, 0.0, 0.3, 2.0)], (2, 4)).tolist() == [[False, False, True, False]] * 2
    assert box_pixels([(4.0, 2.0, 0.0, 0.0)], (2, 4)).tolist()[1] == [False, False, False, True]
