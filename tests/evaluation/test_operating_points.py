import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.evidence import OPERATING_POINTS
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.operating_points import operating_points
from examwise.metrics.clustered_share import clustered_share
from examwise.metrics.thresholds import closest_to_corner_threshold, youden_threshold

RULES = {"youden": 0.5, "closest_to_corner": 0.6, "sensitivity_0.9": 0.3, "sensitivity_0.8": 0.4}


@pytest.fixture
def exams(make_exams):
    draw = np.random.default_rng(0)
    labels = np.arange(80) % 2
    return make_exams(
        [None, *labels.tolist()],
        [0.0, *(draw.normal(size=80) + labels)],
        patient_key=[f"p{i // 2:04d}" for i in range(81)],
    )


def test_a_row_for_every_rule(exams):
    fitted = FittedThreshold(0.5, "validation", RULES)
    table = operating_points(exams, {"r1": {"any": fitted}})
    assert table.equals(OPERATING_POINTS.frame(table.to_dicts()))
    rows = {row["rule"]: row for row in table.iter_rows(named=True)}
    assert list(rows) == [
        "run",
        "youden",
        "closest_to_corner",
        "sensitivity",
        "youden_on_test",
        "closest_to_corner_on_test",
    ]
    assert [row["fitted_on"] for row in rows.values()] == ["validation"] * 4 + ["test"] * 2
    assert (rows["sensitivity"]["wanted_sensitivity"], rows["sensitivity"]["threshold"]) == (
        0.9, 0.3
    )  # fmt: skip
    known = exams.drop_nulls("exam_label")
    labels, probabilities = known["exam_label"].to_numpy(), known["exam_probability"].to_numpy()
    assert rows["youden_on_test"]["threshold"] == youden_threshold(labels, probabilities)
    assert rows["closest_to_corner_on_test"]["threshold"] == closest_to_corner_threshold(
        labels, probabilities
    )
    run = rows["run"]
    assert (run["n_exams"], run["n_positive"], run["n_patients"]) == (80, 40, 41)
    called = probabilities >= 0.5
    share = clustered_share(labels[called] == 1, known["patient_key"].to_numpy()[called])
    assert run["positive_predictive_value"] == pytest.approx(labels[called].mean())
    assert run["positive_predictive_value_lower"] == pytest.approx(share.lower)
    assert run["sensitivity"] == pytest.approx(called[labels == 1].mean())
    assert run["specificity"] == pytest.approx((~called[labels == 0]).mean())
    odds = run["sensitivity"] * 0.05 / ((1 - run["specificity"]) * 0.95)
    assert run["ppv_at_05"] == pytest.approx(odds / (1 + odds))


def test_one_class_leaves_cells_empty_and_fits_nothing_on_test(make_exams):
    exams = make_exams([0, 0, None], [0.0, 1.0, 2.0])
    table = operating_points(exams, {"r1": {"any": FittedThreshold(0.5, "fixed")}})
    assert table["rule"].to_list() == ["run"]
    row = table.row(0, named=True)
    assert row["fitted_on"] == "fixed"
    assert row["sensitivity"] is None
    assert row["specificity"] == 0
    assert row["ppv_at_10"] is None
    none = operating_points(
        make_exams([None], [0.0]), {"r1": {"any": FittedThreshold(0.5, "mean of 2 models")}}
    ).row(0, named=True)
    assert (none["n_exams"], none["specificity"], none["fitted_on"]) == (0, None, "mean of models")


def test_several_runs_and_archives_keep_their_thresholds(make_exams):
    one = make_exams([0, 1], [0.0, 2.0], archive=["b", "a"])
    two = make_exams([0, 1], [0.0, 2.0], run_id="r2")
    fitted = {
        "r1": {"any": FittedThreshold(0.4, "fixed")},
        "r2": {"any": FittedThreshold(0.7, "fixed")},
    }
    table = operating_points(pl.concat([two, one]), fitted).filter(pl.col("rule") == "run")
    assert table.select("run_id", "archive", "threshold").rows() == [
        ("r1", "a", 0.4),
        ("r1", "b", 0.4),
        ("r2", "here", 0.7),
    ]
    with pytest.raises(InputError, match="run r2: expected a threshold for any"):
        operating_points(two, {"r1": fitted["r1"]})
