import numpy as np
import polars as pl

from examwise.evaluation.budget_replicates import CurveKey, budget_replicates
from examwise.evaluation.curve_replicates import curve_replicates


def test_rows_hold_the_study_and_every_replicate(study):
    found = budget_replicates(study.runs, study.exams, finding="any", n_replicates=50, seed=0)
    table = curve_replicates(found)
    assert table.height == 2 * 5 * 51
    curve = found.curves[CurveKey("weak", "budgeted", "exam")]
    own = table.filter(learner="weak", budget=40).sort("replicate")
    assert own["auc"][0] == curve.mean_auc[2]
    np.testing.assert_array_equal(own["auc"][1:], curve.auc_replicates[:, 2])
    assert own["labels"].unique().to_list() == [40]
    np.testing.assert_array_equal(own["hours"][1:], curve.cost_replicates["hours"][:, 2])


def test_references_are_left_out_and_hours_may_be_missing(study):
    runs = study.runs.with_columns(
        pl.when(pl.col("learner") == "weak")
        .then(pl.lit("label_free"))
        .otherwise(pl.col("mode"))
        .alias("mode"),
        reader_hours=pl.lit(None, pl.Float64),
    )
    found = budget_replicates(
        runs, study.exams, finding="any", n_replicates=40, seed=0, costs_given=False
    )
    table = curve_replicates(found)
    assert table["learner"].unique().to_list() == ["strong"]
    assert table["hours"].null_count() == table.height
