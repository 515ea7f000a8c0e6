import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from examwise.core.schemas.evidence import CALIBRATION, CALIBRATION_POINTS
from examwise.evaluation.auc_estimate import drawn_patients
from examwise.evaluation.calibration import calibration, calibration_points
from examwise.metrics.calibration import brier_score
from examwise.metrics.reliability import reliability_curve


@pytest.fixture
def exams(make_exams):
    draw = np.random.default_rng(0)
    logits = draw.normal(0, 2, 200)
    labels = (draw.random(200) < expit(logits)).astype(int)
    return make_exams(
        labels,
        2 * logits,
        calibrated_probability=expit(logits),
        patient_key=[f"p{i // 2:04d}" for i in range(200)],
    )


def test_raw_and_calibrated_probabilities_are_judged_apart(exams):
    table = calibration(exams, n_replicates=200, seed=0)
    assert table.equals(CALIBRATION.frame(table.to_dicts()))
    raw, calibrated = table.iter_rows(named=True)
    assert (raw["probability"], calibrated["probability"]) == ("raw", "calibrated")
    # Twice the true logits: too certain by a factor of two.
    assert raw["slope_lower"] < 0.5 < raw["slope_upper"] < 1
    assert calibrated["slope_lower"] < 1 < calibrated["slope_upper"]
    assert calibrated["slope"] == pytest.approx(2 * raw["slope"], rel=1e-6)
    assert calibrated["brier"] < raw["brier"] < raw["brier_of_prevalence"]
    assert calibrated["brier_lower"] < calibrated["brier"] < calibrated["brier_upper"]
    assert (raw["n_patients"], raw["n_exams"]) == (100, 200)


def test_replicates_are_those_of_resampled_exams(exams):
    table = calibration(exams, n_replicates=40, seed=3)
    draws = drawn_patients(3, "here", 100, n_replicates=40)
    labels = exams["exam_label"].to_numpy()
    probabilities = exams["exam_probability"].to_numpy()
    patients = np.arange(200) // 2
    briers, errors = [], []
    for drawn in draws:
        items = np.repeat(np.arange(200), drawn[patients])
        briers.append(brier_score(labels[items], probabilities[items]))
        curve = reliability_curve(labels[items], probabilities[items])
        errors.append(curve.expected_calibration_error)
    row = table.row(0, named=True)
    for name, values in (("brier", briers), ("expected_calibration_error", errors)):
        limits = [row[f"{name}_lower"], row[f"{name}_upper"]]
        assert limits == pytest.approx(np.quantile(values, [0.025, 0.975]))


def test_points_are_those_of_the_reliability_curve(exams):
    table = calibration_points(exams)
    assert table.equals(CALIBRATION_POINTS.frame(table.to_dicts()))
    raw = table.filter(pl.col("probability") == "raw")
    curve = reliability_curve(exams["exam_label"].to_numpy(), exams["exam_probability"].to_numpy())
    assert raw["mean_probability"].to_list() == pytest.approx(curve.mean_probability)
    assert raw["positive_fraction"].to_list() == pytest.approx(curve.positive_fraction)
    assert raw["n_exams"].to_list() == curve.n_items.tolist()
    assert (raw["positive_fraction_lower"] <= raw["positive_fraction"]).all()
    assert (raw["positive_fraction_upper"] >= raw["positive_fraction"]).all()


def test_degenerate_exams_leave_cells_empty(make_exams):
    assert calibration(make_exams([None], [0.0]), n_replicates=5, seed=0).is_empty()
    assert calibration_points(make_exams([None], [0.0])).is_empty()
    one_class = calibration(make_exams([1, 1], [0.0, 1.0]), n_replicates=5, seed=0)
    row = one_class.row(0, named=True)
    assert (row["slope"], row["intercept"], row["brier_of_prevalence"]) == (None, None, 0)
    assert row["brier"] == pytest.approx(np.mean((1 - expit([0.0, 1.0])) ** 2))
    constant = calibration(make_exams([0, 1] * 4, [0.0] * 8), n_replicates=20, seed=0)
    row = constant.row(0, named=True)
    assert (row["slope"], row["intercept"]) == (None, pytest.approx(0, abs=1e-9))
    assert (row["brier"], row["brier_lower"]) == (0.25, None)


def test_probabilities_of_0_and_1_are_no_trouble(make_exams):
    logits = [-500.0, -1.0, 0.0, 1.0, 2.0, 500.0]
    table = calibration(make_exams([0, 1, 0, 1, 0, 1], logits), n_replicates=20, seed=0)
    assert np.isfinite(table["slope"][0])


def test_exams_without_a_calibrated_probability_are_left_out_of_its_row(make_exams):
    exams = make_exams([0, 1, 0], [0.0, 1.0, 2.0], calibrated_probability=[0.2, None, 0.3])
    table = calibration(exams, n_replicates=5, seed=0)
    assert table.select("probability", "n_exams").rows() == [("raw", 3), ("calibrated", 2)]
