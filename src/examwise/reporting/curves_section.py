"""Learning curves: four metrics, plateaus, claims, and what more labels may bring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from examwise.core.schemas.budget_curves import (
    CURVE_FITS,
    CURVE_FORECAST,
    METRIC_CURVE,
    PLATEAUS,
    RATIO_CLAIMS,
)
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.reporting.claim_tables import claims_table, fits_table, plateau_words, plateaus_table
from examwise.reporting.contents import EvidenceSection, MethodSection
from examwise.reporting.metric_figures import (
    METRIC_WORDS,
    forecast_figures,
    metric_figures,
    metric_table,
)
from examwise.reporting.ratio_figure import leading_unit
from examwise.reporting.study_arms import Arm
from examwise.reporting.study_files import StudyFiles

_CURVES = (
    "Each point is the mean over repeats with labels drawn anew. The bands hold the chance of the "
    "test patients, and of the labels drawn and the training wherever a budget was tried more "
    "than once."
)
_CONDITIONAL = (
    "From some budgets on, repeats share more than half of their labels, since the archive has no "
    "more: the intervals there are conditional on this archive. They hold for other drawings from "
    "its exams, and leave out the chance of which exams it holds."
)
_CLAIMS = (
    "Ratios N were set before any run and are tested in that order: is the AUC of m exam labels "
    "less than that of N times m slice labels by no more than the margin? Each test is one-sided "
    "at 2.5%; the first that fails ends the order, so that the whole claim errs in 2.5% of "
    "studies at most. What lies beyond the largest budget is not tested. Nothing is claimed unless "
    "slice labels have reached their plateau."
)
_PLATEAU = (
    "A curve is on its plateau where the last doubling of its budget won less than the margin, at "
    "the upper 97.5% limit."
)
_FORECAST = (
    "What follows is extrapolation, and no part of the answer. Families of curves were fitted to "
    "the smaller budgets and judged by the larger ones they had not seen; their average, weighted "
    "by that, goes on beyond the largest budget, and its interval widens with the distance."
)


def curves_section(study: StudyFiles, arms: Sequence[Arm]) -> EvidenceSection | None:
    """Put the learning curves together, archive by archive.

    Args:
        study: The study.
        arms: Those to draw.

    Returns:
        None where an evaluation has none of these tables.
    """
    parts = [
        *_metric_parts(study, arms),
        *_claim_parts(study, arms),
        *_forecast_parts(study, arms),
    ]
    if not parts:
        return None
    return EvidenceSection(title="Learning curves", paragraphs=(_CURVES,), parts=tuple(parts))


def _metric_parts(study: StudyFiles, arms: Sequence[Arm]) -> Iterator[MethodSection]:
    curves = study.tables.read(METRIC_CURVE)
    for number, answer in enumerate(study.answer.archives):
        own = curves.filter(archive=answer.archive)
        figures = tuple(
            figure
            for metric in METRIC_WORDS
            for figure in metric_figures(
                own, arms, metric=metric, archive=answer.archive, number=number
            )
        )
        if figures:
            yield MethodSection(
                id=f"metric-curves-{number}",
                title=f"Four metrics in “{answer.archive}”{', outside' if number else ''}",
                paragraphs=(_CONDITIONAL,) if own["is_conditional"].any() else (),
                figures=figures,
                folded=(metric_table(own, study.arms, archive=answer.archive, number=number),),
                is_folded=number > 0,
            )


def _claim_parts(study: StudyFiles, arms: Sequence[Arm]) -> Iterator[MethodSection]:
    claims = study.tables.read(RATIO_CLAIMS)
    if not claims.is_empty():
        archives = [answer.archive for answer in study.answer.archives]
        leads = (pl.col("archive") == study.archive) & (pl.col("unit") == leading_unit(claims))
        shown, others = claims.filter(leads), claims.filter(~leads)
        yield MethodSection(
            id="ratio-claims",
            title="How many slice labels an exam label is worth",
            paragraphs=(_CLAIMS,),
            tables=(claims_table(shown, archives, table_id="table-ratio-claims"),)
            if shown.height
            else (),
            folded=(claims_table(others, archives, table_id="table-ratio-claims-more"),)
            if others.height
            else (),
        )
    plateaus = study.tables.read(PLATEAUS)
    if not plateaus.is_empty():
        yield MethodSection(
            id="plateaus",
            title="Do more labels still help?",
            paragraphs=(_PLATEAU,),
            points=tuple(plateau_words(plateaus.filter(archive=study.archive), arms)),
            folded=(
                plateaus_table(
                    plateaus, arms, [answer.archive for answer in study.answer.archives]
                ),
            ),
        )


def _forecast_parts(study: StudyFiles, arms: Sequence[Arm]) -> Iterator[MethodSection]:
    forecast, fits = study.tables.read(CURVE_FORECAST), study.tables.read(CURVE_FITS)
    curves = study.tables.read(METRIC_CURVE)
    figures = tuple(
        figure
        for mode in (BUDGETED, FINE_TUNED)
        for figure in forecast_figures(
            forecast.filter(archive=study.archive),
            curves.filter(archive=study.archive),
            arms,
            archive=study.archive,
            mode=mode,
        )
    )
    if figures or not fits.is_empty():
        own = fits.filter(archive=study.archive)
        yield MethodSection(
            id="forecast",
            title="Beyond the largest budget",
            paragraphs=(_FORECAST,),
            figures=figures,
            folded=() if own.is_empty() else (fits_table(own, arms),),
        )
