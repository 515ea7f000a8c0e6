"""How sure a study's exam-level figures are: curves, comparisons, thresholds, subgroups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.evidence import (
    CALIBRATION,
    COMPARISONS,
    NON_INFERIORITY,
    OPERATING_POINTS,
    SUBGROUPS,
    UNCERTAIN_EXAMS,
)
from examwise.core.schemas.slice_evidence import POOLED_SLICES
from examwise.reporting import evidence_tables as tables
from examwise.reporting.band_figures import draw_bands
from examwise.reporting.calibration_figure import draw_calibration
from examwise.reporting.contents import EvidenceSection, Figure, MethodSection, Table
from examwise.reporting.drawing import Drawing
from examwise.reporting.evidence_words import (
    comparison_words,
    no_margin_words,
    non_inferiority_words,
)
from examwise.reporting.forest_figures import draw_comparisons, draw_subgroups
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.shown_runs import full_budget_runs, main_run_ids
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import within_sentence


@dataclass(frozen=True)
class _Evidence:
    """What the parts are made from: the study, its runs, the archives in their order."""

    study: StudyFiles
    runs: Sequence[NamedRun]
    main: Sequence[NamedRun]
    archives: Sequence[str]

    @property
    def names(self) -> Mapping[str, str]:
        return {run.run_id: run.name for run in self.runs}

    def in_order(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows of the study's archives, in their order."""
        return pl.concat(
            [frame.clear(), *(frame.filter(pl.col("archive") == name) for name in self.archives)]
        )

    def rows_of(self, frame: pl.DataFrame, runs: Sequence[NamedRun]) -> pl.DataFrame:
        own = [run.run_id for run in runs]
        return self.in_order(frame).filter(pl.col("run_id").is_in(own))


def evidence_section(study: StudyFiles) -> EvidenceSection | None:
    """Write out what a study's exam-level figures rest on.

    Returns:
        None where the evaluation has no such tables.
    """
    runs = [NamedRun(run.run_id, run.name, run.place) for run in full_budget_runs(study)]
    order = main_run_ids(study)
    main = [
        NamedRun(run.run_id, run.name, place)
        for place, run_id in enumerate(order)
        for run in runs
        if run.run_id == run_id
    ]
    archives = [answer.archive for answer in study.answer.archives]
    found = _Evidence(study, runs, main, archives)
    parts = [
        part
        for make in (
            _areas,
            _comparisons,
            _non_inferiority,
            _operating_points,
            _calibration,
            _subgroups,
            _uncertain,
        )
        if (part := make(found)) is not None
    ]
    if not parts:
        return None
    called = " and ".join(within_sentence(run.name) for run in main)
    return EvidenceSection(
        title="How sure, and how sure of what",
        paragraphs=(
            f"Figures show {called}: one run of each way of labelling at its full budget, first "
            "repeat. Exams of one patient are never taken for independent. What was planned before "
            "training is tested in fixed order; everything else describes.",
        ),
        parts=tuple(parts),
    )


def _areas(found: _Evidence) -> MethodSection | None:
    figures = [
        drawing.on_page(f"figure-{curve.replace('_', '-')}-{number}")
        for number, archive in enumerate(found.archives)
        for curve in ("roc", "precision_recall")
        if (
            drawing := draw_bands(
                found.study.tables,
                found.main,
                archive=archive,
                curve=curve,
                finding=found.study.finding,
            )
        )
        is not None
    ]
    if not figures:
        return None
    metrics = found.rows_of(found.study.exam_metrics, found.runs)
    return MethodSection(
        id="areas",
        title="Curves, and the areas below them",
        paragraphs=(
            "AUCs have two intervals: by their variance (DeLong's where each patient has one exam, "
            "Obuchowski's of 1997, which knows of a patient's exams together, where not), and by "
            "drawing patients anew.",
        ),
        figures=tuple(figures),
        tables=(tables.areas_table(metrics, found.runs),),
        folded=_pooled(found),
    )


def _pooled(found: _Evidence) -> tuple[Table, ...]:
    pooled = found.rows_of(found.study.tables.read(POOLED_SLICES), found.runs)
    return () if pooled.is_empty() else (tables.pooled_table(pooled, found.runs),)


def _comparisons(found: _Evidence) -> MethodSection | None:
    rows = found.in_order(found.study.tables.read(COMPARISONS))
    if rows.is_empty():
        return None
    ids = [run.run_id for run in found.main]
    between = pl.col("run_id").is_in(ids) & pl.col("other_run_id").is_in(ids)
    main = rows.filter(between)
    figures = (
        draw_comparisons(
            found.study.tables, found.names, archive=archive, finding=found.study.finding
        )
        for archive in found.archives
    )
    all_rows = tables.comparisons_table(
        rows, found.names, table_id="table-comparisons", caption="Every comparison"
    )
    return MethodSection(
        id="comparisons",
        title="Learners compared on the same exams",
        paragraphs=(
            "Two curves may cross and still have equal areas, so that there are two tests: of "
            "equal areas by the variance of the paired difference, and of equal curves by "
            "exchanging both runs' ranks patient by patient (after Venkatraman and Begg). The band "
            "“over all” covers every comparison of an archive at once.",
        ),
        points=tuple(comparison_words(row, found.names) for row in main.iter_rows(named=True)),
        figures=_numbered("figure-comparisons", figures),
        folded=(all_rows,),
    )


def _non_inferiority(found: _Evidence) -> MethodSection | None:
    compared = found.in_order(found.study.tables.read(COMPARISONS))
    rows = found.study.tables.read(NON_INFERIORITY).sort("step")
    if rows.is_empty() and compared.is_empty():
        return None
    if rows.is_empty():
        ids = [run.run_id for run in found.main]
        own = compared.filter(pl.col("run_id").is_in(ids), pl.col("other_run_id").is_in(ids)).head(
            1
        )
        sentences = tuple(no_margin_words(next(own.iter_rows(named=True), None)))
        return MethodSection(
            id="non-inferiority", title="No worse than by a margin", paragraphs=sentences
        )
    frozen = rows["is_frozen"].all()
    return MethodSection(
        id="non-inferiority",
        title="No worse than by a margin",
        paragraphs=(
            "The margin, its archives and their order were on record before training began "
            "(protocol.json)."
            if frozen
            else "The margin was not on record before training: read this as a description.",
            "One-sided at 2.5%, in fixed order: the internal archive first, an external one only "
            "after it.",
        ),
        points=tuple(non_inferiority_words(row, found.names) for row in rows.iter_rows(named=True)),
    )


def _operating_points(found: _Evidence) -> MethodSection | None:
    rows = found.rows_of(found.study.tables.read(OPERATING_POINTS), found.runs)
    if rows.is_empty():
        return None
    outside = (
        " They are the same in every archive: nothing was fitted to an external one."
        if len(found.archives) > 1
        else ""
    )
    return MethodSection(
        id="operating-points",
        title="Sensitivity and specificity",
        paragraphs=(
            f"Thresholds come from validation.{outside} Shares have 95% intervals over patients.",
        ),
        tables=(tables.own_points_table(rows, found.main),),
        folded=(tables.all_points_table(rows, found.runs),),
    )


def _calibration(found: _Evidence) -> MethodSection | None:
    rows = found.rows_of(found.study.tables.read(CALIBRATION), found.runs)
    if rows.is_empty():
        return None
    figures = (
        draw_calibration(
            found.study.tables, found.main, archive=archive, finding=found.study.finding
        )
        for archive in found.archives
    )
    return MethodSection(
        id="calibration",
        title="Calibration",
        paragraphs=(
            "A slope below 1 says that probabilities lie too far apart, above 1 that they lie too "
            "close together; an intercept above 0 says that exams are positive more often than "
            "the model holds.",
        ),
        figures=_numbered("figure-calibration", figures),
        tables=(tables.calibration_table(rows, found.main),),
    )


def _subgroups(found: _Evidence) -> MethodSection | None:
    rows = found.rows_of(found.study.tables.read(SUBGROUPS), found.main)
    if rows.is_empty():
        return None
    figures = (
        draw_subgroups(found.study.tables, found.main, archive=archive, finding=found.study.finding)
        for archive in found.archives
    )
    return MethodSection(
        id="subgroups",
        title="By kind, size, slice thickness and scanner",
        paragraphs=(),
        figures=_numbered("figure-subgroups", figures),
        folded=(tables.subgroups_table(rows, found.main),),
    )


def _uncertain(found: _Evidence) -> MethodSection | None:
    rows = found.rows_of(found.study.tables.read(UNCERTAIN_EXAMS), found.main)
    if rows.is_empty():
        return None
    uncertain = rows.filter(pl.col("n_uncertain") > 0)
    title = "Uncertain exams"
    if uncertain.is_empty():
        words = "Every exam of the test parts has a label and was predicted: nothing was left out."
        return MethodSection(id="uncertain", title=title, paragraphs=(words,))
    return MethodSection(
        id="uncertain",
        title=title,
        paragraphs=(
            "Exams without a label, or that could not be predicted, are left out of every other "
            "figure. Taken for what would help a model most, and least, they bound what they could "
            "have changed.",
        ),
        tables=(tables.uncertain_table(uncertain, found.main),),
    )


def _numbered(prefix: str, drawings: Iterable[Drawing | None]) -> tuple[Figure, ...]:
    return tuple(
        drawing.on_page(f"{prefix}-{number}")
        for number, drawing in enumerate(drawings)
        if drawing is not None
    )
