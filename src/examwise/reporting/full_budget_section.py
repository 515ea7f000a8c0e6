"""What every arm comes to at its full budget: in the archive it learned from, and in others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.reporting.contents import ArchiveCautions, Figure, FullBudgetSection, Table
from examwise.reporting.curve_figures import cost_column, curve_figure
from examwise.reporting.ratio_figure import leading_unit
from examwise.reporting.study_arms import Arm, largest_budget
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import (
    DRAWN_WORDS,
    MODE_NAMES,
    UNIT_WORDS,
    auc_with_interval,
    needed_amount,
    ratio_with_interval,
    short_learner,
)

_CHEAPER = {"strong": "slices", "weak": "exams", None: "not told"}


def full_budget_section(study: StudyFiles, drawn: Sequence[Arm]) -> FullBudgetSection | None:
    """Put the full budgets side by side, archive by archive.

    Args:
        study: The study.
        drawn: Arms that curves show.

    Returns:
        None where there is one archive, and nothing in it beside the arms that are compared.
    """
    outside = study.answer.external
    modes = set(study.curve["mode"].to_list())
    if not outside and not study.reference_arms and modes == {BUDGETED}:
        return None
    ratios = _ratios_table(study)
    return FullBudgetSection(
        title="Inside and outside" if outside else "At the full budget",
        paragraphs=tuple(_words(study)),
        tables=(_auc_table(study), *([ratios] if outside and ratios.rows else [])),
        figures=tuple(_figures(study, drawn)) if outside else (),
        cautions=tuple(
            ArchiveCautions(answer.archive, answer.cautions)
            for answer in outside
            if answer.cautions
        ),
    )


def _words(study: StudyFiles) -> Iterator[str]:
    outside = [f"“{answer.archive}”" for answer in study.answer.external]
    if outside:
        yield (
            f"Labels were bought in “{study.archive}” alone. {' and '.join(outside)} "
            f"{'were' if len(outside) > 1 else 'was'} tested on, and nothing was learned from "
            f"{'them' if len(outside) > 1 else 'it'}: neither labels nor thresholds. Each archive "
            "is judged for itself."
        )
    if study.reference_arms or study.label_free:
        yield (
            "References say what a result is worth: a learner that does not clearly beat them has "
            "learned little from its labels."
        )


def _auc_table(study: StudyFiles) -> Table:
    answers = study.answer.archives
    archives = [answer.archive for answer in answers]
    rows = [
        (
            "Test exams",
            "–",
            *(f"{answer.n_exams:,} ({answer.n_positive:,} positive)" for answer in answers),
        )
    ]
    rows += [
        (arm.named(mode), f"{int(frame['budget'][0]):,}", *_aucs(frame, archives))
        for arm in (*study.main_arms, *study.reference_arms)
        for mode in (BUDGETED, FINE_TUNED)
        if not (frame := largest_budget(arm, study.curve, mode)).is_empty()
    ]
    for name in study.label_free:
        frame = study.curve.filter((pl.col("mode") == LABEL_FREE) & (pl.col("learner") == name))
        rows.append((short_learner(name), "0", *_aucs(frame, archives)))
    return Table(
        id="table-full-budget",
        caption="Exam AUC [95% interval] at full budgets, and without labels",
        columns=(
            "Arm",
            "Labels, m",
            *(f"{answer.archive}{', outside' if answer.is_external else ''}" for answer in answers),
        ),
        rows=tuple(rows),
        source="evaluation/budget_curve.parquet, evaluation/answer.json",
    )


def _aucs(frame: pl.DataFrame, archives: Sequence[str]) -> tuple[str, ...]:
    found = {row["archive"]: row for row in frame.iter_rows(named=True)}
    return tuple(
        auc_with_interval(*(found[archive][key] for key in ("mean_auc", "auc_lower", "auc_upper")))
        if archive in found
        else "–"
        for archive in archives
    )


def _ratios_table(study: StudyFiles) -> Table:
    unit = leading_unit(study.ratios)
    found = {
        (row["archive"], row["acquisition"], row["mode"]): row
        for row in study.ratios.iter_rows(named=True)
        if row["unit"] == unit
    }
    rows = []
    for answer in study.answer.archives:
        for reading in answer.readings:
            row = found.get((answer.archive, reading.acquisition, reading.mode))
            if row is None:
                continue
            rows.append(
                (
                    answer.archive,
                    MODE_NAMES[reading.mode],
                    DRAWN_WORDS.get(reading.acquisition, reading.acquisition),
                    needed_amount(row, "strong"),
                    needed_amount(row, "weak"),
                    ratio_with_interval(row),
                    _CHEAPER[reading.cheaper.get(unit)],
                )
            )
    return Table(
        id="table-ratios-archives",
        caption=f"{UNIT_WORDS[unit]} to reach an exam AUC of {study.answer.target_auc:g}, "
        "archive by archive",
        columns=(
            "Tested in",
            "Answer",
            "Slices drawn",
            "By slices",
            "By exams",
            "Slices ÷ exams [95%]",
            "Cheaper",
        ),
        rows=tuple(rows),
        source="evaluation/ratios.parquet, evaluation/answer.json",
        row_headers=3,
    )


def _figures(study: StudyFiles, drawn: Sequence[Arm]) -> Iterator[Figure]:
    column = cost_column(study.curve)
    for number, answer in enumerate(study.answer.external, start=1):
        curve = study.curve_of(answer.archive)
        if not curve.is_empty():
            yield curve_figure(
                curve,
                drawn,
                column=column,
                target_auc=study.answer.target_auc,
                archive=answer.archive,
                number=number,
            )
