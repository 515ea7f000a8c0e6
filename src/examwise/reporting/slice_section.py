"""How well slices are found, always beside what position alone gives away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from examwise.reporting.contents import SliceSection, Table
from examwise.reporting.shown_runs import full_budget_runs
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import ESTIMATOR_WORDS, auc_with_interval, decimal

_SHOWN = ("slice_probability", "attention_weight")
_POSITION = "position_only"
NOT_BETTER = "does not beat it"
UNSETTLED = "higher, intervals overlap"
_WORDS = (
    "A finding has places where it usually lies, so that the height of a slice in the head, "
    "without any image, already ranks slices. An estimator says something about the image only "
    "where it beats that."
)

Row = Mapping[str, Any]


def slice_section(study: StudyFiles) -> SliceSection:
    """Write out slice metrics at the full budget and call out what position alone beats."""
    metrics = study.slice_metrics.filter(pl.col("archive") == study.archive)
    rows: list[tuple[str, ...]] = []
    callouts: list[str] = []
    alone = None
    for run in full_budget_runs(study):
        own = metrics.filter(pl.col("run_id") == run.run_id)
        found = {row["estimator"]: row for row in own.iter_rows(named=True)}
        # Without labels there are no positions to learn from: the first arm's have to do.
        position = found.get(_POSITION, alone)
        alone = alone or position
        rows += [
            (
                run.name,
                words,
                _auc(found[estimator]),
                _auc(position) if position else "–",
                against_position(found[estimator], position),
            )
            for estimator, words in ESTIMATOR_WORDS.items()
            # The attention of a reference may be even by design, and is not what it is for.
            if estimator in found and estimator in (_SHOWN if run.is_main else _SHOWN[:1])
        ]
        if run.is_main:
            callouts += _callouts(run.name, found, position)
    if not rows:
        callouts.append("No slice of the test split has a label: nothing can be said here.")
    return SliceSection(
        words=_WORDS,
        callouts=tuple(callouts),
        table=Table(
            id="table-slices",
            caption=f"Slice AUC [95% interval] at full budgets, first repeat, test exams of "
            f"“{study.archive}”{_counts_words(metrics)}",
            columns=(
                "Arm",
                "Slices scored by",
                "Slice AUC",
                "Position alone, no image",
                "Against position",
            ),
            rows=tuple(rows),
            source="evaluation/slice_metrics.parquet",
            row_headers=2,
        ),
    )


def _auc(row: Row) -> str:
    return auc_with_interval(row["auc"], row["auc_lower"], row["auc_upper"])


def _counts_words(metrics: pl.DataFrame) -> str:
    counts = metrics.select("n_slices", "n_positive").unique()
    if counts.height != 1:
        return ""
    n_slices, n_positive = counts.row(0)
    return f": {n_slices:,} labelled slices, {n_positive:,} positive"


def against_position(row: Row, position: Row | None) -> str:
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


def _callouts(name: str, found: Mapping[str, Row], position: Row | None) -> Iterator[str]:
    if position is None:
        return
    by_verdict: dict[str, list[str]] = {}
    for estimator, row in found.items():
        if estimator != _POSITION:
            words = f"{ESTIMATOR_WORDS[estimator]} ({decimal(row['auc'])})"
            by_verdict.setdefault(against_position(row, position), []).append(words)
    alone = decimal(position["auc"])
    for verdict, said in by_verdict.items():
        names = f"{name}: {' and '.join(said)}"
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
