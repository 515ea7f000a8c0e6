from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.data.patient_overlap import require_disjoint_patients
from examwise.data.stratified_split import PARTS, split_by_patient


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


@st.composite
def labelled_exams(draw):
    """Patients with one to four exams, each label 1, 0 or missing."""
    n_patients = draw(st.integers(8, 60))
    label = st.sampled_from([1, 0, 0, None])
    rows = [
        {
            "exam_id": f"e{patient:02d}-{exam}",
            "patient_key": f"p{patient:02d}",
            "any": draw(label),
            "subdural": draw(label),
        }
        for patient in range(n_patients)
        for exam in range(draw(st.sampled_from([1, 1, 1, 2, 4])))
    ]
    return pl.DataFrame(rows, schema_overrides={"any": pl.Int8, "subdural": pl.Int8})


FRACTIONS = st.sampled_from([(0.6, 0.15, 0.25), (0.7, 0.1, 0.2), (0.5, 0.0, 0.5), (1 / 3,) * 3])


@settings(deadline=None, max_examples=50)
@given(frame=labelled_exams(), fractions=FRACTIONS, seed=st.integers(0, 2**31))
def test_every_stratum_is_divided_to_within_one_patient(frame, fractions, seed):
    splits = split_by_patient(frame, fractions=fractions, seed=seed, labels=["any", "subdural"])
    assert splits["exam_id"].to_list() == sorted(frame["exam_id"])
    require_disjoint_patients(splits)
    part = dict(splits.select("patient_key", "split").rows())
    # Strata as a loop over patients finds them, the coarsest first.
    groups = {}
    for key in part:
        own = frame.filter(pl.col("patient_key") == key)
        positive = own["any"].max()
        both = (positive, own["subdural"].max())
        for stratum in ((), (positive,), both, (*both, own.height)):
            groups.setdefault(stratum, []).append(part[key])
    for members in groups.values():
        for name, fraction in zip(PARTS, fractions, strict=True):
            exact = fraction * len(members)
            allowed = {math.floor(exact + 1e-9), math.ceil(exact - 1e-9)}
            assert members.count(name) in allowed


def test_a_part_that_may_come_out_empty_does_not():
    for seed in range(20):
        splits = split_by_patient(exams(3, 1), fractions=(0.6, 0.2, 0.2), seed=seed)
        assert sorted(splits["split"]) == ["test", "train", "validation"]


def test_every_patient_has_about_the_same_chance():
    frame = exams(10, 1)
    counts = np.zeros(10)
    for seed in range(200):
        splits = split_by_patient(frame, fractions=(0.5, 0.2, 0.3), seed=seed)
        counts += (splits["split"] == "train").to_numpy()
    assert counts.sum() == 1000
    assert counts.min() > 70  # 5 of 10 in expectation 100 times, with a deviation of 7
