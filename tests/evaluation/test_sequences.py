import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.predictions import PREDICTED_SLICES
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.sequences import run_length_recall, sequence_metrics
from examwise.metrics.clustered_share import clustered_share
from examwise.metrics.position import PositionHistogram
from examwise.metrics.thresholds import youden_threshold

LABELS = {"e0000": "0011110000", "e0001": "0000000000", "e0002": "0110001111"}
PROBABILITIES = {
    "e0000": (1, 2, 7, 8, 9, 7, 2, 1, 1, 1),
    "e0001": (1, 1, 1, 1, 6, 6, 6, 6, 1, 1),
    "e0002": (1, 8, 8, 1, 1, 1, 6, 7, 8, 9),
}
HISTOGRAM = PositionHistogram((0.0, 0.3, 0.6, 1.0), (0.0, 0.9, 0.1, 0.0), 40)
FITTED = {"r1": {"any": FittedThreshold(0.5, "validation")}}


def bags(labels=LABELS, probabilities=PROBABILITIES, *, attention=True):
    rows = []
    for exam_id, text in labels.items():
        own = np.array(probabilities[exam_id]) / 10
        for index, label in enumerate(text):
            rows.append(
                {
                    "exam_id": exam_id,
                    "run_id": "r1",
                    "finding": "any",
                    "slice_index": index,
                    "relative_position": index / (len(text) - 1),
                    "slice_logit": float(np.log(own[index] / (1 - own[index]))),
                    "slice_probability": float(own[index]),
                    "attention_logit": 0.0 if attention else None,
                    "attention_weight": float(own[index] / own.sum()) if attention else None,
                    "slice_label": None if label == "?" else int(label),
                }
            )
    return PREDICTED_SLICES.frame(rows)


@pytest.fixture
def exams(make_exams):
    return make_exams([1, 0, 1], [2.0, -2.0, 2.0])


def measure(slices, exams, *, fitted=FITTED, histogram=HISTOGRAM, **options):
    return sequence_metrics(slices, exams, {"r1": {"any": histogram}}, fitted, **options)


def of(table, estimator, rule, offset=0, min_length=1):
    found = table.filter(
        pl.col("estimator") == estimator,
        pl.col("threshold_rule") == rule,
        pl.col("offset") == offset,
        pl.col("min_length") == min_length,
    )
    return found.row(0, named=True)


def test_slice_probabilities_are_counted_by_hand(exams):
    table = measure(bags(), exams)
    row = of(table, "slice_probability", "validation")
    # The negative exam has a predicted run, and the short true run is found too.
    assert (row["n_true_runs"], row["n_hit_runs"], row["n_predicted_runs"]) == (3, 3, 4)
    assert (row["n_exams"], row["n_patients"]) == (3, 3)
    assert row["recall"] == 1
    assert row["precision"] == 0.75
    assert row["mean_f1"] == pytest.approx(2 / 3)
    chosen = of(table, "slice_probability", "validation", min_length=4)
    assert chosen["is_chosen"]
    assert (chosen["n_hit_runs"], chosen["n_predicted_runs"]) == (2, 3)
    assert chosen["mean_f1"] == pytest.approx((1 + 0 + 2 / (1 + 2)) / 3)


def test_attention_calls_in_exams_that_are_called_alone(exams):
    row = of(measure(bags(), exams), "attention_weight", "even")
    assert row["threshold"] == 0.5
    assert (row["n_true_runs"], row["n_hit_runs"], row["n_predicted_runs"]) == (3, 3, 3)
    assert row["mean_f1"] == 1
    assert row["mean_f1_lower"] is None
    everywhere = {"r1": {"any": FittedThreshold(0.0, "fixed")}}
    row = of(measure(bags(), exams, fitted=everywhere), "attention_weight", "even")
    assert row["n_predicted_runs"] == 4


def test_position_alone_stands_beside_every_rule_of_the_exam_threshold(exams):
    table = measure(bags(attention=False), exams)
    assert table["estimator"].unique(maintain_order=True).to_list() == [
        "slice_probability",
        "position_only",
    ]
    row = of(table, "position_only", "even")
    # Its one run per called exam has its top at slice 3, or 2.7 in between.
    assert (row["n_true_runs"], row["n_hit_runs"], row["n_predicted_runs"]) == (3, 1, 2)
    assert of(table, "position_only", "even", offset=1)["n_hit_runs"] == 2


def test_a_threshold_of_slices_goes_before_that_of_exams(exams):
    fitted = {"r1": {"any": FittedThreshold(0.5, "validation", slice_threshold=0.65)}}
    table = measure(bags(), exams, fitted=fitted)
    row = of(table, "slice_probability", "validation")
    assert (row["threshold"], row["n_predicted_runs"]) == (0.65, 3)
    assert of(table, "attention_weight", "even")["threshold"] == 0.5


def test_rules_fitted_on_the_test_are_there_by_name(exams):
    slices = bags()
    table = measure(slices, exams)
    row = of(table, "slice_probability", "youden_on_test")
    expected = youden_threshold(slices["slice_label"], slices["slice_probability"])
    assert row["threshold"] == expected
    rules = ["validation", "youden_on_test", "closest_to_corner_on_test"]
    own = table.filter(pl.col("estimator") == "slice_probability")
    assert own["threshold_rule"].unique(maintain_order=True).to_list() == rules
    by_exam = of(table, "attention_weight", "youden_on_test")["threshold"]
    assert by_exam == youden_threshold(exams["exam_label"], exams["exam_probability"])


def test_lengths_offsets_and_order_of_rows(exams):
    table = measure(bags(), exams, offsets=(0, 3), min_lengths=(1, 9))
    own = table.filter(
        pl.col("estimator") == "attention_weight", pl.col("threshold_rule") == "even"
    )
    assert own["offset"].to_list() == [0, 0, 0, 3, 3, 3]
    assert own["min_length"].to_list() == [1, 2, 9] * 2
    assert own["is_chosen"].to_list() == [False, True, False] * 2
    shuffled = measure(bags().reverse(), exams.reverse(), offsets=(0, 3), min_lengths=(1, 9))
    assert shuffled.equals(table)


def test_exams_with_an_unlabelled_slice_do_not_count(exams):
    labels = LABELS | {"e0002": "01100011?1"}
    row = of(measure(bags(labels), exams), "slice_probability", "validation")
    assert (row["n_exams"], row["n_true_runs"]) == (2, 1)
    nothing = dict.fromkeys(LABELS, "?" * 10)
    assert measure(bags(nothing), exams).is_empty()


def test_without_a_positive_slice_recall_is_missing(make_exams):
    exams = make_exams([0, 0, 0], [2.0, -2.0, 2.0])
    labels = dict.fromkeys(LABELS, "0000000000")
    table = measure(bags(labels), exams)
    row = of(table, "slice_probability", "validation")
    assert (row["recall"], row["recall_lower"]) == (None, None)
    assert (row["precision"], row["mean_f1"]) == (0, 0)
    rules = table["threshold_rule"].unique()
    assert sorted(rules) == ["even", "validation"]


def test_nothing_predicted_leaves_precision_missing(exams):
    fitted = {"r1": {"any": FittedThreshold(1.0, "fixed")}}
    for estimator, rule in (("slice_probability", "validation"), ("attention_weight", "even")):
        row = of(measure(bags(), exams, fitted=fitted), estimator, rule)
        assert (row["recall"], row["precision"], row["mean_f1"]) == (0, None, 0)


def test_a_run_without_threshold_is_refused(exams):
    with pytest.raises(InputError, match="a threshold for any"):
        measure(bags(), exams, fitted={})


def test_intervals_keep_a_patient_together(make_exams):
    draw = np.random.default_rng(0)
    names = [f"e{i:04d}" for i in range(60)]
    labels = {name: "0001100000" if i % 2 else "0000000000" for i, name in enumerate(names)}
    values = {name: tuple(draw.integers(1, 10, 10)) for name in names}
    patients = [f"p{i // 4}" for i in range(60)]
    exams = make_exams([i % 2 for i in range(60)], [1.0] * 60, patient_key=patients)
    slices = bags(labels, values)
    row = of(measure(slices, exams), "slice_probability", "validation", min_length=2)
    hits = []
    for name in names[1::2]:
        own = np.array(values[name]) >= 5
        tops = []
        for start in range(10):
            if own[start] and (start == 0 or not own[start - 1]):
                stop = start
                while stop < 10 and own[stop]:
                    stop += 1
                if stop - start >= 2:
                    tops.append(start + int(np.argmax(values[name][start:stop])))
        hits.append(any(top in (3, 4) for top in tops))
    share = clustered_share(hits, patients[1::2])
    assert (row["recall"], row["recall_lower"], row["recall_upper"]) == pytest.approx(
        (share.value, share.lower, share.upper)
    )


def test_recall_goes_by_length_and_joins_the_longest(exams):
    def lengths(longest):
        table = run_length_recall(
            bags(), exams, {"r1": {"any": HISTOGRAM}}, FITTED, longest=longest, offsets=(0,)
        )
        own = table.filter(pl.col("estimator") == "slice_probability")
        return own.select("run_length", "n_true_runs", "recall").rows()

    # Predicted runs count from four slices on: the true run of two is missed.
    assert lengths(12) == [(2, 1, 0.0), (4, 2, 1.0)]
    assert lengths(2) == [(2, 3, pytest.approx(2 / 3))]


def test_without_a_positive_slice_there_is_no_length(make_exams):
    exams = make_exams([0, 0, 0], [2.0, -2.0, 2.0])
    labels = dict.fromkeys(LABELS, "0000000000")
    assert run_length_recall(bags(labels), exams, {}, FITTED).is_empty()
