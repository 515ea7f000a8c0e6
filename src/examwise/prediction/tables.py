"""A model's raw output as the tables of a predictions directory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit

from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.prediction.inference import RawPredictions


def exam_table(
    raw: RawPredictions, stored: ExamSource, exams: pl.DataFrame, *, run_id: str, learner: str
) -> pl.DataFrame:
    """Return a row for each exam and finding, with the truth where the store knows it.

    A calibrated probability is sigmoid(logit / temperature), of each model's own temperature; there
    is none without one.

    Args:
        raw: What the model says.
        stored: The exam store, or several together.
        exams: Its exams that were predicted, with the column ``split``.
        run_id: The run that predicted.
        learner: Its learner's name.

    Returns:
        A table of :data:`~examwise.core.schemas.predictions.PREDICTED_EXAMS`.
    """
    about = exams.select("exam_id", "patient_key", "archive", "split")
    tables = []
    for column, finding in enumerate(raw.findings):
        logits = raw.exam_logits[:, column]
        predicted = pl.DataFrame(
            {
                "exam_id": list(raw.exam_ids),
                "exam_logit": logits,
                "exam_probability": expit(logits),
                "calibrated_probability": expit(raw.calibrated_logits[:, column]),
            }
        )
        tables.append(
            predicted.with_columns(pl.col("calibrated_probability").fill_nan(None))
            .join(about, on="exam_id")
            .join(exam_labels(stored, finding), on="exam_id", how="left")
            .with_columns(
                pl.lit(run_id).alias("run_id"),
                pl.lit(learner).alias("learner"),
                pl.lit(finding).alias("finding"),
            )
            .sort("exam_id")
        )
    return PREDICTED_EXAMS.validate(pl.concat(tables).select(PREDICTED_EXAMS.names))


def slice_table(raw: RawPredictions, stored: ExamSource, *, run_id: str) -> pl.DataFrame:
    """Return a row for each exam, finding and slice, with the truth where the store knows it.

    Args:
        raw: What the model says.
        stored: The exam store, or several together.
        run_id: The run that predicted.

    Returns:
        A table of :data:`~examwise.core.schemas.predictions.PREDICTED_SLICES`.
    """
    names = pl.Series("exam_id", raw.exam_ids, dtype=pl.String)
    bag = np.repeat(np.arange(len(raw.exam_ids)), raw.bag_sizes)
    first = np.cumsum(raw.bag_sizes) - raw.bag_sizes
    common = pl.DataFrame(
        {
            "exam_id": names.gather(bag),
            "slice_index": (np.arange(len(bag)) - first[bag]).astype(np.int32),
            "attention_logit": _optional(raw.attention_logits, len(bag)),
            "attention_weight": _optional(raw.attention_weights, len(bag)).clip(0, 1),
        }
    ).join(
        stored.slices.select("exam_id", "slice_index", "relative_position"),
        on=["exam_id", "slice_index"],
        how="left",
        maintain_order="left",
    )
    tables = []
    for column, finding in enumerate(raw.findings):
        logits = raw.slice_logits[:, column]
        tables.append(
            common.with_columns(
                pl.Series("slice_logit", logits),
                pl.Series("slice_probability", expit(logits)),
                pl.lit(run_id).alias("run_id"),
                pl.lit(finding).alias("finding"),
            )
            .join(slice_labels(stored, finding), on=["exam_id", "slice_index"], how="left")
            .sort("exam_id", "slice_index")
        )
    return PREDICTED_SLICES.validate(pl.concat(tables).select(PREDICTED_SLICES.names))


def _optional(values: npt.NDArray[np.float64] | None, n: int) -> pl.Series:
    if values is None:
        return pl.Series([None] * n, dtype=pl.Float64)
    return pl.Series(values, dtype=pl.Float64)
