"""A study's answer for a terminal: what a fair reading says, a table, and cautions."""

from __future__ import annotations

from collections.abc import Sequence

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.evaluation.answer import Answer, ArchiveAnswer, Row
from examwise.evaluation.wording import ARM_NAMES
from examwise.studies.config import MAIN_LEARNERS

_HEADINGS = ("learner", "labels of", "labels", "actions", "hours", "exam AUC [95%]")
_TEXT_COLUMNS = 2
DRAWN = {
    "spread": "slices, spread",
    "whole_exam": "slices, whole exams",
    "exam_first": "slices, exam first",
    "exam": "exams",
    "none": "nothing",
}
"""Way of drawing to what labels are of."""
_CURVE, _TUNED, _REFERENCE, _WITHOUT_LABELS = range(4)
_WAYS = {
    "spread": "Slices spread over exams",
    "whole_exam": "Slices of whole exams",
    "exam_first": "Slices where the exam's label asks for them",
}
_CAUTIONS_OUTSIDE = 2
"""How many of an external archive's cautions are written out, the weightiest ones."""


def answer_text(answer: Answer) -> str:
    """Lay out an answer in lines of plain text: first what it says."""
    inside = answer.internal
    blocks = [
        [answer.headline],
        [] if answer.full_headline is None else [answer.full_headline],
        [f"Inside, {_described(inside)}:", *_table(sorted(inside.table, key=_group))],
        [_outside_line(archive) for archive in answer.external],
        [
            *(f"- {caution}" for caution in inside.cautions),
            *(line for archive in answer.external for line in _cautions_outside(archive)),
        ],
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _cautions_outside(archive: ArchiveAnswer) -> list[str]:
    shown = [f"- {archive.archive}: {each}" for each in archive.cautions[:_CAUTIONS_OUTSIDE]]
    n_more = len(archive.cautions) - len(shown)
    more = f"- {archive.archive}: {n_more} more, in the report."
    return [*shown, more] if n_more else shown


def _group(row: Row) -> int:
    """Return what a row is for; rows stand in this order."""
    if row["mode"] == LABEL_FREE:
        return _WITHOUT_LABELS
    if row["learner"] not in MAIN_LEARNERS:
        return _REFERENCE
    return _TUNED if row["mode"] == FINE_TUNED else _CURVE


def _described(archive: ArchiveAnswer) -> str:
    return (
        f"{archive.archive} ({archive.n_exams:,} test exams of {archive.n_patients:,} patients, "
        f"{archive.n_positive:,} positive)"
    )


def _table(table: Sequence[Row]) -> list[str]:
    rows = [_HEADINGS, *(_cells(row) for row in table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if column < _TEXT_COLUMNS else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        _learner(row),
        DRAWN[row["acquisition"]],
        f"{row['labels']:,}",
        f"{row['actions']:,.0f}",
        "" if row["hours"] is None else f"{row['hours']:.1f}",
        _auc(row),
    )


def _learner(row: Row) -> str:
    return f"{row['learner']}, fine-tuned" if row["mode"] == FINE_TUNED else str(row["learner"])


def _auc(row: Row) -> str:
    if row["auc"] is None:
        return "undefined"
    if row["auc_lower"] is None or row["auc_upper"] is None:
        return f"{row['auc']:.3f} [undefined]"
    return f"{row['auc']:.3f} [{row['auc_lower']:.3f}, {row['auc_upper']:.3f}]"


def _outside_line(archive: ArchiveAnswer) -> str:
    """Say of an external archive what the learners reach, and which labels were cheaper."""
    reached = "; ".join(f"{_arm(row)} {_auc(row)}" for row in _fullest(archive.table))
    told = "".join(f" {sentence}" for sentence in _cheaper(archive))
    return f"Outside, {_described(archive)}: {reached or 'nothing to compare'}.{told}"


def _fullest(table: Sequence[Row]) -> list[Row]:
    """Return the largest budget of the learners that the answer is about, by arm and mode."""
    largest: dict[tuple[str, str, str], Row] = {}
    for row in table:
        arm = (row["learner"], row["mode"], row["acquisition"])
        if _group(row) in (_CURVE, _TUNED) and row["labels"] >= largest.get(arm, row)["labels"]:
            largest[arm] = row
    return sorted(largest.values(), key=_group)


def _arm(row: Row) -> str:
    return f"{_learner(row)} ({DRAWN[row['acquisition']]})"


def _cheaper(archive: ArchiveAnswer) -> list[str]:
    """Say in the leading unit what was cheaper, by how slices were drawn."""
    found = {
        reading.acquisition: next(iter(reading.cheaper.items()))
        for reading in archive.readings_of(BUDGETED)
    }
    if len(found) > 1 and len(set(found.values())) == 1:
        return [f"Slices drawn either way: {_verdict(*next(iter(found.values())))}."]
    return [f"{_WAYS[way]}: {_verdict(*told)}." for way, told in found.items()]


def _verdict(unit: str, arm: str | None) -> str:
    if arm is None:
        return f"which labels were cheaper in {unit} cannot be told"
    return f"{ARM_NAMES[arm]} were cheaper in {unit}"
