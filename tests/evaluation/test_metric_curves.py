import polars as pl
import pytest

from examwise.core.executors.serial import SerialExecutor
from examwise.core.progress import SilentProgress
from examwise.core.storage import Storage
from examwise.evaluation.budget_curve import budget_curve
from examwise.evaluation.budget_replicates import CurveKey, budget_replicates
from examwise.evaluation.explanations import Explanations
from examwise.evaluation.metric_curves import metric_curve_rows
from examwise.evaluation.study_sites import find_sites, judge_sites


@pytest.fixture(scope="module")
def small(make_study):
    return make_study(n_exams=60, n_repeats=3, budgets=((50, 200), (10, 40)))


@pytest.fixture(scope="module")
def site(small, tmp_path_factory):
    folder = small.write(tmp_path_factory.mktemp("study") / "s")
    sites = find_sites(Storage(folder), small.runs["run_id"].to_list())
    (found,) = judge_sites(
        sites,
        evidence_of=[],
        beside={0: None},
        splits=("test",),
        n_replicates=40,
        seed=0,
        executor=SerialExecutor(),
        progress=SilentProgress(),
    )
    return found


@pytest.fixture(scope="module")
def exam_curve(small):
    made = budget_replicates(small.runs, small.exams, finding="any", n_replicates=60, seed=0)
    return budget_curve(made)


@pytest.fixture(scope="module")
def table(site, small, exam_curve):
    return metric_curve_rows(site, small.runs, exam_curve=exam_curve, finding="any")


def test_every_metric_at_every_budget(table):
    counted = table.group_by("metric", "estimator").len().sort("metric", "estimator")
    assert counted.rows() == [
        ("exam_auc", "exam_probability", 4),
        ("sequence_f1", "attention_weight", 4),
        ("sequence_f1", "slice_probability", 4),
        ("slice_auc", "attention_weight", 4),
        ("slice_auc", "slice_probability", 4),
    ]
    assert table["archive"].unique().to_list() == ["here"]
    inside = table.drop_nulls("lower").filter(
        (pl.col("lower") < pl.col("value")) & (pl.col("value") < pl.col("upper"))
    )
    assert inside.height == table.drop_nulls("lower").height >= 12


def test_exam_values_are_those_of_the_budget_curve(table, exam_curve):
    own = table.filter(metric="exam_auc").sort("learner", "budget")
    theirs = exam_curve.sort("learner", "budget")
    assert own["value"].to_list() == theirs["mean_auc"].to_list()
    assert own["upper"].to_list() == theirs["auc_upper"].to_list()
    assert own["labels"].to_list() == [50, 200, 10, 40]
    assert own["hours"].to_list() == theirs["mean_reader_hours"].to_list()


def test_repeats_that_share_labels_widen_the_bands(site, small, exam_curve, table):
    weak = CurveKey("weak", "budgeted", "exam")
    shared = {(weak, 10): 0.45, (weak, 40): 0.8}
    wide = metric_curve_rows(
        site, small.runs, exam_curve=exam_curve, finding="any", overlaps=shared
    )
    query = {"learner": "weak", "metric": "slice_auc", "estimator": "slice_probability"}

    def widths(frame):
        return frame.filter(**query).sort("budget").select(pl.col("upper") - pl.col("lower"))

    before, after = (widths(frame)["upper"].to_list() for frame in (table, wide))
    assert after[0] >= before[0]
    assert after[1] == before[1]
    flagged = wide.filter("is_conditional", pl.col("metric") != "exam_auc")
    assert flagged.select("learner", "budget").unique().rows() == [("weak", 40)]


def test_maps_are_followed_where_runs_were_explained(site, small, exam_curve, make_saliency_scores):
    rows = [
        {
            "run_id": f"weak-10-{repeat}",
            "patient_key": f"p{n:04d}",
            "pixel_f1": 0.1 * n + 0.1 * repeat,
        }
        for repeat in range(2)
        for n in range(4)
    ]
    found = metric_curve_rows(
        site,
        small.runs,
        exam_curve=exam_curve,
        finding="any",
        explanations=Explanations(scores=make_saliency_scores(*rows)),
        costs_given=False,
    )
    (row,) = found.filter(metric="saliency_f1").to_dicts()
    assert (row["learner"], row["budget"], row["n_repeats"]) == ("weak", 10, 2)
    assert row["value"] == pytest.approx(0.2)
    assert row["hours"] is None


def test_an_archive_without_a_label_has_no_rows(site, small, exam_curve):
    found = metric_curve_rows(site, small.runs, exam_curve=exam_curve, finding="other")
    assert found.is_empty()
