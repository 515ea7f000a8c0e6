"""The answer: what a fair reading says, and what was needed in three units."""

from __future__ import annotations

import polars as pl

from examwise.reporting.contents import AnswerSection, Table
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import UNIT_WORDS, needed_amount, ratio_with_interval

_TERMS = (
    "A strong learner is trained on labels of single slices, a weak learner on labels of whole "
    "exams. Hours and actions are a reader's; AUC is of exams of patients that no learner has "
    "seen, 0.5 is chance and 1 is perfect."
)
_DRAWN = {
    "spread": "“Spread”: a reader looks at single slices, drawn from as many exams as possible.",
    "whole_exam": "“Exam by exam”: a reader labels all slices of an exam before the next one.",
}
_CAPTIONS = {
    "spread": "Slices spread over exams",
    "whole_exam": "Slices labelled exam by exam",
}


def answer_section(study: StudyFiles) -> AnswerSection:
    """Write out the answer of the internal archive."""
    answer = study.answer.internal
    ways = [reading.acquisition for reading in answer.readings]
    tables = (ratio_table(study, way) for way in ways or _ways(study))
    sentences = dict.fromkeys(reading.sentence for reading in answer.readings)
    return AnswerSection(
        headline=study.answer.headline,
        ratios=tuple(table for table in tables if table.rows),
        # A headline of one reading alone may be its sentence.
        sentences=tuple(said for said in sentences if said != study.answer.headline),
        terms=" ".join((_TERMS, *(_DRAWN[way] for way in _ways(study) if way in _DRAWN))),
        cautions=tuple(answer.cautions),
    )


def ratio_table(study: StudyFiles, acquisition: str) -> Table:
    """Write out what both ways of labelling took, for slices drawn one way."""
    ratios = study.ratios.filter(
        (pl.col("archive") == study.archive) & (pl.col("acquisition") == acquisition)
    )
    units = {row["unit"]: row for row in ratios.iter_rows(named=True)}
    return Table(
        id=f"table-ratios-{acquisition.replace('_', '-')}",
        caption=f"{_CAPTIONS.get(acquisition, acquisition)}: to reach AUC "
        f"{study.answer.target_auc:g}",
        columns=("Counted in", "By slices", "By exams", "Slices ÷ exams [95%]"),
        rows=tuple(
            (
                words,
                needed_amount(units[unit], "strong"),
                needed_amount(units[unit], "weak"),
                ratio_with_interval(units[unit]),
            )
            for unit, words in UNIT_WORDS.items()
            if unit in units
        ),
        source="evaluation/ratios.parquet",
    )


def _ways(study: StudyFiles) -> list[str]:
    found = set(study.ratios["acquisition"].to_list())
    return [way for way in _CAPTIONS if way in found]
