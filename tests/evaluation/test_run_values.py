import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from examwise.evaluation.reading import read_runs
from examwise.evaluation.run_values import saliency_values, slice_values
from examwise.evaluation.sequences import sequence_metrics
from examwise.evaluation.slices import slice_metrics


@pytest.fixture(scope="module")
def exams(make_exams):
    labels = np.arange(60) % 2
    logits = np.random.default_rng(0).normal(size=60) + 1.5 * labels
    return make_exams(labels, logits, patient_key=[f"p{i // 2:02d}" for i in range(60)])


@pytest.fixture(scope="module")
def run(exams, make_predictions, tmp_path_factory):
    folder = make_predictions(tmp_path_factory.mktemp("predictions"), exams)
    return read_runs([folder], splits=("test",))[0]


def test_values_are_those_of_the_tables(run, exams):
    found = {(one.metric, one.estimator): one for one in slice_values(run, exams, finding="any")}
    assert len(found) == 4
    slices = run.read_slices()
    aucs = slice_metrics(slices, exams, {}).filter(within="positive_exams")
    runs = sequence_metrics(slices, exams, {}, {run.run_id: run.fitted}).filter(
        pl.col("is_chosen"),
        pl.col("threshold_rule").is_in(["validation", "even"]),
        offset=1,
    )
    for estimator in ("slice_probability", "attention_weight"):
        auc = aucs.filter(estimator=estimator).row(0, named=True)
        own = found["slice_auc", estimator]
        assert own.value == pytest.approx(auc["auc"])
        # Obuchowski's limits are of the sum of squares, but for factors n / (n - 1).
        logit = np.log(auc["auc_upper"] / (1 - auc["auc_upper"]))
        logit -= np.log(auc["auc_lower"] / (1 - auc["auc_lower"]))
        error = logit / 2 / 1.95996 * auc["auc"] * (1 - auc["auc"])
        assert np.sqrt((own.influence**2).sum()) == pytest.approx(error, rel=0.03)
        assert own.influence.sum() == pytest.approx(0, abs=1e-12)
        f1 = runs.filter(estimator=estimator).row(0, named=True)
        own = found["sequence_f1", estimator]
        assert own.value == pytest.approx(f1["mean_f1"])
        half = (f1["mean_f1_upper"] - f1["mean_f1_lower"]) / 2 / 1.95996
        assert np.sqrt((own.influence**2).sum() * 30 / 29) == pytest.approx(half, rel=0.02)


def test_slice_auc_is_within_positive_exams(run, exams):
    positive = exams.filter(pl.col("exam_label") == 1)
    slices = run.read_slices().join(positive, on="exam_id", how="semi")
    expected = roc_auc_score(slices["slice_label"], slices["slice_logit"])
    found = next(one for one in slice_values(run, exams, finding="any"))
    assert (found.metric, found.estimator) == ("slice_auc", "slice_probability")
    assert found.value == pytest.approx(expected)


def test_another_finding_has_no_values(run, exams):
    assert slice_values(run, exams.filter(pl.lit(False)), finding="other") == []


def test_saliency_is_the_mean_over_slices_of_trained_maps(make_saliency_scores):
    table = make_saliency_scores(
        {"pixel_f1": 0.2},
        {"pixel_f1": 0.6, "patient_key": "p2"},
        {"pixel_f1": 0.4, "patient_key": "p2"},
        {"pixel_f1": 1.0, "is_randomised": True},
        {"pixel_f1": 1.0, "truth": "masks"},
        {"pixel_f1": None},
        {"pixel_f1": 1.0, "method": "something_else"},
    )
    found = saliency_values(table, finding="any", patients=["p0", "p1", "p2"])
    (value,) = found["r1"]
    assert (value.metric, value.estimator) == ("saliency_f1", "gradcam")
    assert value.value == pytest.approx(0.4)
    assert value.influence == pytest.approx([-0.2 / 3, 0, 0.2 / 3])


def test_nothing_explained_leaves_nothing(make_saliency_scores):
    nothing, one = make_saliency_scores(), make_saliency_scores({})
    assert saliency_values(nothing, finding="any", patients=["p0"]) == {}
    assert saliency_values(one, finding="other", patients=["p0"]) == {}
