"""ROC curves of exams, as points to draw."""

from __future__ import annotations

import polars as pl

from examwise.core.schemas.evaluation import ROC_POINTS
from examwise.metrics.roc import roc_curve


def roc_points(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return the corners of every exam-level ROC curve, by run, archive and finding.

    Exams are ranked by ``exam_logit``; those without a label don't count. A group in which one
    class is absent has no curve and no rows.

    Args:
        predictions: ``PREDICTED_EXAMS`` of one or more runs.

    Returns:
        ``ROC_POINTS``, each curve from (0, 0) to (1, 1).
    """
    labelled = predictions.drop_nulls("exam_label").sort("exam_id")
    groups = labelled.partition_by("run_id", "archive", "finding", as_dict=True, include_key=True)
    frames = [ROC_POINTS.frame([])]
    for (run_id, archive, finding), group in sorted(groups.items(), key=lambda item: item[0]):
        curve = roc_curve(
            group["exam_label"].to_numpy(), group["exam_logit"].to_numpy(), corners_only=True
        )
        if curve is None:
            continue
        points = pl.DataFrame(
            {
                "false_positive_rate": curve.false_positive_rate,
                "true_positive_rate": curve.true_positive_rate,
            }
        )
        names = {
            "run_id": run_id,
            "learner": group["learner"][0],
            "archive": archive,
            "finding": finding,
        }
        named = points.with_columns(pl.lit(value).alias(name) for name, value in names.items())
        frames.append(ROC_POINTS.validate(named))
    return pl.concat(frames)
