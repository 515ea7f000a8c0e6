"""One archive's part of the answer, from its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.answer import UNITS, ArchiveAnswer, Reading
from examwise.evaluation.cautions import compose_cautions
from examwise.evaluation.reading_sentence import compose_sentence
from examwise.evaluation.study_facts import StudyFacts
from examwise.evaluation.test_set import Unjudged
from examwise.evaluation.verdict import cheaper_arm

Row = Mapping[str, Any]

Ratios = Mapping[str, Mapping[str, Row]]
"""How slice labels were drawn to unit to row of ``RATIOS``, the leading unit first."""


def compose_archive_answer(
    curve: pl.DataFrame,
    ratios: Ratios,
    *,
    arms: Mapping[str, str],
    target_auc: float,
    finding: str,
    costs_given: bool,
    facts: StudyFacts,
    full_ratios: Ratios | None = None,
) -> ArchiveAnswer:
    """Put one archive's tables into words; every word follows from the numbers.

    Args:
        curve: ``BUDGET_CURVE`` of this archive and finding.
        ratios: From :func:`ratios_by_drawing`.
        arms: ``strong`` and ``weak`` to their learners.
        target_auc: AUC to reach.
        finding: What is to be found.
        costs_given: Whether reader hours are known.
        facts: What else the cautions need.
        full_ratios: From :func:`ratios_by_drawing`, of learners whose encoder was trained on as
            well; cautions are about the others.
    """
    table = tuple(
        _table_row(row, costs_given=costs_given)
        for row in curve.sort("learner", "mode", "acquisition", "budget").iter_rows(named=True)
    )
    rows_of = {arm: _rows_of(table, learner, BUDGETED) for arm, learner in arms.items()}
    readings = []
    for mode, by_drawing in ((BUDGETED, ratios), (FINE_TUNED, full_ratios or {})):
        own = {arm: _rows_of(table, learner, mode) for arm, learner in arms.items()}
        for acquisition, by_unit in by_drawing.items():
            strong = [row for row in own["strong"] if row["acquisition"] == acquisition]
            readings.append(
                Reading(
                    acquisition=acquisition,
                    sentence=compose_sentence(
                        by_unit,
                        {"strong": strong, "weak": own["weak"]},
                        acquisition=acquisition,
                        target_auc=target_auc,
                        finding=finding,
                        mode=mode,
                    ),
                    cheaper={unit: cheaper_arm(row) for unit, row in by_unit.items()},
                    mode=mode,
                )
            )
    return ArchiveAnswer(
        archive=facts.archive,
        is_external=facts.is_external,
        n_exams=facts.n_exams,
        n_positive=facts.n_positive,
        n_patients=facts.n_patients,
        readings=tuple(readings),
        table=table,
        cautions=compose_cautions(
            ratios, rows_of, table, facts, target_auc=target_auc, costs_given=costs_given
        ),
    )


def unjudged_answer(unjudged: Unjudged, *, finding: str) -> ArchiveAnswer:
    """Return the part of an external archive whose exams cannot judge anything."""
    return ArchiveAnswer(
        archive=unjudged.archive,
        is_external=True,
        n_exams=unjudged.n_exams,
        n_positive=unjudged.n_positive,
        n_patients=unjudged.n_patients,
        readings=(),
        table=(),
        cautions=(
            f"Nothing can be judged on the archive '{unjudged.archive}': of its "
            f"{unjudged.n_exams:,} exams with a label, {unjudged.n_positive:,} have the finding "
            f"'{finding}', and an AUC needs some with and some without.",
        ),
    )


def ratios_by_drawing(ratios: pl.DataFrame, *, costs_given: bool, mode: str = BUDGETED) -> Ratios:
    """Sort one archive's ``RATIOS`` of one mode by how slice labels were drawn, then by unit.

    Hours come first where costs are given, and are left out where not.
    """
    units = [unit for unit in UNITS if costs_given or unit != "hours"]
    found: dict[str, dict[str, Row]] = {}
    ratios = ratios.filter(pl.col("mode") == mode)
    rows = {(row["acquisition"], row["unit"]): row for row in ratios.iter_rows(named=True)}
    for acquisition in ratios["acquisition"].unique().sort():
        found[acquisition] = {
            unit: rows[acquisition, unit] for unit in units if (acquisition, unit) in rows
        }
    return found


def _table_row(row: Row, *, costs_given: bool) -> Row:
    return {
        "learner": row["learner"],
        "mode": row["mode"],
        "acquisition": row["acquisition"],
        "label_kind": row["label_kind"],
        "labels": row["budget"],
        "exams_opened": row["mean_exams_opened"],
        "actions": row["mean_reader_actions"],
        "hours": row["mean_reader_hours"] if costs_given else None,
        "repeats": row["n_repeats"],
        "auc": row["mean_auc"],
        "auc_lower": row["auc_lower"],
        "auc_upper": row["auc_upper"],
    }


def _rows_of(table: Sequence[Row], learner: str, mode: str) -> list[Row]:
    return [row for row in table if (row["learner"], row["mode"]) == (learner, mode)]
