from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from examwise.imaging.stored_exams import StoredExams
from examwise.prediction.inference import RawPredictions
from examwise.prediction.tables import exam_table

FINDINGS = ("any", "subdural")


@pytest.fixture(scope="module")
def stored(make_store, tmp_path_factory):
    return StoredExams(make_store(tmp_path_factory.mktemp("tables") / "s", n_exams=5))


def predicted(stored, temperatures):
    exam_ids = tuple(reversed(stored.exams["exam_id"].to_list()))
    sizes = dict(stored.exams.select("exam_id", "n_slices").rows())
    bag_sizes = np.array([sizes[exam_id] for exam_id in exam_ids])
    logits = np.random.default_rng(0).normal(0, 3, (5, 2))
    n_slices = int(bag_sizes.sum())
    raw = RawPredictions(
        findings=FINDINGS,
        exam_ids=exam_ids,
        bag_sizes=bag_sizes,
        exam_logits=logits,
        calibrated_logits=logits / np.array(temperatures),
        slice_logits=np.zeros((n_slices, 2)),
        attention_logits=None,
        attention_weights=None,
    )
    exams = stored.exams.with_columns(pl.lit("test").alias("split"))
    return exam_table(raw, stored, exams, run_id="r", learner="weak")


def test_calibrated_probabilities_are_those_of_divided_logits(stored):
    table = predicted(stored, [2.0, 0.5])
    for finding, temperature in zip(FINDINGS, (2.0, 0.5), strict=True):
        rows = table.filter(pl.col("finding") == finding)
        logits = rows["exam_logit"].to_numpy()
        found = rows["calibrated_probability"].to_numpy()
        assert np.allclose(found, expit(logits / temperature))
        assert (np.argsort(found) == np.argsort(rows["exam_probability"].to_numpy())).all()


def test_without_a_temperature_there_is_none(stored):
    table = predicted(stored, [np.nan, 0.5])
    missing = table.filter(pl.col("calibrated_probability").is_null())
    assert missing["finding"].to_list() == ["any"] * 5
    assert table["exam_probability"].null_count() == 0
