import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.evaluation.exams import exam_metrics

HALF = {"r1": {"any": 0.5}, "r2": {"any": 0.5}}


def measure(frame, thresholds=HALF, *, n_replicates=200, seed=0):
    return exam_metrics(frame, thresholds, n_replicates=n_replicates, seed=seed)


def test_small_numbers_by_hand(make_exams):
    frame = make_exams([0, 0, 1, 1, None], [-2.0, 0.4, -0.1, 3.0, 9.0])
    row = measure(frame).row(0, named=True)
    assert (row["n_patients"], row["n_exams"], row["n_positive"]) == (4, 4, 2)
    assert row["auc"] == 0.75
    assert (row["threshold"], row["sensitivity"], row["specificity"]) == (0.5, 0.5, 0.5)


def test_interval_surrounds_the_auc(make_exams):
    draw = np.random.default_rng(0)
    labels = np.arange(200) % 2
    row = measure(make_exams(labels, draw.normal(size=200) + labels)).row(0, named=True)
    assert row["auc_lower"] < row["auc"] < row["auc_upper"]
    assert 0.08 < row["auc_upper"] - row["auc_lower"] < 0.2


def test_runs_on_the_same_exams_get_the_same_samples(make_exams):
    draw = np.random.default_rng(1)
    labels, logits = np.arange(60) % 2, draw.normal(size=60)
    both = pl.concat([make_exams(labels, logits), make_exams(labels, logits * 3 + 1, run_id="r2")])
    table = measure(both)
    assert table.height == 2
    for column in ("auc", "auc_lower", "auc_upper"):
        assert table[column].n_unique() == 1
    alone = measure(both.filter(pl.col("run_id") == "r2"))
    assert alone.equals(table.filter(pl.col("run_id") == "r2"))


def test_order_of_rows_makes_no_difference_and_the_seed_does(make_exams):
    draw = np.random.default_rng(2)
    frame = make_exams(np.arange(50) % 2, draw.normal(size=50))
    table = measure(frame)
    assert measure(frame.reverse()).equals(table)
    assert not measure(frame, seed=1).equals(table)


def test_archives_and_findings_are_kept_apart(make_exams):
    frames = [
        make_exams([0, 1], [0.0, 1.0], archive=archive, finding=finding)
        for archive in ("a", "b")
        for finding in ("any", "subdural")
    ]
    table = measure(pl.concat(frames), {"r1": {"any": 0.5, "subdural": 0.2}})
    assert table.select("archive", "finding").rows() == [
        ("a", "any"),
        ("a", "subdural"),
        ("b", "any"),
        ("b", "subdural"),
    ]
    assert table["threshold"].to_list() == [0.5, 0.2, 0.5, 0.2]


@pytest.mark.parametrize(
    ("labels", "sensitivity", "specificity"),
    [([1, 1], 1.0, None), ([0, 0], None, 0.0), ([None, None], None, None)],
)
def test_a_missing_class_leaves_values_missing(make_exams, labels, sensitivity, specificity):
    row = measure(make_exams(labels, [1.0, 2.0])).row(0, named=True)
    assert (row["auc"], row["auc_lower"], row["auc_upper"]) == (None, None, None)
    assert (row["sensitivity"], row["specificity"]) == (sensitivity, specificity)


@pytest.mark.parametrize(("logits", "auc"), [([1.0] * 40, 0.5), (list(range(40)), 1.0)])
def test_scores_without_doubt_get_no_false_certainty(make_exams, logits, auc):
    row = measure(make_exams([0] * 20 + [1] * 20, logits)).row(0, named=True)
    assert (row["auc"], row["auc_lower"], row["auc_upper"]) == (auc, None, None)


def test_two_positive_patients_are_too_few_for_an_interval(make_exams):
    row = measure(make_exams([1, 1] + [0] * 50, np.arange(52) % 7)).row(0, named=True)
    assert row["auc"] is not None
    assert (row["auc_lower"], row["auc_upper"]) == (None, None)


def test_logits_beyond_the_rounding_of_probabilities_still_rank(make_exams):
    assert measure(make_exams([0, 1], [40.0, 50.0]))["auc"].item() == 1


def test_missing_threshold_is_refused(make_exams):
    with pytest.raises(InputError, match="a threshold for any"):
        measure(make_exams([0, 1], [0.0, 1.0]), {"r1": {}})


def test_both_intervals_stand_beside_each_other(make_exams):
    draw = np.random.default_rng(3)
    labels = np.arange(300) % 2
    row = measure(make_exams(labels, draw.normal(size=300) + labels)).row(0, named=True)
    assert row["variance"] == "delong"
    assert row["analytic_lower"] == pytest.approx(row["auc_lower"], abs=0.02)
    assert row["analytic_upper"] == pytest.approx(row["auc_upper"], abs=0.02)
    assert row["average_precision_lower"] < row["average_precision"]
    assert row["average_precision"] < row["average_precision_upper"]


def test_several_exams_of_a_patient_widen_the_analytic_interval(make_exams):
    draw = np.random.default_rng(4)
    labels = np.repeat(np.arange(60) % 2, 4)
    logits = labels + np.repeat(draw.normal(size=60), 4)
    alone = measure(make_exams(labels, logits)).row(0, named=True)
    patients = [f"p{i // 4}" for i in range(240)]
    together = measure(make_exams(labels, logits, patient_key=patients)).row(0, named=True)
    assert (alone["variance"], together["variance"]) == ("delong", "obuchowski")
    widths = [row["analytic_upper"] - row["analytic_lower"] for row in (alone, together)]
    assert widths[1] > 1.6 * widths[0]


@pytest.mark.parametrize(
    ("labels", "logits", "auc", "precision"),
    [
        ([1, 1, 1], [0.0, 1.0, 2.0], None, None),
        ([0, 0, None], [0.0, 1.0, 2.0], None, None),
        ([None, None], [0.0, 1.0], None, None),
        ([0, 0, 1, 1], [0.0, 0.0, 0.0, 0.0], 0.5, 0.5),
        ([0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0], 1.0, 1.0),
    ],
    ids=["all positive", "all negative", "no label", "constant", "apart"],
)
def test_nothing_is_sure_where_nothing_varies(make_exams, labels, logits, auc, precision):
    row = measure(make_exams(labels, logits)).row(0, named=True)
    assert (row["auc"], row["average_precision"]) == (auc, precision)
    assert (row["analytic_lower"], row["analytic_upper"]) == (None, None)
    assert row["variance"] == "delong"
