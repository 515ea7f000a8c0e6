from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.explained_slices import (
    annotated_slices_or_positive,
    called_slices,
    slice_threshold,
    spread_over_exams,
)
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_truth import StoredTruth

OWNER = ["exam_id", "slice_index"]


def frame(sizes) -> pl.DataFrame:
    rows = [(f"e{exam}", index) for exam, size in enumerate(sizes) for index in range(size)]
    return pl.DataFrame(
        rows, schema=dict(zip(OWNER, (pl.String, pl.Int32), strict=True)), orient="row"
    )


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 40), st.integers(0, 99))
def test_spread_as_evenly_as_can_be(sizes, wanted, seed):
    everything = frame(sizes)
    found = spread_over_exams(everything, max_slices=wanted, seed=seed)
    assert found.height == min(wanted, everything.height)
    assert found.join(everything, on=OWNER, how="anti").is_empty()
    assert found.equals(found.unique().sort(OWNER))
    counts = dict(found.group_by("exam_id").len().iter_rows())
    numbers = [counts.get(f"e{exam}", 0) for exam in range(len(sizes))]
    for number, size in zip(numbers, sizes, strict=True):
        # Whoever has fewer than another has no more to give.
        assert number >= max(numbers) - 1 or number == size


def test_the_order_of_rows_and_other_exams_change_little():
    everything = frame([5, 5, 5, 5])
    found = spread_over_exams(everything, max_slices=6, seed=1)
    assert found.equals(spread_over_exams(everything.reverse(), max_slices=6, seed=1))
    assert not found.equals(spread_over_exams(everything, max_slices=6, seed=2))
    alone = everything.filter(pl.col("exam_id") == "e2")
    one = spread_over_exams(alone, max_slices=1, seed=1)
    assert one.join(found, on=OWNER, how="anti").is_empty()
    assert spread_over_exams(everything, max_slices=None, seed=1).equals(everything)


def test_positive_slices_are_those_of_the_labels(annotated_store):
    stored = StoredExams(annotated_store)
    truth = StoredTruth(stored, "any")
    pair = [
        annotated_slices_or_positive(choice, stored, truth, ["e0000", "e0001"], finding="any")
        for choice in ("annotated", "positive")
    ]
    assert pair[0].equals(pair[1])
    assert set(pair[0]["exam_id"]) == {"e0000"}


def test_called_slices_reach_the_threshold(annotated_store, strong):
    stored = StoredExams(annotated_store)
    model = ExplainedModel.of_run(strong, finding="any", device="cpu")
    exams = ["e0001", "e0000"]
    everything = called_slices(model, stored, exams, threshold=0)
    assert everything["exam_id"].unique(maintain_order=True).to_list() == ["e0000", "e0001"]
    assert everything.height == sum(map(stored.n_slices, exams))
    assert called_slices(model, stored, exams, threshold=1.1).is_empty()


def test_slices_have_a_threshold_of_their_own_where_there_was_one():
    both = b'{"any": {"threshold": 0.4, "slice_threshold": 0.7, "source": "validation"}}'
    assert slice_threshold(both, "any", where="run") == 0.7
    with pytest.raises(InputError, match="a threshold of subdural"):
        slice_threshold(both, "subdural", where="run")
