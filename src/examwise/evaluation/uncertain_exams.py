"""What exams that nobody could label, or that were left out, could change at best and at worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.schemas.evidence import UNCERTAIN_EXAMS
from examwise.core.schemas.store import SPLITS
from examwise.evaluation.exam_groups import ExamGroup, exam_groups
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_labels import exam_labels
from examwise.metrics.roc import roc_auc

EXCLUDED: dict[str, pl.DataType | type[pl.DataType]] = {
    "exam_id": pl.String,
    "patient_key": pl.String,
    "archive": pl.String,
    "finding": pl.String,
    "exam_label": pl.Int8,
}
"""Columns of :func:`excluded_exams`."""

_TOGETHER = " + "


class _Case(NamedTuple):
    """Labels, scores and calls of exams under one assumption."""

    name: str
    positive: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    called: npt.NDArray[np.bool_]
    patients: npt.NDArray[np.generic]


def uncertain_exams(
    exams: pl.DataFrame,
    thresholds: Mapping[str, Mapping[str, float]],
    *,
    excluded: pl.DataFrame | None,
) -> pl.DataFrame:
    """Return AUC, sensitivity and specificity without uncertain exams, at best and at worst.

    An exam predicted without a label is taken for what the run says of it at its threshold
    (``best``), or for the contrary (``worst``). One that was never predicted counts as called
    rightly and ranked beyond all others on the right side (``best``), or wrongly and on the wrong
    side (``worst``); where it has no label either it is a negative exam at best, and a positive
    one at worst. Where no exam is uncertain there is the row ``left_out`` alone.

    Args:
        exams: ``PREDICTED_EXAMS`` of one or more runs.
        thresholds: Run to finding to threshold on the exam probability.
        excluded: Exams of the tested part that were never predicted, from
            :func:`excluded_exams`; an exam that a run did predict is none of its.

    Returns:
        ``UNCERTAIN_EXAMS``.

    Raises:
        InputError: If a run has no threshold for a finding it predicts.
    """
    never = pl.DataFrame(schema=EXCLUDED) if excluded is None else excluded
    rows: list[dict[str, Any]] = []
    for group in exam_groups(exams):
        threshold = group.threshold(thresholds)
        unscored = _excluded_of(group, never)
        unlabelled = group.exams.filter(pl.col("exam_label").is_null())
        n_uncertain = unlabelled.height + unscored.height
        rows += [
            _row(group, case, n_uncertain, unscored.height)
            for case in _cases(group, unlabelled, unscored, threshold)
        ]
    return UNCERTAIN_EXAMS.frame(rows)


def excluded_exams(
    stores: Sequence[str], predicted: pl.DataFrame, *, splits: Sequence[str] = ("test",)
) -> pl.DataFrame:
    """Return exams of the tested part of stores that no prediction speaks of.

    Of a store without parts every exam is tested. Stores and archives of which no exam was
    predicted at all are left out: nobody meant to test them.

    Args:
        stores: The stores that were predicted, of one key.
        predicted: ``PREDICTED_EXAMS``, those of parts that are not evaluated among them.
        splits: Parts that are evaluated.

    Returns:
        Columns :data:`EXCLUDED`, a row for each exam and finding predicted, sorted; a label that
        the store does not know is missing.

    Raises:
        InputError: If the stores cannot be joined.
    """
    joined = JoinedStores(stores)
    tested = []
    for store in joined.stores:
        own = store.exams.select("exam_id", "patient_key", "archive")
        archives = own.join(predicted, on="exam_id", how="semi")["archive"].unique().to_list()
        own = own.filter(pl.col("archive").is_in(archives))
        if store.storage.exists(SPLITS.file):
            parts = SPLITS.read(store.storage).filter(pl.col("split").is_in(list(splits)))
            own = own.join(parts, on="exam_id", how="semi")
        tested.append(own)
    missing = pl.concat(tested).join(predicted, on="exam_id", how="anti")
    found = [
        missing.join(exam_labels(joined, finding), on="exam_id", how="left")
        .with_columns(pl.lit(finding).alias("finding"))
        .select(pl.col(name).cast(kind) for name, kind in EXCLUDED.items())
        for finding in predicted["finding"].unique().sort()
    ]
    return pl.concat([pl.DataFrame(schema=EXCLUDED), *found]).sort("exam_id", "finding")


def _excluded_of(group: ExamGroup, excluded: pl.DataFrame) -> pl.DataFrame:
    # Archives evaluated together go by their joint name.
    archives = [group.archive, *group.archive.split(_TOGETHER)]
    own = (pl.col("finding") == group.finding) & pl.col("archive").is_in(archives)
    return excluded.filter(own).join(group.exams, on="exam_id", how="anti").sort("exam_id")


def _cases(
    group: ExamGroup, unlabelled: pl.DataFrame, unscored: pl.DataFrame, threshold: float
) -> list[_Case]:
    labelled = group.labelled
    known = _Case(
        "left_out",
        labelled["exam_label"].to_numpy() == 1,
        labelled["exam_logit"].to_numpy(),
        labelled["exam_probability"].to_numpy() >= threshold,
        labelled["patient_key"].to_numpy(),
    )
    if unlabelled.is_empty() and unscored.is_empty():
        return [known]
    cases = [known]
    said = unlabelled["exam_probability"].to_numpy() >= threshold
    for name, is_best in (("best", True), ("worst", False)):
        truth = unscored["exam_label"].fill_null(0 if is_best else 1).to_numpy() == 1
        called = truth if is_best else ~truth
        cases.append(
            _Case(
                name,
                np.concatenate([known.positive, said if is_best else ~said, truth]),
                np.concatenate(
                    [
                        known.scores,
                        unlabelled["exam_logit"].to_numpy(),
                        np.where(called, np.inf, -np.inf),
                    ]
                ),
                np.concatenate([known.called, said, called]),
                np.concatenate(
                    [
                        known.patients,
                        unlabelled["patient_key"].to_numpy(),
                        unscored["patient_key"].to_numpy(),
                    ]
                ),
            )
        )
    return cases


def _row(group: ExamGroup, case: _Case, n_uncertain: int, n_without_score: int) -> dict[str, Any]:
    positive, called = case.positive, case.called
    return {
        **group.key,
        "case": case.name,
        "n_uncertain": n_uncertain,
        "n_without_score": n_without_score,
        "n_patients": len(np.unique(case.patients)),
        "n_exams": len(positive),
        "n_positive": int(positive.sum()),
        "auc": roc_auc(positive, case.scores),
        "sensitivity": float(called[positive].mean()) if positive.any() else None,
        "specificity": float((~called[~positive]).mean()) if not positive.all() else None,
    }
