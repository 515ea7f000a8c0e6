"""Curves of predictions, as tables: ROC, precision-recall, calibration, one for each finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.metrics.precision_recall import precision_recall_curve
from examwise.metrics.reliability import reliability_curve
from examwise.metrics.roc import roc_auc, roc_curve

_Values = dict[str, npt.NDArray]


def exam_curves(exams: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the curves of predicted exams, those of one class for a finding left out.

    Args:
        exams: Rows of ``PREDICTED_EXAMS``; those without a label are left out.

    Returns:
        Name of a curve (:data:`examwise.core.tracking.CURVES`) to its table, with a column
        ``finding``; only curves of which there is a point.
    """
    makers: dict[str, Callable[[npt.NDArray, npt.NDArray], _Values | None]] = {
        "roc": _roc,
        "precision_recall": _precision_recall,
        "calibration": _calibration,
    }
    tables = {}
    for name, make in makers.items():
        parts = [
            pl.DataFrame({"finding": [finding] * len(next(iter(values.values()))), **values})
            for finding, labels, probabilities in _labelled(exams)
            if (values := make(labels, probabilities)) is not None
        ]
        if parts:
            tables[name] = pl.concat(parts)
    return tables


def exam_metrics(exams: pl.DataFrame) -> dict[str, float]:
    """Return ``FINDING/exam_auc``, ``…/average_precision`` and ``…/expected_calibration_error``.

    Args:
        exams: As for :func:`exam_curves`.

    Example:
        >>> frame = pl.DataFrame({"finding": ["any"] * 2, "exam_label": [0, 1],
        ...                       "exam_probability": [0.2, 0.9],
        ...                       "calibrated_probability": [None, None]})
        >>> sorted(exam_metrics(frame))
        ['any/average_precision', 'any/exam_auc', 'any/expected_calibration_error']
    """
    found = {}
    for finding, labels, probabilities in _labelled(exams):
        if (auc := roc_auc(labels, probabilities)) is not None:
            found[f"{finding}/exam_auc"] = auc
        if (curve := precision_recall_curve(labels, probabilities)) is not None:
            found[f"{finding}/average_precision"] = curve.average_precision
        if (bins := reliability_curve(labels, probabilities)) is not None:
            found[f"{finding}/expected_calibration_error"] = bins.expected_calibration_error
    return found


def _labelled(exams: pl.DataFrame) -> Iterator[tuple[str, npt.NDArray, npt.NDArray]]:
    """Yield finding, labels and probabilities: calibrated ones where all are."""
    labelled = exams.filter(pl.col("exam_label").is_not_null())
    for (finding,), rows in labelled.group_by("finding", maintain_order=True):
        is_calibrated = not rows["calibrated_probability"].null_count()
        column = "calibrated_probability" if is_calibrated else "exam_probability"
        yield str(finding), rows["exam_label"].to_numpy(), rows[column].to_numpy()


def _roc(labels: npt.NDArray, probabilities: npt.NDArray) -> _Values | None:
    curve = roc_curve(labels, probabilities, corners_only=True)
    if curve is None:
        return None
    return {
        "false_positive_rate": curve.false_positive_rate,
        "true_positive_rate": curve.true_positive_rate,
    }


def _precision_recall(labels: npt.NDArray, probabilities: npt.NDArray) -> _Values | None:
    curve = precision_recall_curve(labels, probabilities)
    if curve is None:
        return None
    return {"recall": curve.recall, "precision": curve.precision}


def _calibration(labels: npt.NDArray, probabilities: npt.NDArray) -> _Values | None:
    bins = reliability_curve(labels, probabilities)
    if bins is None:
        return None
    return {
        "mean_probability": bins.mean_probability,
        "positive_fraction": bins.positive_fraction,
        "n_exams": bins.n_items.astype(np.int64),
    }
