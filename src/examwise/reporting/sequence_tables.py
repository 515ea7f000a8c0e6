"""Tables of how well runs of positive slices are found, written out for a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.slice_evidence import SEQUENCE_METRICS
from examwise.reporting.contents import Table
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.slice_figures import OFFSET, own_thresholds
from examwise.reporting.words import ESTIMATOR_WORDS, share_with_interval, short

_RULES = {
    "validation": "validation",
    "even": "the even share",
    "youden_on_test": "Youden, fitted on the test exams",
    "closest_to_corner_on_test": "closest to (0, 1), fitted on the test exams",
}
_MEASURES = ("recall", "precision", "mean_f1")
_COLUMNS = ("Recall", "Precision", "Mean F1")

Row = Mapping[str, Any]


def sequence_table(
    metrics: pl.DataFrame, runs: Sequence[NamedRun], *, archive: str, table_id: str
) -> Table:
    """Write out recall, precision and F1 at each learner's own threshold and shortest run.

    Args:
        metrics: ``SEQUENCE_METRICS`` of one archive.
        runs: Those to show.
        archive: Its name.
        table_id: Unique within the page.
    """
    shown = own_thresholds(metrics).filter(pl.col("is_chosen"), offset=OFFSET)
    return Table(
        id=table_id,
        caption=f"Runs of positive slices in “{archive}” [95% interval]; a hit may miss by "
        f"{OFFSET} slice{'' if OFFSET == 1 else 's'}{_counts_words(shown)}",
        columns=(
            "Run",
            "Slices scored by",
            "Threshold",
            "Shortest run",
            "True runs hit",
            *_COLUMNS,
        ),
        rows=tuple(
            (
                name,
                ESTIMATOR_WORDS[row["estimator"]],
                f"{short(row['threshold'])}, {_RULES[row['threshold_rule']]}",
                str(row["min_length"]),
                f"{row['n_hit_runs']:,} of {row['n_true_runs']:,}",
                *_scores(row),
            )
            for name, row in _ordered(shown, runs)
        ),
        source=f"evaluation/{SEQUENCE_METRICS.file}",
        row_headers=2,
    )


def rules_table(
    metrics: pl.DataFrame, runs: Sequence[NamedRun], *, archive: str, table_id: str
) -> Table:
    """Write out the same by every rule for the threshold and every offset.

    Args:
        metrics: ``SEQUENCE_METRICS`` of one archive.
        runs: Those to show.
        archive: Its name.
        table_id: Unique within the page.
    """
    shown = metrics.filter(pl.col("is_chosen")).sort("threshold_rule", "offset")
    return Table(
        id=table_id,
        caption=f"The same in “{archive}” by every rule for the threshold, and by how many slices "
        "a hit may miss",
        columns=("Run", "Slices scored by", "Threshold", "May miss by", *_COLUMNS),
        rows=tuple(
            (
                name,
                ESTIMATOR_WORDS[row["estimator"]],
                f"{short(row['threshold'])}, {_RULES[row['threshold_rule']]}",
                str(row["offset"]),
                *_scores(row),
            )
            for name, row in _ordered(shown, runs)
        ),
        source=f"evaluation/{SEQUENCE_METRICS.file}",
        row_headers=2,
    )


def _ordered(rows: pl.DataFrame, runs: Sequence[NamedRun]) -> list[tuple[str, Row]]:
    return [
        (run.name, row)
        for run in runs
        for estimator in ESTIMATOR_WORDS
        for row in rows.filter(run_id=run.run_id, estimator=estimator).iter_rows(named=True)
    ]


def _scores(row: Row) -> tuple[str, ...]:
    return tuple(
        share_with_interval(*(row[f"{measure}{end}"] for end in ("", "_lower", "_upper")))
        for measure in _MEASURES
    )


def _counts_words(rows: pl.DataFrame) -> str:
    counts = rows.select("n_exams", "n_true_runs").unique()
    if counts.height != 1:
        return ""
    n_exams, n_runs = counts.row(0)
    return f": {n_runs:,} true runs, {n_exams:,} exams"
