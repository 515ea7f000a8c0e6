from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from examwise.core.errors import InputError
from examwise.core.schemas.cross_validation import FOLDS
from examwise.core.storage import Storage
from examwise.data.folds import draw_folds, fold_name, fold_split, read_folds, require_sound_folds


def exams(n_patients, exams_per_patient=1, every=3):
    """Return exams of patients of whom every third (or so) is positive in the first exam."""
    rows = [
        {
            "exam_id": f"e{patient:03d}-{exam}",
            "patient_key": f"p{patient:03d}",
            "exam_label": int(patient % every == 0 and exam == 0),
        }
        for patient in range(n_patients)
        for exam in range(exams_per_patient)
    ]
    return pl.DataFrame(rows, schema_overrides={"exam_label": pl.Int8})


def members(folds, repeat, fold):
    chosen = folds.filter((pl.col("repeat") == repeat) & (pl.col("fold") == fold))
    return frozenset(chosen["patient_key"])


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(18, 80),
    per=st.integers(1, 3),
    folds=st.integers(2, 6),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 2**62),
)
def test_every_patient_is_held_out_once_a_repeat(n, per, folds, repeats, seed):
    frame = exams(n, per)
    drawn = draw_folds(frame, folds=folds, repeats=repeats, seed=seed)
    patients = set(frame["patient_key"])
    held_out = [members(drawn, r, f) for r in range(repeats) for f in range(folds)]
    assert len(set(held_out)) == folds * repeats
    for repeat in range(repeats):
        of_repeat = held_out[repeat * folds : (repeat + 1) * folds]
        assert sum(map(len, of_repeat)) == n
        assert frozenset().union(*of_repeat) == patients
        positive = set(frame.filter(pl.col("exam_label") == 1)["patient_key"])
        for group in (patients, positive, patients - positive):
            sizes = [len(group & fold) for fold in of_repeat]
            assert max(sizes) - min(sizes) <= 1
            assert min(sizes) >= 1


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), shuffle=st.integers(0, 2**31))
def test_folds_are_a_function_of_seed_repeat_and_patients(seed, shuffle):
    frame = exams(40, 2)
    drawn = draw_folds(frame, folds=4, repeats=3, seed=seed)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=shuffle)
    assert drawn.equals(draw_folds(shuffled, folds=4, repeats=3, seed=seed))
    first = draw_folds(frame, folds=4, repeats=1, seed=seed)
    assert first.equals(drawn.filter(pl.col("repeat") == 0))
    assert not drawn.equals(draw_folds(frame, folds=4, repeats=3, seed=seed + 1))


def test_classes_are_as_even_as_scikit_learn_makes_them():
    frame = exams(53, every=4)
    drawn = draw_folds(frame, folds=5, seed=2).join(frame, on="patient_key")
    ours = sorted(drawn.group_by("fold").agg(pl.col("exam_label").sum())["exam_label"].to_list())
    labels = frame["exam_label"].to_numpy()
    reference = StratifiedKFold(5, shuffle=True, random_state=0).split(labels, labels)
    assert ours == sorted(int(labels[held_out].sum()) for _, held_out in reference)


def test_a_second_label_is_spread_too():
    frame = exams(60).with_columns(rare=(pl.int_range(60) % 6 == 0).cast(pl.Int8))
    drawn = draw_folds(frame, folds=5, labels=["exam_label", "rare"]).join(frame, on="patient_key")
    assert drawn.group_by("fold").agg(pl.col("rare").sum())["rare"].to_list() == [2] * 5


def test_too_few_patients_of_a_class_are_refused():
    with pytest.raises(InputError, match=r"got 4 with and 8 without; use at most 4 folds"):
        draw_folds(exams(12), folds=5)
    with pytest.raises(InputError, match=r"got 1 with and 2 without; label more exams"):
        draw_folds(exams(3), folds=2)
    unlabelled = exams(12).with_columns(pl.lit(None, pl.Int8).alias("exam_label"))
    with pytest.raises(InputError, match="got 0 with and 0 without"):
        draw_folds(unlabelled, folds=2)


def test_repeats_that_would_coincide_are_refused():
    frame = exams(4, every=2)  # two and two: of two folds there are two divisions
    assert draw_folds(frame, folds=2, repeats=2).height == 8
    with pytest.raises(InputError, match=r"no fold in common, got 2 among 4 patients in 2 folds"):
        draw_folds(frame, folds=2, repeats=3)


@pytest.mark.parametrize(
    "wrong", [{"folds": 1}, {"folds": True}, {"repeats": 0}, {"seed": -1}, {"folds": 2.0}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InputError, match="expected a whole number"):
        draw_folds(exams(30), **{"folds": 3, **wrong})


DAMAGES = {
    "1 patients in no fold": lambda folds: folds[1:],
    "1 other patients": lambda folds: pl.concat(
        [folds, folds[:1].with_columns(patient_key=pl.lit("stranger"))]
    ),
    "an empty fold": lambda folds: folds.with_columns(
        fold=pl.when(pl.col("fold") == 0).then(1).otherwise("fold").cast(pl.Int32)
    ),
    "also one of an earlier repeat": lambda folds: pl.concat(
        [folds, folds.with_columns(repeat=pl.lit(1, pl.Int32))]
    ),
    "fewer than two folds": lambda folds: folds.with_columns(fold=pl.lit(0, pl.Int32)),
    "repeats that do not count": lambda folds: folds.with_columns(repeat=pl.lit(1, pl.Int32)),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_folds_that_are_not_sound_are_refused_on_reading(what, tmp_path):
    frame = exams(30)
    folds = draw_folds(frame, folds=3)
    storage = Storage(tmp_path)
    FOLDS.write(storage, folds)
    assert read_folds(storage, frame).equals(folds)
    FOLDS.write(storage, DAMAGES[what](folds))
    with pytest.raises(InputError, match=what):
        read_folds(storage, frame)


def test_a_patient_in_two_folds_and_a_fold_of_one_class_are_refused():
    frame = exams(30)
    folds = draw_folds(frame, folds=3)
    twice = pl.concat([folds, folds[:1].with_columns(fold=(pl.col("fold") + 1) % 3)])
    with pytest.raises(InputError, match="1 patients in two folds"):
        require_sound_folds(twice, frame, label="exam_label")
    by_class = frame.select(
        pl.lit(0, pl.Int32).alias("repeat"),
        "patient_key",
        pl.col("exam_label").cast(pl.Int32).alias("fold"),
    )
    with pytest.raises(InputError, match="2 folds in repeat 0 without one of the classes"):
        require_sound_folds(by_class, frame, label="exam_label")


@settings(deadline=None, max_examples=25)
@given(share=st.sampled_from([0.0, 0.1, 0.25, 0.5]), seed=st.integers(0, 2**31))
def test_validation_is_cut_from_the_folds_trained_on(share, seed):
    frame = exams(60, 2)
    folds = draw_folds(frame, folds=3, repeats=2, seed=seed)
    options = {"validation_fraction": share, "seed": seed}
    for repeat in range(2):
        for fold in range(3):
            split = fold_split(frame, folds, repeat=repeat, fold=fold, **options)
            assert sorted(split["exam_id"]) == sorted(frame["exam_id"])
            owners = split.select("patient_key", "split").unique()
            assert owners["patient_key"].is_unique().all()
            parts = {name: set(owners.filter(split=name)["patient_key"])
                     for name in ("train", "validation", "test")}  # fmt: skip
            assert parts["test"] == members(folds, repeat, fold)
            assert abs(len(parts["validation"]) - share * 40) < 1


def test_parts_that_come_out_empty_or_one_sided_are_refused():
    frame = exams(6, every=3)
    folds = draw_folds(frame, folds=2)
    where = {"repeat": 0, "fold": 0, "seed": 0}
    with pytest.raises(InputError, match=r"of the 3 patients of the other folds, got none"):
        fold_split(frame, folds, **where, validation_fraction=1e-12)
    with pytest.raises(InputError, match="training part of r00-f00"):
        fold_split(frame, folds, **where, validation_fraction=0.9)


def test_names_sort_as_numbers_do():
    names = [fold_name(repeat, fold) for repeat in range(12) for fold in range(12)]
    assert names == sorted(set(names))
