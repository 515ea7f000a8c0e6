import numpy as np
import polars as pl
import pytest

from examwise.evaluation.auc_estimate import (
    analytic_interval,
    auc_with_interval,
    average_precision_with_interval,
    drawn_patients,
)
from examwise.metrics.auc_variance import auc_estimates, auc_interval


@pytest.fixture
def rows():
    draw = np.random.default_rng(0)
    labels = np.arange(80) % 2
    return pl.DataFrame(
        {
            "patient_key": [f"p{number // 2}" for number in range(80)],
            "y": labels,
            "s": draw.normal(size=80) + labels,
        }
    )


def test_size_of_chunks_changes_no_draw(monkeypatch):
    whole = drawn_patients.__wrapped__(3, "here", 17, n_replicates=40)
    monkeypatch.setattr("examwise.evaluation.auc_estimate._DRAWN_AT_ONCE", 50)
    chunked = drawn_patients.__wrapped__(3, "here", 17, n_replicates=40)
    np.testing.assert_array_equal(chunked, whole)
    assert (whole.sum(axis=1) == 17).all()
    assert not whole.flags.writeable


def test_draws_know_the_archive_and_the_seed():
    here = drawn_patients(0, "here", 9, n_replicates=20)
    assert not np.array_equal(here, drawn_patients(0, "there", 9, n_replicates=20))
    assert not np.array_equal(here, drawn_patients(1, "here", 9, n_replicates=20))


def test_the_analytic_interval_is_that_of_clustered_patients(rows):
    found = analytic_interval(rows, label="y", score="s")
    expected = auc_interval(auc_estimates(rows["y"], rows["s"], rows["patient_key"]))
    assert (found["analytic_lower"], found["analytic_upper"]) == expected
    assert found["variance"] == "obuchowski"


def test_intervals_surround_their_areas(rows):
    options = {"label": "y", "score": "s", "archive": "x", "n_replicates": 200, "seed": 0}
    for make, name in (
        (auc_with_interval, "auc"),
        (average_precision_with_interval, "average_precision"),
    ):
        found = make(rows, **options)
        assert found[f"{name}_lower"] < found[name] < found[f"{name}_upper"]
    empty = average_precision_with_interval(rows.filter(pl.col("y") == 1), **options)
    assert set(empty.values()) == {None}
