"""Where along the head the training exams are positive: the baseline that knows nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import slice_labels
from examwise.metrics.position import position_histogram


def training_position_histograms(
    stored: ExamSource, exam_ids: Sequence[str], findings: Sequence[str]
) -> dict[str, dict[str, Any] | None]:
    """Return each finding's positive fraction by relative position.

    Takes every slice label that the store has of these exams, whether a learner bought it or
    not: it serves to judge slice scores by, never to train.

    Args:
        stored: The exam store, or several together.
        exam_ids: The exams trained on.
        findings: Which findings.

    Returns:
        Finding to a histogram's plain values, or None where no slice is labelled.
    """
    exams = pl.DataFrame({"exam_id": list(exam_ids)}, schema={"exam_id": pl.String})
    slices = stored.slices.select("exam_id", "slice_index", "relative_position")
    slices = slices.join(exams, on="exam_id", how="semi")
    histograms: dict[str, dict[str, Any] | None] = {}
    for finding in findings:
        labelled = slices.join(slice_labels(stored, finding), on=["exam_id", "slice_index"])
        histogram = position_histogram(
            labelled["relative_position"].to_numpy(), labelled["slice_label"].to_numpy()
        )
        histograms[finding] = histogram.to_dict() if histogram else None
    return histograms
