"""How well slices are found, always beside what position alone gives away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from examwise.reporting.contents import SliceSection, Table
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import ESTIMATOR_WORDS, auc_with_interval, decimal, short_learner

_POSITION = "position_only"
NOT_BETTER = "does not beat it"
UNSETTLED = "higher, intervals overlap"


def slice_section(study: StudyFiles) -> SliceSection:
    """Write out slice metrics at the full budget and call out what position alone beats."""
    rows: list[tuple[str, ...]] = []
    callouts: list[str] = []
    for learner in study.learners:
        own = study.slice_metrics.filter(
            (pl.col("run_id") == study.shown_run(learner)) & (pl.col("archive") == study.archive)
        )
        found = {row["estimator"]: row for row in own.iter_rows(named=True)}
        position = found.get(_POSITION)
        for estimator, words in ESTIMATOR_WORDS.items():
            if estimator not in found:
                continue
            row = found[estimator]
            against = "" if estimator == _POSITION else against_position(row, position)
            rows.append(
                (
                    short_learner(learner),
                    words,
                    f"{row['n_slices']:,}",
                    f"{row['n_positive']:,}",
                    auc_with_interval(row["auc"], row["auc_lower"], row["auc_upper"]),
                    against or "reference",
                )
            )
        callouts += _callouts(learner, found, position)
    if not rows:
        callouts.append("No slice of the test split has a label: nothing can be said here.")
    return SliceSection(
        callouts=tuple(callouts),
        table=Table(
            id="table-slices",
            caption="Slice AUC at each learner's largest budget, first repeat",
            columns=(
                "Trained as",
                "Slices scored by",
                "Slices",
                "Positive",
                "Slice AUC [95% interval]",
                "Against position alone",
            ),
            rows=tuple(rows),
            source="evaluation/slice_metrics.parquet",
            row_headers=2,
        ),
    )


def against_position(row: Mapping[str, Any], position: Mapping[str, Any] | None) -> str:
    """Say how an estimator's slice AUC stands to that of position alone.

    Intervals that do not overlap are called better or worse; the rest is called by what it is.

    Example:
        >>> against_position({"auc": 0.7, "auc_lower": 0.6, "auc_upper": 0.8}, None)
        'no position row'
    """
    if position is None or position["auc"] is None:
        return "no position row"
    if row["auc"] is None:
        return "undefined"
    if row["auc"] <= position["auc"]:
        return NOT_BETTER
    if (
        row["auc_lower"] is None
        or position["auc_upper"] is None
        or row["auc_lower"] <= position["auc_upper"]
    ):
        return UNSETTLED
    return "better"


def _callouts(
    learner: str, found: Mapping[str, Mapping[str, Any]], position: Mapping[str, Any] | None
) -> Iterator[str]:
    if position is None:
        return
    by_verdict: dict[str, list[str]] = {}
    for estimator, row in found.items():
        if estimator != _POSITION:
            words = f"{ESTIMATOR_WORDS[estimator]} ({decimal(row['auc'])})"
            by_verdict.setdefault(against_position(row, position), []).append(words)
    alone = decimal(position["auc"])
    for verdict, said in by_verdict.items():
        names = f"{short_learner(learner)} learner: {' and '.join(said)}"
        many = len(said) > 1
        if verdict == NOT_BETTER:
            yield (
                f"{names} {'do' if many else 'does'} not find slices better than their position "
                f"in the head alone ({alone}). {'They' if many else 'It'} must not be read as "
                "pointing at the finding."
            )
        elif verdict == UNSETTLED:
            yield (
                f"{names} {'have' if many else 'has'} a higher slice AUC than position alone "
                f"({alone}), but the intervals overlap: these data do not settle it."
            )
