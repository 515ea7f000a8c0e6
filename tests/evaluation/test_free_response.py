import numpy as np
import polars as pl
import pytest

from examwise.evaluation.free_response import froc_points
from examwise.metrics.position import PositionHistogram

HISTOGRAM = PositionHistogram((0.0, 0.25, 0.5, 1.0), (0.0, 0.9, 0.4, 0.0), 40)


def curve(slices, exams, estimator="slice_probability", **options):
    table = froc_points(slices, exams, {"r1": {"any": HISTOGRAM}}, **options)
    own = table.filter(pl.col("estimator") == estimator)
    return own.sort("false_positives_per_exam")


@pytest.fixture
def exams(make_exams):
    return make_exams([0, 1] * 20, [-2.0, 2.0] * 20)


def test_a_curve_rises_and_ends_where_every_mark_counts(exams, make_slices):
    found = curve(make_slices(exams), exams)
    sensitivity = found["sensitivity"].to_numpy()
    assert (np.diff(sensitivity) >= 0).all()
    assert found["false_positives_per_exam"].max() < 8
    assert 0 < sensitivity[0] < sensitivity[-1] <= 1
    assert (found["sensitivity_lower"] <= found["sensitivity"]).all()
    assert (found["sensitivity_upper"] >= found["sensitivity"]).all()


def test_scores_that_are_labels_find_everything_at_the_lowest_rate(exams, make_slices):
    slices = make_slices(exams).with_columns(slice_logit=pl.col("slice_label").cast(pl.Float64))
    assert curve(slices, exams)["sensitivity"][0] == 1


def test_estimators_that_tell_where_are_rated_as_their_exams(exams, make_slices):
    slices = make_slices(exams)
    found = curve(slices, exams, "position_only", rates=(0.0, 1.0))
    # The top of position alone is slice 1, in every positive run; exams are told apart perfectly.
    assert found["sensitivity"].to_list() == [1.0, 1.0]
    unsure = exams.with_columns(exam_probability=pl.lit(0.5))
    assert curve(slices, unsure, "position_only", rates=(0.0, 1.0))["sensitivity"].to_list() == [
        0.0,
        1.0,
    ]
    assert {"attention_weight"} < set(froc_points(slices, exams, {})["estimator"])


def test_without_a_positive_or_labelled_slice_there_is_no_curve(make_exams, make_slices):
    exams = make_exams([0] * 5, [0.1] * 5)
    assert curve(make_slices(exams), exams).is_empty()
    positive = make_exams([1] * 5, [0.1] * 5)
    assert curve(make_slices(positive, label=False), positive).is_empty()


def test_the_order_of_rows_changes_nothing(exams, make_slices):
    slices = make_slices(exams)
    assert curve(slices.reverse(), exams.reverse()).equals(curve(slices, exams))
