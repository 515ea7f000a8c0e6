import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.study import RUNS
from examwise.evaluation.budget_curve import budget_curve
from examwise.evaluation.budget_replicates import CurveKey, budget_replicates, paired_replicates
from examwise.evaluation.exams import exam_metrics

STRONG = CurveKey("strong", "budgeted", "whole_exam")
WEAK = CurveKey("weak", "budgeted", "exam")


def replicate(runs, exams, *, n_replicates=200, seed=0, **options):
    return budget_replicates(
        runs, exams, finding="any", n_replicates=n_replicates, seed=seed, **options
    )


@pytest.fixture(scope="module")
def replicates(study):
    return replicate(study.runs, study.exams)


def test_curves_hold_every_budget_once_with_its_means(study, replicates):
    curve = replicates.curves[STRONG]
    assert curve.budgets.tolist() == [50, 100, 200, 400, 800]
    assert curve.n_repeats.tolist() == [4] * 5
    assert curve.auc_replicates.shape == (200, 5)
    assert curve.mean_costs["labels"].tolist() == curve.budgets.tolist()
    assert curve.mean_costs["hours"] == pytest.approx(curve.budgets / 100)
    thresholds = {run_id: {"any": 0.5} for run_id in study.runs["run_id"]}
    table = exam_metrics(study.exams, thresholds, n_replicates=50, seed=0)
    for budget, mean in zip(curve.budgets, curve.mean_auc, strict=True):
        own = table.filter(pl.col("run_id").str.starts_with(f"strong-{budget}-"))
        assert mean == pytest.approx(own["auc"].mean())


def test_replicates_centre_on_the_means_and_scatter(replicates):
    for curve in replicates.curves.values():
        assert curve.auc_replicates.mean(axis=0) == pytest.approx(curve.mean_auc, abs=0.01)
        assert (curve.auc_replicates.std(axis=0) > 0.005).all()


def test_patients_are_shared_by_arms_and_budgets(replicates):
    strong, weak = replicates.curves[STRONG], replicates.curves[WEAK]
    joint = np.corrcoef(np.hstack([strong.auc_replicates, weak.auc_replicates]).T)
    assert joint.min() > 0.5


def test_whole_chains_of_repeats_are_drawn_together(make_exams, make_run):
    # Each repeat's AUC is the same at both budgets and in both arms, and nothing else varies.
    labels = [0] * 50 + [1] * 50
    rows, frames = [], []
    for learner in ("strong", "weak"):
        for budget in (10, 20):
            for repeat, n_wrong in enumerate((0, 10, 30)):
                row = make_run(learner, budget, repeat)
                logits = np.array(labels, float)
                logits[:n_wrong] = 2
                rows.append(row)
                frames.append(make_exams(labels, logits, run_id=row["run_id"], learner=learner))
    found = replicate(RUNS.frame(rows), pl.concat(frames))
    strong, weak = (found.curves[key].auc_replicates for key in (STRONG, WEAK))
    np.testing.assert_allclose(strong[:, 0], strong[:, 1])
    np.testing.assert_allclose(strong, weak)
    assert strong.std() > 0.03


def test_missing_repeats_leave_the_rest_usable(study):
    runs = study.runs.filter(~((pl.col("budget") == 800) & (pl.col("repeat") > 1)))
    found = replicate(runs, study.exams)
    curve = found.curves[STRONG]
    assert curve.n_repeats.tolist() == [4, 4, 4, 4, 2]
    assert not np.isnan(curve.auc_replicates).any()
    table = budget_curve(found).filter((pl.col("learner") == "strong") & (pl.col("budget") == 800))
    assert table["mean_auc"].item() > 0.7


def test_costs_vary_with_the_repeats_drawn(study):
    runs = study.runs.with_columns(
        (pl.col("reader_actions") + pl.col("repeat") * 10).cast(pl.Int32)
    )
    curve = replicate(runs, study.exams).curves[WEAK]
    # Standard error of the mean of 0, 10, 20 and 30.
    expected = np.std([0, 10, 20, 30], ddof=1) / 2
    assert curve.cost_replicates["actions"].std(axis=0) == pytest.approx(expected, rel=0.15)
    assert curve.cost_replicates["labels"].std() > 0
    assert (curve.cost_replicates["labels"] == curve.budgets).all()


def test_labels_bought_are_counted_not_the_budget(study):
    runs = study.runs.with_columns((pl.col("n_training_labels") - 3).cast(pl.Int32))
    curve = replicate(runs, study.exams).curves[WEAK]
    assert curve.mean_costs["labels"].tolist() == [7, 17, 37, 77, 157]


def test_same_seed_same_replicates(study, replicates):
    shuffled = replicate(study.runs.reverse(), study.exams.reverse())
    other = replicate(study.runs, study.exams, seed=1)
    for learner, curve in replicates.curves.items():
        again = shuffled.curves[learner].auc_replicates
        np.testing.assert_array_equal(again, curve.auc_replicates)
        assert not np.array_equal(other.curves[learner].auc_replicates, curve.auc_replicates)


def test_table_of_the_curve(replicates):
    table = budget_curve(replicates)
    assert table.select("learner", "budget").rows()[:2] == [("strong", 50), ("strong", 100)]
    assert table.height == 10
    inside = (table["auc_lower"] < table["mean_auc"]) & (table["mean_auc"] < table["auc_upper"])
    assert inside.all()


def test_without_costs_there_are_no_hours(study):
    runs = study.runs.with_columns(pl.lit(None, pl.Float64).alias("reader_hours"))
    found = replicate(runs, study.exams, costs_given=False)
    assert budget_curve(found)["mean_reader_hours"].null_count() == 10
    with pytest.raises(InputError, match="hours of learner strong"):
        replicate(runs, study.exams)


def test_a_repeat_that_comes_twice_is_refused(study):
    doubled = pl.concat([study.runs, study.runs.head(1).with_columns(run_id=pl.lit("x"))])
    with pytest.raises(
        InputError, match="one run for each learner, mode, way of drawing, budget and repeat"
    ):
        replicate(doubled, study.exams)


def test_repeats_that_share_labels_are_scaled_budget_by_budget(study):
    alone = replicate(study.runs, study.exams).curves[WEAK]
    overlaps = {(WEAK, 10): 0.4, (WEAK, 160): 0.9}
    found = replicate(study.runs, study.exams, overlaps=overlaps)
    shared = found.curves[WEAK]
    assert shared.by_repeats[:, 0].std() >= alone.by_repeats[:, 0].std()
    np.testing.assert_array_equal(shared.by_repeats[:, 1:], alone.by_repeats[:, 1:])
    np.testing.assert_array_equal(shared.by_patients, alone.by_patients)
    assert shared.is_conditional.tolist() == [False] * 4 + [True]
    assert not found.curves[STRONG].is_conditional.any()
    table = budget_curve(found)
    assert table.filter("is_conditional").select("learner", "budget").rows() == [("weak", 160)]
    assert table["between_share"].is_between(0, 1).all()


def test_a_comparison_enlarges_what_few_repeats_leave_open(replicates):
    strong, weak = replicates.curves[STRONG], replicates.curves[WEAK]
    ours, theirs = paired_replicates(strong, weak, at=2, their_at=3)
    factors = (ours - strong.by_patients)[:, 2] / strong.by_repeats[:, 2]
    factor = factors[np.isfinite(factors)]
    assert factor == pytest.approx(factor[0])
    # Patients' chance cancels, so that more of what is left lies between repeats.
    of_one = (strong.auc_replicates - strong.by_patients)[:, 2] / strong.by_repeats[:, 2]
    assert factor[0] >= np.nanmax(of_one) - 1e-9
    np.testing.assert_allclose(theirs, weak.by_patients + factor[0] * weak.by_repeats)
