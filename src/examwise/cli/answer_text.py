"""A study's answer for a terminal: a table and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examwise.evaluation.answer import Answer

_HEADINGS = ("learner", "bought", "labels", "exams opened", "actions", "hours", "exam AUC [95%]")


def answer_text(answer: Answer) -> str:
    """Lay out an answer in lines of plain text."""
    rows = [_HEADINGS, *(_cells(row) for row in answer.table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    cautions = [f"- {caution}" for caution in answer.cautions]
    return "\n".join([*lines, "", answer.headline, "", *cautions])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    hours = "" if row["hours"] is None else f"{row['hours']:.1f}"
    if row["auc"] is None:
        auc = "undefined"
    elif row["auc_lower"] is None or row["auc_upper"] is None:
        auc = f"{row['auc']:.3f} [undefined]"
    else:
        auc = f"{row['auc']:.3f} [{row['auc_lower']:.3f}, {row['auc_upper']:.3f}]"
    return (
        row["learner"],
        f"{row['label_kind']}s",
        f"{row['labels']:,}",
        f"{row['exams_opened']:,.0f}",
        f"{row['actions']:,.0f}",
        hours,
        auc,
    )
