"""The exams that all runs of a study are judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError

_ROUNDING = 1e-6
"""Single-precision logits of equal embeddings differ by less."""


@dataclass(frozen=True)
class TestSet:
    """Labelled exams, and what every run made of them.

    Attributes:
        archive: Where they are from; of several archives their joint name.
        exam_labels: 0 or 1, shape (n_exams,).
        patient_index: Number of each exam's patient, shape (n_exams,).
        exam_logits: Run to its logits, shape (n_exams,).
        n_archives: Archives that they are from.
    """

    __test__ = False

    archive: str
    exam_labels: npt.NDArray[np.int8]
    patient_index: npt.NDArray[np.intp]
    exam_logits: Mapping[str, npt.NDArray[np.float64]]
    n_archives: int = 1

    @property
    def n_exams(self) -> int:
        """Labelled exams."""
        return len(self.exam_labels)

    @property
    def n_positive(self) -> int:
        """Positive exams."""
        return int(self.exam_labels.sum())

    @property
    def n_patients(self) -> int:
        """Patients with a labelled exam."""
        return int(self.patient_index.max()) + 1

    def n_constant(self, run_ids: Iterable[str]) -> int:
        """Return how many of these runs score all exams alike, but for rounding."""
        return sum(bool(np.ptp(self.exam_logits[run_id]) < _ROUNDING) for run_id in run_ids)


@dataclass(frozen=True)
class Unjudged:
    """Labelled exams of one class, or none at all: no AUC can come from them.

    Attributes:
        archive: Where they are from.
        n_exams: Labelled exams.
        n_positive: Positive ones.
        n_patients: Their patients.
    """

    archive: str
    n_exams: int
    n_positive: int
    n_patients: int


def unjudged(exams: pl.DataFrame, *, finding: str) -> Unjudged | None:
    """Return what there is of a test set that can judge nothing; None if both classes are there.

    Args:
        exams: ``PREDICTED_EXAMS`` of one run, of one archive.
        finding: The finding.

    Example:
        >>> rows = {"archive": "x", "finding": "any", "patient_key": ["p", "q"]}
        >>> unjudged(pl.DataFrame({**rows, "exam_label": [0, 0]}), finding="any").n_positive
        0
        >>> unjudged(pl.DataFrame({**rows, "exam_label": [0, 1]}), finding="any") is None
        True
    """
    labelled = exams.filter(pl.col("finding") == finding).drop_nulls("exam_label")
    n_positive = int(labelled["exam_label"].sum())
    if 0 < n_positive < labelled.height:
        return None
    n_patients = labelled["patient_key"].n_unique()
    return Unjudged(str(exams["archive"][0]), labelled.height, n_positive, n_patients)


def common_test_set(exams: pl.DataFrame, run_ids: Sequence[str], *, finding: str) -> TestSet:
    """Return the labelled exams that every run predicted for a finding.

    Args:
        exams: ``PREDICTED_EXAMS`` of all runs.
        run_ids: The runs.
        finding: The finding.

    Raises:
        InputError: If a run predicted none or other exams than the first, or if one class is
            absent.
    """
    labelled = exams.filter(pl.col("finding") == finding).drop_nulls("exam_label").sort("exam_id")
    by_run = labelled.partition_by("run_id", as_dict=True)
    first: pl.DataFrame | None = None
    logits: dict[str, npt.NDArray[np.float64]] = {}
    for run_id in run_ids:
        own = by_run.get((run_id,))
        if own is None:
            raise InputError(
                where=f"predictions of run {run_id}",
                expected=f"exams with a label for {finding}",
                got="none",
                remedy="predict the same labelled test set with every run",
            )
        first = own if first is None else first
        columns = ["exam_id", "patient_key", "archive", "exam_label"]
        if not own.select(columns).equals(first.select(columns)):
            raise InputError(
                where=f"predictions of run {run_id}",
                expected=f"the {first.height} labelled exams of run {first['run_id'][0]}",
                got=f"{own.height} exams, not all the same",
                remedy="predict the same labelled test set with every run",
            )
        logits[run_id] = own["exam_logit"].to_numpy()
    if first is None:
        raise InputError(where="study", expected="at least one finished run", got="none")
    archives = first["archive"].unique().sort().to_list()
    labels = first["exam_label"].to_numpy()
    if labels.min() == labels.max():
        raise InputError(
            where="predictions of the study",
            expected=f"exams with and without {finding}",
            got=f"{len(labels)} exams, all labelled {labels[0]}",
            remedy="choose a test set with both classes",
        )
    _, index = np.unique(first["patient_key"].to_numpy(), return_inverse=True)
    return TestSet(" + ".join(archives), labels, index, logits, len(archives))
