import numpy as np
import polars as pl
import pytest

from examwise.core.schemas.evidence import CURVE_BANDS
from examwise.evaluation.curve_bands import curve_bands
from examwise.evaluation.exams import exam_metrics


def make(make_exams, *, n=120, **columns):
    draw = np.random.default_rng(0)
    labels = np.arange(n) % 2
    return make_exams(labels, draw.normal(size=n) + 1.2 * labels, **columns)


def test_every_run_archive_and_curve_has_a_row_for_every_x(make_exams):
    frames = [make(make_exams, run_id=run, archive=a) for run in ("r1", "r2") for a in ("x", "y")]
    table = curve_bands(pl.concat(frames), n_replicates=60, seed=0)
    assert CURVE_BANDS.frame(table.to_dicts()).equals(table)
    groups = table.group_by("run_id", "archive", "curve", maintain_order=True).len()
    assert groups.height == 8
    assert set(groups["len"]) == {101}


def test_the_area_under_the_curve_is_about_the_reported_one(make_exams):
    frame = make(make_exams)
    rows = curve_bands(frame, n_replicates=60, seed=0).partition_by("curve", as_dict=True)
    row = exam_metrics(frame, {"r1": {"any": 0.5}}, n_replicates=60, seed=0).row(0, named=True)
    for curve, name in (("roc", "auc"), ("precision_recall", "average_precision")):
        points = rows[(curve,)]
        assert np.trapezoid(points["y"], points["x"]) == pytest.approx(row[name], abs=0.012)


def test_order_of_rows_makes_no_difference_and_the_seed_does(make_exams):
    frame = make(make_exams)
    table = curve_bands(frame, n_replicates=60, seed=0)
    assert curve_bands(frame.reverse(), n_replicates=60, seed=0).equals(table)
    assert not curve_bands(frame, n_replicates=60, seed=1).equals(table)


def test_runs_that_rank_alike_have_the_same_bands(make_exams):
    frame = make(make_exams)
    stretched = frame.with_columns(pl.col("exam_logit") * 3 + 1, run_id=pl.lit("r2"))
    table = curve_bands(pl.concat([frame, stretched]), n_replicates=60, seed=0)
    first, second = table.partition_by("run_id")
    assert first.drop("run_id").equals(second.drop("run_id"))


@pytest.mark.parametrize("labels", [[1] * 8, [0] * 8, [None] * 8, [0, 0, 0, 0, 1, 1, 1, 1]])
def test_no_rows_where_a_band_is_undefined(make_exams, labels):
    table = curve_bands(make_exams(labels, np.arange(8.0)), n_replicates=300, seed=0)
    assert table.is_empty()
    assert table.schema == CURVE_BANDS.frame([]).schema


def test_unlabelled_exams_do_not_count(make_exams):
    frame = make(make_exams)
    extra = make_exams([None, None], [9.0, -9.0], exam_id=["z1", "z2"], patient_key=["q1", "q2"])
    both = curve_bands(pl.concat([frame, extra]), n_replicates=60, seed=0)
    assert both.equals(curve_bands(frame, n_replicates=60, seed=0))
