from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.core.schemas.store import LABELS
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, require_finding, slice_labels

SIZES = {"a": 3, "b": 2, "c": 4}


def event(exam, start, stop, value, *, finding="any", round_=0):
    return {
        "exam_id": exam,
        "slice_start": start,
        "slice_stop": stop,
        "finding": finding,
        "value": value,
        "source": "test",
        "reader": None,
        "seconds": None,
        "round": round_,
    }


def stored(*events):
    return SimpleNamespace(
        labels=LABELS.frame(list(events)),
        exams=pl.DataFrame(
            {"exam_id": list(SIZES), "n_slices": list(SIZES.values())},
            schema={"exam_id": pl.String, "n_slices": pl.Int32},
        ),
        name="memory://x",
    )


def as_dict(frame):
    return {tuple(row[:-1]): row[-1] for row in frame.rows()}


def test_runs_expand_and_later_rows_overrule_within_a_round():
    found = slice_labels(stored(event("a", 0, 3, 0), event("a", 1, 2, 1)), "any")
    assert found.rows() == [("a", 0, 0), ("a", 1, 1), ("a", 2, 0)]
    assert found.dtypes == [pl.String, pl.Int32, pl.Int8]


def test_later_rounds_overrule_whatever_the_order_of_rows():
    events = stored(event("a", 1, 2, 1, round_=2), event("a", 0, 3, 0, round_=1))
    assert as_dict(slice_labels(events, "any"))[("a", 1)] == 1


def test_a_missing_value_withdraws_a_label():
    events = stored(event("a", 0, 3, 1), event("a", 2, 3, None, round_=1))
    assert slice_labels(events, "any")["slice_index"].to_list() == [0, 1]
    events = stored(
        event("a", 0, 3, 1), event("a", None, None, 1), event("a", None, None, None, round_=1)
    )
    assert as_dict(exam_labels(events, "any"))[("a",)] is None


def test_an_exam_is_inferred_from_its_slices_only_where_they_suffice():
    events = stored(
        event("a", 0, 3, 0),
        event("b", 0, 1, 0),
        event("c", 0, 1, 1),
        event("c", 0, 4, 0, finding="subdural"),
    )
    assert as_dict(exam_labels(events, "any")) == {("a",): 0, ("b",): None, ("c",): 1}


def test_an_exam_level_event_stands_above_the_slices():
    events = stored(event("a", None, None, 1), event("a", 0, 3, 0))
    assert as_dict(exam_labels(events, "any"))[("a",)] == 1


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (2, 2), (1, None)])
def test_runs_beyond_the_exam_are_refused(start, stop):
    with pytest.raises(InputError, match="exam a: expected a run of slices within 0 to 3"):
        slice_labels(stored(event("a", start, stop, 1)), "any")


def test_labels_of_an_unknown_exam_are_refused():
    with pytest.raises(InputError, match="exam z"):
        slice_labels(stored(event("z", 0, 1, 1)), "any")


def test_an_unknown_finding_names_those_there_are():
    with pytest.raises(InputError, match="got findings any"):
        require_finding(stored(event("a", 0, 1, 1)), "midline_shift")


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(sorted(SIZES)),
        st.integers(0, 3),
        st.integers(1, 4),
        st.sampled_from([0, 1, None]),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=50)
@given(EVENTS)
def test_the_tables_agree_with_a_plain_loop(drawn):
    events = []
    for exam, start, length, value, round_, whole in drawn:
        stop = min(start + length, SIZES[exam])
        if whole:
            events.append(event(exam, None, None, value, round_=round_))
        elif start < stop:
            events.append(event(exam, start, stop, value, round_=round_))
    slices: dict[tuple[str, int], int | None] = {}
    exams: dict[str, int | None] = {}
    for item in sorted(events, key=lambda item: item["round"]):
        if item["slice_start"] is None:
            exams[item["exam_id"]] = item["value"]
        else:
            for index in range(item["slice_start"], item["slice_stop"]):
                slices[item["exam_id"], index] = item["value"]
    expected = {}
    for exam, size in SIZES.items():
        values = [slices.get((exam, index)) for index in range(size)]
        inferred = 1 if 1 in values else 0 if values == [0] * size else None
        expected[(exam,)] = exams.get(exam, inferred)
    store = stored(*events)
    known = {key: value for key, value in slices.items() if value is not None}
    assert as_dict(slice_labels(store, "any")) == known
    assert as_dict(exam_labels(store, "any")) == expected


def test_a_written_store_resolves_to_its_labels(make_store, tmp_path):
    store = StoredExams(make_store(tmp_path / "s", n_exams=4))
    exams = exam_labels(store, "any")
    assert exams["exam_label"].to_list() == [1, 0, 0, 1]
    assert exam_labels(store, "epidural")["exam_label"].to_list() == [0, 0, 0, 0]
    assert slice_labels(store, "subdural")["slice_label"].sum() == 4
