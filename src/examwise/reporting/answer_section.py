"""The answer: what a fair reading says, what was needed, and the claim that was shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from examwise.core.schemas.budget_curves import RATIO_CLAIMS
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.ratio_claims import claim_sentence
from examwise.reporting.contents import AnswerSection, Table
from examwise.reporting.ratio_figure import leading_unit
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import (
    DRAWN_WORDS,
    MODE_NAMES,
    UNIT_WORDS,
    needed_amount,
    ratio_with_interval,
)

_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z])")
_TERMS = (
    "A strong learner is trained on labels of single slices, a weak learner on labels of whole "
    "exams. Hours and actions are a reader's; AUC is of exams of patients that no learner has "
    "seen, 0.5 is chance and 1 is perfect."
)
_ANSWERS = (
    "The first answer is of learners on an encoder that stays as it is, the full answer of "
    "learners that train it on as well."
)
_DRAWN = {
    "spread": "“Spread”: a reader looks at single slices, drawn from as many exams as possible.",
    "whole_exam": "“Exam by exam”: a reader labels all slices of an exam before the next one.",
    "exam_first": "“Exam first”: a reader labels the exam; a negative one gives all its slices "
    "free, of a positive one the first and last slice of each run is asked for.",
}
_CAPTIONS = {
    "spread": "Slices spread over exams",
    "whole_exam": "Slices labelled exam by exam",
    "exam_first": "Slices where the exam's label asks for them",
}


def answer_section(study: StudyFiles) -> AnswerSection:
    """Write out the answer of the internal archive."""
    answer = study.answer.internal
    sentences = dict.fromkeys(reading.sentence for reading in answer.readings)
    main = answer_table(study)
    headline, *more = _SENTENCE_END.split(study.answer.headline, maxsplit=1)
    terms = [_TERMS]
    if study.answer.full_headline is not None:
        terms.append(_ANSWERS)
    ways = [way for way in _CAPTIONS if way in set(study.ratios["acquisition"].to_list())]
    return AnswerSection(
        headline=headline,
        more="".join(more),
        full_headline=study.answer.full_headline,
        claims=tuple(claim_sentences(study)),
        table=main if main.rows else None,
        ratios=tuple(
            table
            for mode in MODE_NAMES
            for way in ways
            if (table := ratio_table(study, way, mode)).rows
        ),
        # A headline of one reading alone may be its sentence.
        sentences=tuple(said for said in sentences if said != study.answer.headline),
        terms=" ".join((*terms, *(_DRAWN[way] for way in ways))),
        cautions=tuple(answer.cautions),
    )


def answer_table(study: StudyFiles) -> Table:
    """Write out, in one table, what was needed in the leading unit, and the ratio in all units."""
    own = study.ratios.filter(pl.col("archive") == study.archive)
    unit = leading_unit(own)
    units = [name for name in UNIT_WORDS if name in set(own["unit"].to_list())]
    modes = [mode for mode in MODE_NAMES if mode in set(own["mode"].to_list())]
    found = {
        (row["mode"], row["acquisition"], row["unit"]): row for row in own.iter_rows(named=True)
    }
    rows = [
        (
            *([MODE_NAMES[mode].capitalize()] if len(modes) > 1 else []),
            DRAWN_WORDS[way].capitalize(),
            needed_amount(found[mode, way, unit], "strong"),
            needed_amount(found[mode, way, unit], "weak"),
            *(ratio_with_interval(found[mode, way, name]) for name in units),
        )
        for mode in modes
        for way in DRAWN_WORDS
        if (mode, way, unit) in found
    ]
    noun = UNIT_WORDS[unit]
    return Table(
        id="table-answer",
        caption=f"To reach an exam AUC of {study.answer.target_auc:g} in {study.archive}",
        columns=(
            *(["Answer"] if len(modes) > 1 else []),
            "Slices drawn",
            f"{noun} by slices",
            f"{noun} by exams",
            *(f"Slices ÷ exams in {UNIT_WORDS[name].lower()} [95%]" for name in units),
        ),
        rows=tuple(rows),
        source="evaluation/ratios.parquet",
        row_headers=2 if len(modes) > 1 else 1,
    )


def ratio_table(study: StudyFiles, acquisition: str, mode: str = BUDGETED) -> Table:
    """Write out what both ways of labelling took, for slices drawn one way."""
    ratios = study.ratios.filter(
        (pl.col("archive") == study.archive)
        & (pl.col("acquisition") == acquisition)
        & (pl.col("mode") == mode)
    )
    units = {row["unit"]: row for row in ratios.iter_rows(named=True)}
    full = mode == FINE_TUNED
    return Table(
        id=f"table-ratios-{acquisition.replace('_', '-')}{'-full' if full else ''}",
        caption=f"{_CAPTIONS.get(acquisition, acquisition)}{', full answer' if full else ''}: to "
        f"reach AUC {study.answer.target_auc:g}",
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


def claim_sentences(study: StudyFiles) -> Iterator[str]:
    """Say which ratio was shown in the leading unit, for each answer and way of drawing slices."""
    claims = study.tables.read(RATIO_CLAIMS).filter(pl.col("archive") == study.archive)
    unit = leading_unit(claims)
    for mode, answer in MODE_NAMES.items():
        for way, words in DRAWN_WORDS.items():
            own = claims.filter(mode=mode, acquisition=way, unit=unit)
            if not own.is_empty():
                yield f"Tested in fixed order ({answer} answer, {words}): {claim_sentence(own)}"
