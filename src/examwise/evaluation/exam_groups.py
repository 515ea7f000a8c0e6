"""Exams of one run, archive and finding, and the columns that every table gives of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.predictions import THRESHOLDS
from examwise.metrics.clustered_share import Share, clustered_share


@dataclass(frozen=True)
class ExamGroup:
    """Exams of one run, archive and finding.

    Attributes:
        run_id: The run.
        learner: Its learner's name.
        archive: The archive.
        finding: The finding.
        exams: ``PREDICTED_EXAMS`` of these, sorted by exam, with and without a label.
    """

    run_id: str
    learner: str
    archive: str
    finding: str
    exams: pl.DataFrame

    @property
    def labelled(self) -> pl.DataFrame:
        """Those with a label."""
        return self.exams.drop_nulls("exam_label")

    @property
    def key(self) -> dict[str, str]:
        """Columns that name the group in a table."""
        return {
            "run_id": self.run_id,
            "learner": self.learner,
            "archive": self.archive,
            "finding": self.finding,
        }

    def threshold(self, thresholds: Mapping[str, Mapping[str, float]]) -> float:
        """Return the run's threshold for the finding.

        Raises:
            InputError: If there is none.
        """
        found = thresholds.get(self.run_id, {}).get(self.finding)
        if found is None:
            raise missing_threshold(self.run_id, self.finding)
        return float(found)


def missing_threshold(run_id: str, finding: str) -> InputError:
    """Return the error of a run without a threshold for a finding it predicts."""
    return InputError(
        where=f"{THRESHOLDS} of run {run_id}",
        expected=f"a threshold for {finding}",
        got="none",
        remedy="add one fitted on validation exams, or a fixed one",
    )


def exam_groups(predictions: pl.DataFrame) -> Iterator[ExamGroup]:
    """Yield the exams of each run, archive and finding, in this order.

    Args:
        predictions: ``PREDICTED_EXAMS`` of one or more runs.
    """
    groups = predictions.sort("exam_id").partition_by(
        "run_id", "archive", "finding", as_dict=True, include_key=True
    )
    for (run_id, archive, finding), exams in sorted(groups.items(), key=lambda item: item[0]):
        yield ExamGroup(run_id, exams["learner"][0], archive, finding, exams)


def counts(labelled: pl.DataFrame) -> dict[str, int]:
    """Return ``n_patients``, ``n_exams`` and ``n_positive`` of labelled exams."""
    return {
        "n_patients": labelled["patient_key"].n_unique(),
        "n_exams": labelled.height,
        "n_positive": int(labelled["exam_label"].sum()),
    }


def with_limits(name: str, share: Share) -> dict[str, float | None]:
    """Return a share's three columns.

    Example:
        >>> with_limits("a", Share(0.5, 0.2, 0.8))
        {'a': 0.5, 'a_lower': 0.2, 'a_upper': 0.8}
    """
    return {name: share.value, f"{name}_lower": share.lower, f"{name}_upper": share.upper}


def sensitivity_and_specificity(
    positive: npt.NDArray[np.bool_],
    called: npt.NDArray[np.bool_],
    patients: npt.NDArray[np.generic],
) -> dict[str, Any]:
    """Return ``sensitivity`` and ``specificity`` with their limits.

    Args:
        positive: Truth, shape (n,).
        called: Called positive, shape (n,).
        patients: Each exam's patient, shape (n,).
    """
    return {
        **with_limits("sensitivity", clustered_share(called[positive], patients[positive])),
        **with_limits("specificity", clustered_share(~called[~positive], patients[~positive])),
    }
