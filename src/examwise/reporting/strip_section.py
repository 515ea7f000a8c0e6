"""Some exams as strips of slices, with what each learner says of every slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.reporting.contents import Bar, BarRow, Strip, StripSection, StripSlice
from examwise.reporting.exam_choice import RULE, ChosenExam, choose_exams, exam_calls
from examwise.reporting.shown_runs import ShownRun, strip_runs
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.thumbnails import thumbnail
from examwise.reporting.words import decimal, within_sentence

MOST_SLICES = 40
"""Slices that a strip shows at most; of longer exams, evenly spaced ones."""
EVEN_ATTENTION_FRACTION = 0.25
"""Height of a bar of even attention; larger weights than four times even make the scale."""
_TRUTH = {1: "positive", 0: "negative", None: "unlabelled"}


def strip_section(study: StudyFiles, *, progress: Progress) -> StripSection:
    """Choose exams and draw them.

    Raises:
        InputError: If predictions name an exam or slices that the store has not.
    """
    runs = strip_runs(study)
    exams: dict[str, pl.DataFrame] = {}
    slices: dict[str, pl.DataFrame] = {}
    thresholds: dict[str, float] = {}
    for run in runs:
        exams[run.name], slices[run.name] = study.predicted(run.run_id)
        own = study.exam_metrics.filter(pl.col("run_id") == run.run_id)
        thresholds[run.name] = float(own["threshold"][0]) if own.height else 0.5
    names = {run.name: within_sentence(run.name) for run in runs}
    chosen, absent = choose_exams(exam_calls(exams, thresholds), names)
    strips = []
    with progress.track("Drawing exams", len(chosen)) as advance:
        for number, exam in enumerate(chosen):
            of_exam = {
                name: frame.filter(pl.col("exam_id") == exam.call.exam_id)
                for name, frame in slices.items()
            }
            strips.append(_strip(study, exam, runs, of_exam, number=number, thresholds=thresholds))
            advance()
    shown = ", ".join(f"{run.run_id} ({within_sentence(run.name)})" for run in runs)
    return StripSection(rule=f"{RULE} Shown: {shown}.", absent=tuple(absent), strips=tuple(strips))


def shown_slices(n_slices: int, most: int = MOST_SLICES) -> list[int]:
    """Return which slices of an exam a strip shows: all, or evenly spaced ones with both ends.

    Example:
        >>> shown_slices(3), shown_slices(9, most=3)
        ([0, 1, 2], [0, 4, 8])
    """
    if n_slices <= most:
        return list(range(n_slices))
    return [int(index) for index in np.rint(np.linspace(0, n_slices - 1, most))]


def _strip(
    study: StudyFiles,
    exam: ChosenExam,
    runs: Sequence[ShownRun],
    slices: dict[str, pl.DataFrame],
    *,
    number: int,
    thresholds: dict[str, float],
) -> Strip:
    exam_id = exam.call.exam_id
    n_slices = study.stored.n_slices(exam_id)
    for run in runs:
        frame = slices[run.name]
        if frame["slice_index"].to_list() != list(range(n_slices)):
            raise InputError(
                where=f"predictions of {run.run_id}, exam {exam_id}",
                expected=f"the store's {n_slices} slices",
                got=f"{frame.height} slices",
                remedy="run the study again in a new directory",
            )
    shown = shown_slices(n_slices)
    truth = next(iter(slices.values()))["slice_label"].to_list()
    rows = [
        row for run in runs for row in _bar_rows(run.name, slices[run.name], shown, place=run.place)
    ]
    note = "" if len(shown) == n_slices else f"{len(shown)} of {n_slices} slices, evenly spaced."
    return Strip(
        id=f"strip-{number + 1}",
        title=exam.title,
        rule=exam.rule,
        summary=_summary(exam, thresholds, n_slices=n_slices, truth=truth),
        note=note,
        slices=_pictures(study, exam_id, shown, truth=truth, rows=rows, n_slices=n_slices),
        rows=tuple(rows),
    )


def _pictures(
    study: StudyFiles,
    exam_id: str,
    shown: Sequence[int],
    *,
    truth: Sequence[int | None],
    rows: Sequence[BarRow],
    n_slices: int,
) -> tuple[StripSlice, ...]:
    geometry: dict[str, Any] = study.stored.exams.row(
        by_predicate=pl.col("exam_id") == exam_id, named=True
    )
    pixels_hu = study.stored.read_slices(exam_id, shown)
    pictures = []
    for place, index in enumerate(shown):
        word = _TRUTH[truth[index]]
        said = ", ".join(f"{row.label} {row.bars[place].text}" for row in rows)
        pictures.append(
            StripSlice(
                image=thumbnail(
                    pixels_hu[place],
                    row_spacing_mm=geometry["row_spacing_mm"],
                    column_spacing_mm=geometry["column_spacing_mm"],
                ),
                alt=f"Slice {index + 1} of {n_slices}, {word}; {said}.",
                name=str(index + 1),
                truth=word,
            )
        )
    return tuple(pictures)


def _bar_rows(name: str, frame: pl.DataFrame, shown: Sequence[int], *, place: int) -> list[BarRow]:
    rows = []
    weights = frame["attention_weight"].to_list()
    if None not in weights:
        # Weights sum to one over an exam: what is even in a long one would not be seen in it.
        full = max([EVEN_ATTENTION_FRACTION**-1 / len(weights), *weights])
        rows.append(
            BarRow(
                series=place,
                label=f"{name}: attention",
                bars=tuple(
                    Bar(100 * weights[index] / full, decimal(weights[index])) for index in shown
                ),
            )
        )
    probabilities = frame["slice_probability"].to_list()
    rows.append(
        BarRow(
            series=place,
            label=f"{name}: probability",
            bars=tuple(
                Bar(100 * probabilities[index], decimal(probabilities[index])) for index in shown
            ),
        )
    )
    return rows


def _summary(
    exam: ChosenExam,
    thresholds: dict[str, float],
    *,
    n_slices: int,
    truth: Sequence[int | None],
) -> str:
    call = exam.call
    label = {1: "positive", 0: "negative", None: "of unknown truth"}[call.label]
    n_positive = sum(value == 1 for value in truth)
    slices = (
        f"{n_positive} of {n_slices} slices positive"
        if any(value is not None for value in truth)
        else f"{n_slices} slices, none labelled"
    )
    said = "; ".join(
        f"{within_sentence(name)} learner {decimal(value)}, called "
        f"{'positive' if call.positive[name] else 'negative'} (threshold "
        f"{decimal(thresholds[name])})"
        for name, value in call.probabilities.items()
    )
    return f"Exam {call.exam_id} is {label}: {slices}. Probability: {said}."
