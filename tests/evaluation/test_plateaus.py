import numpy as np
import polars as pl
import pytest

from examwise.evaluation.budget_replicates import budget_replicates
from examwise.evaluation.plateaus import plateaus


@pytest.fixture(scope="module")
def replicates(study):
    return budget_replicates(study.runs, study.exams, finding="any", n_replicates=200, seed=0)


def row_of(table, learner="strong"):
    return table.filter(learner=learner).row(0, named=True)


def test_gain_is_that_of_the_last_doubling(replicates):
    row = row_of(plateaus(replicates, margin=0.05))
    curve = next(one for key, one in replicates.curves.items() if key.learner == "strong")
    gains = curve.auc_replicates[:, -1] - curve.auc_replicates[:, -2]
    assert (row["budget"], row["from_labels"]) == (800, 400)
    assert row["gain"] == pytest.approx(curve.mean_auc[-1] - curve.mean_auc[-2])
    assert row["gain_upper"] == pytest.approx(row["gain"] + 1.95996 * gains.std(ddof=1), rel=1e-4)


def test_a_margin_decides(replicates):
    assert not row_of(plateaus(replicates))["is_reached"]
    assert not row_of(plateaus(replicates, margin=0.01))["is_reached"]
    assert row_of(plateaus(replicates, margin=0.2))["is_reached"]


def test_a_falling_curve_is_flat_and_its_gain_negative(study):
    # The largest budget's runs and those before it change places.
    swapped = study.runs.with_columns(pl.col("budget").replace({400: 800, 800: 400})).with_columns(
        n_training_labels=pl.col("budget")
    )
    found = budget_replicates(swapped, study.exams, finding="any", n_replicates=100, seed=0)
    row = row_of(plateaus(found, margin=0.02))
    assert row["gain"] < 0
    assert row["is_reached"]


def test_without_half_the_largest_budget_nothing_is_seen(study):
    once = study.runs.filter(pl.col("budget").is_in([160, 800]))
    found = budget_replicates(once, study.exams, finding="any", n_replicates=50, seed=0)
    row = row_of(plateaus(found, margin=0.4))
    assert (row["gain"], row["gain_upper"], row["is_reached"]) == (None, None, False)


def test_references_have_no_plateau(study):
    free = study.runs.with_columns(mode=pl.lit("label_free"))
    found = budget_replicates(free, study.exams, finding="any", n_replicates=40, seed=0)
    assert plateaus(found, margin=0.1).is_empty()


def test_between_budgets_the_curve_is_read_in_the_logarithm(study):
    kept = study.runs.filter(pl.col("budget").is_in([100, 800, 10, 160]))
    found = budget_replicates(kept, study.exams, finding="any", n_replicates=50, seed=0)
    curve = next(one for key, one in found.curves.items() if key.learner == "strong")
    half = np.interp(np.log(400), np.log([100, 800]), curve.mean_auc)
    assert row_of(plateaus(found))["gain"] == pytest.approx(curve.mean_auc[-1] - half)
