"""Plain poolings beside what a run says."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from examwise.core.schemas.predictions import PREDICTED_SLICES
from examwise.evaluation.pooled_slices import pooled_slices


def _slices(exams, *, shift):
    draw = np.random.default_rng(3)
    rows = []
    for exam in exams.iter_rows(named=True):
        for index, logit in enumerate(draw.normal(size=5) + shift * (exam["exam_label"] or 0)):
            rows.append(
                {
                    "exam_id": exam["exam_id"],
                    "run_id": exam["run_id"],
                    "finding": exam["finding"],
                    "slice_index": index,
                    "relative_position": index / 4,
                    "slice_logit": float(logit),
                    "slice_probability": float(1 / (1 + np.exp(-logit))),
                    "attention_logit": None,
                    "attention_weight": None,
                    "slice_label": None,
                }
            )
    return PREDICTED_SLICES.frame(rows)


@pytest.fixture
def exams(make_exams):
    labels = np.arange(60) % 2
    return make_exams(labels, np.random.default_rng(1).normal(size=60) + labels)


def test_aucs_are_those_of_pooled_logits(exams):
    slices = _slices(exams, shift=1.0)
    table = pooled_slices(slices, exams)
    assert table["pooling"].to_list() == ["mean", "max"]
    for row in table.iter_rows(named=True):
        pooled = slices.group_by("exam_id").agg(
            getattr(pl.col("slice_logit"), row["pooling"])().alias("score")
        )
        joined = exams.join(pooled, on="exam_id")
        assert row["auc"] == pytest.approx(roc_auc_score(joined["exam_label"], joined["score"]))
        own = roc_auc_score(exams["exam_label"], exams["exam_logit"])
        assert row["own_auc"] == pytest.approx(own)
        assert row["difference"] == pytest.approx(own - row["auc"])
        assert row["lower"] < row["difference"] < row["upper"]
        assert row["auc_lower"] < row["auc"] < row["auc_upper"]


def test_one_class_has_no_area(exams):
    negative = exams.filter(pl.col("exam_label") == 0)
    table = pooled_slices(_slices(negative, shift=0.0), negative)
    assert table.height == 2
    assert table["auc"].null_count() == table["difference"].null_count() == 2


def test_exams_without_a_label_or_a_slice_do_not_count(exams):
    slices = _slices(exams, shift=1.0).filter(pl.col("exam_id") != exams["exam_id"][0])
    unsure = exams.with_columns(
        pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise("exam_label").alias("exam_label")
    ).cast({"exam_label": pl.Int8})
    assert pooled_slices(slices, unsure)["n_exams"].to_list() == [58, 58]
