from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.data.splits import (
    has_splits,
    read_splits,
    require_disjoint_patients,
    split_by_patient,
    split_store,
    write_splits,
)


def exams(n, exams_per_patient=2):
    return pl.DataFrame(
        {
            "exam_id": [f"e{i:03d}" for i in range(n)],
            "patient_key": [f"p{i // exams_per_patient:03d}" for i in range(n)],
            "exam_label": pl.Series([int(i % 5 == 0) for i in range(n)], dtype=pl.Int8),
        }
    )


@settings(deadline=None, max_examples=30)
@given(n=st.integers(30, 120), per=st.integers(1, 3), seed=st.integers(0, 2**31))
def test_no_patient_is_divided_and_sizes_are_right(n, per, seed):
    frame = exams(n, per)
    splits = split_by_patient(frame, fractions=(0.6, 0.2, 0.2), seed=seed)
    require_disjoint_patients(splits)
    assert sorted(splits["exam_id"]) == sorted(frame["exam_id"])
    patients = splits.unique("patient_key")
    share = patients.filter(pl.col("split") == "train").height / patients.height
    assert abs(share - 0.6) <= 1 / patients.height


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31))
def test_row_order_changes_nothing_and_the_seed_does(seed):
    frame = exams(60)
    one = split_by_patient(frame, fractions=(0.5, 0.25, 0.25), seed=3)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    assert one.equals(split_by_patient(shuffled, fractions=(0.5, 0.25, 0.25), seed=3))
    assert not one.equals(split_by_patient(frame, fractions=(0.5, 0.25, 0.25), seed=4))


def test_positive_patients_are_divided_evenly():
    frame = exams(400, 1)
    splits = split_by_patient(frame, fractions=(0.5, 0.25, 0.25), seed=0)
    positive = splits.join(frame.select("exam_id", "exam_label"), on="exam_id")
    counts = dict(positive.group_by("split").agg(pl.col("exam_label").sum()).rows())
    assert counts["train"] == pytest.approx(40, abs=1)
    assert counts["validation"] == pytest.approx(20, abs=1)
    assert counts["test"] == pytest.approx(20, abs=1)


def test_missing_labels_count_as_not_positive():
    frame = exams(20).with_columns(pl.lit(None, pl.Int8).alias("exam_label"))
    splits = split_by_patient(frame, fractions=(0.5, 0.0, 0.5), seed=0)
    assert splits["split"].value_counts().height == 2


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (0.5, 0.5)], ids=["sum", "sign", "number"]
)
def test_fractions_that_are_no_shares_are_refused(fractions):
    with pytest.raises(InputError, match="three shares"):
        split_by_patient(exams(20), fractions=fractions, seed=0)


def test_too_few_patients_are_refused():
    with pytest.raises(InputError, match="part test: expected enough patients"):
        split_by_patient(exams(2, 1), fractions=(0.6, 0.2, 0.2), seed=0)


def test_overlap_names_the_number_of_patients():
    frame = SPLITS.frame(
        {
            "exam_id": ["a", "b", "c", "d"],
            "patient_key": ["p", "p", "q", "q"],
            "split": ["train", "test", "train", "validation"],
        }
    )
    with pytest.raises(InputError, match="got 2 patients in several"):
        require_disjoint_patients(frame)
    with pytest.raises(InputError, match="2 patients"):
        write_splits("memory://overlapping-splits", frame, options={})


def test_a_store_is_split_once(make_store, tmp_path):
    url = make_store(tmp_path / "s", n_exams=30, matrix=16, exams_per_patient=2)
    with pytest.raises(InputError, match="examwise split"):
        read_splits(url)
    summary = split_store(url, fractions=(0.6, 0.2, 0.2), seed=1)
    assert has_splits(url)
    assert sum(summary.n_exams.values()) == 30
    assert sum(summary.n_patients.values()) == 15
    assert sum(summary.n_positive_exams.values()) == 10
    before = Storage(url).read(SPLITS.file)
    assert split_store(url, fractions=(0.6, 0.2, 0.2), seed=1) == summary
    with pytest.raises(InputError, match="no other split"):
        split_store(url, fractions=(0.6, 0.2, 0.2), seed=2)
    assert Storage(url).read(SPLITS.file) == before
    split_store(url, fractions=(0.6, 0.2, 0.2), seed=2, replace=True)
    assert Storage(url).read(SPLITS.file) != before
    options = json.loads(Storage(url).read("splits.json"))
    assert options["seed"] == 2
    assert np.isclose(sum(options["fractions"].values()), 1)
