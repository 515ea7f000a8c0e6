"""How well slices are found, always beside what position alone gives away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.evaluation import SLICE_METRICS, WITHIN
from examwise.core.schemas.slice_evidence import POSITION_VERDICTS, SEQUENCE_METRICS
from examwise.evaluation.position_verdicts import position_sentence
from examwise.reporting.contents import Figure, SlicePart, SliceSection, Table
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.sequence_tables import rules_table, sequence_table
from examwise.reporting.shown_runs import (
    ShownRun,
    full_budget_runs,
    named_main_runs,
    named_runs_words,
)
from examwise.reporting.slice_figures import (
    POSITION,
    SEQUENCE_MEASURES,
    draw_froc,
    draw_run_lengths,
    draw_sequences,
)
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import (
    ESTIMATOR_WORDS,
    auc_with_interval,
    signed,
    signed_interval,
)

_OF_REFERENCES = ("slice_probability",)
"""The attention of a reference may be even by design, and is not what it is for."""
_WORDS = (
    "A finding has places where it usually lies, so that the height of a slice in the head, "
    "without any image, already ranks slices. An estimator says something about the image only "
    "where it beats that."
)
_MORE_WORDS = (
    "Within positive exams the question is which of their slices show the finding, and no exam is "
    "told from another. A run is a stretch of neighbouring positive slices; a predicted run hits a "
    "true one where its slice with the highest score lies within it, or misses it by no more than "
    "is said below."
)

Row = Mapping[str, Any]


def slice_section(study: StudyFiles) -> SliceSection:
    """Write out slice detection, archive by archive, and call out what position alone beats."""
    runs, main = full_budget_runs(study), named_main_runs(study)
    archives = [answer.archive for answer in study.answer.archives]
    parts = [_part(study, runs, main, archive, number) for number, archive in enumerate(archives)]
    has_sequences = any(part.figures for part in parts)
    return SliceSection(
        paragraphs=(_WORDS, f"{_MORE_WORDS} {named_runs_words(main)}")
        if has_sequences
        else (_WORDS,),
        parts=tuple(part for number, part in enumerate(parts) if part.tables or not number),
    )


def _part(
    study: StudyFiles,
    shown: Sequence[ShownRun],
    main: Sequence[NamedRun],
    archive: str,
    number: int,
) -> SlicePart:
    metrics = study.slice_metrics.filter(archive=archive)
    verdicts = study.tables.read(POSITION_VERDICTS).filter(archive=archive)
    sequences = study.tables.read(SEQUENCE_METRICS).filter(archive=archive)
    table = _auc_table(metrics, verdicts, shown, archive=archive, number=number)
    tables = [table] if table.rows else []
    first = {run.run_id for run in main}
    callouts = [
        said
        for run in sorted(
            (run for run in shown if run.is_main), key=lambda run: run.run_id not in first
        )
        for row in verdicts.filter(run_id=run.run_id).iter_rows(named=True)
        if (said := position_sentence(row, name=run.name)) is not None
    ]
    if not tables:
        callouts.append("No slice of the test exams has a label: nothing can be said here.")
    found = sequence_table(sequences, main, archive=archive, table_id=f"table-sequences-{number}")
    rules = rules_table(sequences, main, archive=archive, table_id=f"table-sequence-rules-{number}")
    return SlicePart(
        id=f"slices-{number}",
        title=f"In “{archive}”{', outside' if number else ''}",
        callouts=tuple(callouts),
        tables=(*tables, *([found] if found.rows else [])),
        figures=_figures(study, main, archive, number),
        folded=(rules,) if len(rules.rows) > len(found.rows) else (),
    )


def _figures(
    study: StudyFiles, runs: Sequence[NamedRun], archive: str, number: int
) -> tuple[Figure, ...]:
    about: dict[str, str] = {"archive": archive, "finding": study.finding}
    drawn = {
        **{
            measure.replace("_", "-"): draw_sequences(study.tables, runs, measure=measure, **about)
            for measure in SEQUENCE_MEASURES
        },
        "run-lengths": draw_run_lengths(study.tables, runs, **about),
        "froc": draw_froc(study.tables, runs, **about),
    }
    return tuple(
        drawing.on_page(f"figure-{name}-{number}")
        for name, drawing in drawn.items()
        if drawing is not None
    )


def _auc_table(
    metrics: pl.DataFrame,
    verdicts: pl.DataFrame,
    runs: Sequence[ShownRun],
    *,
    archive: str,
    number: int,
) -> Table:
    cells = {
        (row["run_id"], row["estimator"], row["within"]): row
        for row in metrics.iter_rows(named=True)
    }
    verdict_of = {
        (row["run_id"], row["estimator"], row["within"]): row
        for row in verdicts.iter_rows(named=True)
    }
    rows = []
    alone: dict[tuple[str, ...], list[str]] = {}
    for run in runs:
        for estimator, words in ESTIMATOR_WORDS.items():
            keys = [(run.run_id, estimator, within) for within in WITHIN]
            if keys[0] not in cells or not (run.is_main or estimator in _OF_REFERENCES):
                continue
            aucs = [_auc(cells.get(key)) for key in keys]
            if estimator == POSITION:
                alone.setdefault(tuple(aucs), []).append(run.name)
                continue
            against = [_against(verdict_of.get(key)) for key in keys]
            rows.append((run.name, words, aucs[0], against[0], aucs[1], against[1]))
    for aucs_alone, names in alone.items():
        name = "Every run that learned" if len(alone) == 1 else "; ".join(names)
        rows.append((name, ESTIMATOR_WORDS[POSITION], aucs_alone[0], "–", aucs_alone[1], "–"))
    return Table(
        id="table-slices" + (f"-{number}" if number else ""),
        caption=f"Slice AUC [95% interval] at full budgets, first repeat, test exams of "
        f"“{archive}”{_counts_words(metrics)}",
        columns=(
            "Run",
            "Slices scored by",
            "All slices",
            "Less position alone",
            "Within positive exams",
            "Less position alone",
        ),
        rows=tuple(rows),
        source=f"evaluation/{SLICE_METRICS.file}, evaluation/{POSITION_VERDICTS.file}",
        row_headers=2,
    )


def _auc(row: Row | None) -> str:
    if row is None:
        return "–"
    return auc_with_interval(row["auc"], row["auc_lower"], row["auc_upper"])


def _against(row: Row | None) -> str:
    if row is None:
        return "–"
    limits = signed_interval(row["lower"], row["upper"], 2)
    return f"{signed(row['difference'], 2)} {limits}"


def _counts_words(metrics: pl.DataFrame) -> str:
    # Explanations of bags may cover fewer exams than were predicted.
    own = metrics.filter(pl.col("within") == "all", pl.col("estimator") != "hshap")
    counts = own.select("n_slices", "n_positive").unique()
    if counts.height != 1:
        return ""
    n_slices, n_positive = counts.row(0)
    return f": {n_slices:,} labelled slices, {n_positive:,} positive"
