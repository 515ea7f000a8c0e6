import numpy as np
import polars as pl
import pytest

from examwise.core.schemas.evaluation import ROC_POINTS
from examwise.evaluation.exams import exam_metrics
from examwise.evaluation.roc_points import roc_points


def test_points_enclose_the_reported_auc(make_exams):
    draw = np.random.default_rng(0)
    labels = np.arange(80) % 2
    frame = pl.concat(
        [make_exams(labels, draw.normal(size=80) + labels, run_id=run) for run in ("r1", "r2")]
    )
    thresholds = {"r1": {"any": 0.5}, "r2": {"any": 0.5}}
    table = exam_metrics(frame, thresholds, n_replicates=50, seed=0)
    for row in table.iter_rows(named=True):
        points = roc_points(frame).filter(pl.col("run_id") == row["run_id"])
        x, y = points["false_positive_rate"], points["true_positive_rate"]
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        assert np.trapezoid(y, x) == pytest.approx(row["auc"])


def test_no_curve_where_a_class_is_absent(make_exams):
    points = roc_points(make_exams([1, 1, None], [0.0, 1.0, 2.0]))
    assert points.is_empty()
    assert points.schema == ROC_POINTS.frame([]).schema
