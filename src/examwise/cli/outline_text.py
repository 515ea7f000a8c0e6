"""What a study is about to do, for a terminal: a table of arms and budgets, and what it takes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from examwise.cli.answer_text import DRAWN
from examwise.core.progress import duration_text
from examwise.core.schemas.study import FINE_TUNED

if TYPE_CHECKING:
    from examwise.studies.study_outline import OutlineRow, StudyOutline

_HEADINGS = (
    *("learner", "labels of", "labels", "repeats", "exams opened", "actions", "reader hours"),
    *("machine time", "done"),
)
_TEXT_COLUMNS = 2
_SECONDS_PER_HOUR = 3600.0
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def outline_text(outline: StudyOutline) -> str:
    """Lay out an outline in lines of plain text.

    Args:
        outline: From :func:`~examwise.studies.study_outline.outline_study`.
    """
    return "\n".join([*_table(outline.rows), "", *_totals(outline)])


def _totals(outline: StudyOutline) -> list[str]:
    done = f", {outline.n_done:,} of them finished" if outline.n_done else ""
    lines = [f"Runs: {outline.n_runs:,}{done}"]
    cores, devices = outline.n_side_by_side
    beside = f"{cores} side by side"
    if devices != cores:
        beside += f", {devices} of those that train the encoder"
    if outline.n_done == outline.n_runs:
        lines.append("Time: none, all runs are finished")
    elif outline.first_hours is not None and outline.full_hours is not None:
        first = duration_text(outline.first_hours * _SECONDS_PER_HOUR)
        lines.append(f"First answer, on features as they are: about {first} ({beside})")
        if outline.full_hours:
            full = duration_text(outline.full_hours * _SECONDS_PER_HOUR)
            lines.append(f"Full answer, the encoder trained on as well: about {full} more")
        lines.append("Evaluation, explanations and the report come on top")
    if outline.bytes_on_disk is not None:
        lines.append(f"Disk: about {size_text(outline.bytes_on_disk)}, exams apart")
    return lines


def size_text(n_bytes: float) -> str:
    """Return a size for people.

    Example:
        >>> [size_text(size) for size in (512, 20_000, 3_456_000_000)]
        ['512 bytes', '20 kB', '3.5 GB']
    """
    power = 0
    while n_bytes >= 1000 and power < len(_UNITS) - 1:
        n_bytes, power = n_bytes / 1000, power + 1
    return (
        f"{n_bytes:.2g} {_UNITS[power]}"
        if n_bytes < 10 and power
        else (f"{n_bytes:.0f} {_UNITS[power]}")
    )


def _table(rows: Sequence[OutlineRow]) -> list[str]:
    blocks = itertools.groupby(rows, key=attrgetter("learner", "mode", "acquisition"))
    lines: list[tuple[str, ...]] = [_HEADINGS]
    for _, of_arm in blocks:
        for number, row in enumerate(of_arm):
            lines.append(_cells(row, first=number == 0))
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if column < _TEXT_COLUMNS else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _cells(row: OutlineRow, *, first: bool) -> tuple[str, ...]:
    name = f"{row.learner}, fine-tuned" if row.mode == FINE_TUNED else row.learner
    return (
        name if first else "",
        DRAWN[row.acquisition] if first else "",
        f"{row.budget:,}",
        f"{row.repeats}",
        f"{row.n_exams_opened:,.0f}",
        f"{row.reader_actions:,.0f}",
        "" if row.reader_hours is None else f"{row.reader_hours:,.1f}",
        _machine_time(row),
        f"{row.n_done}/{row.repeats}" if row.n_done else "",
    )


def _machine_time(row: OutlineRow) -> str:
    if row.machine_hours is None or row.n_done == row.repeats:
        return ""
    return duration_text(row.machine_hours * _SECONDS_PER_HOUR)
