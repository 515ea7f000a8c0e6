"""Drawing of how files became the exams that were judged (the flow diagram that STARD asks for)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from examwise.core.schemas.evidence import FLOW
from examwise.imaging.reasons import REASONS
from examwise.reporting.drawing import Drawing
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.svg import INK, MUTED, drawing_style

_WIDTH_INCHES = 5.6
_LINE_INCHES = 0.165
_PAD_INCHES = 0.12
_GAP_INCHES = 0.26
_MAIN = (0.0, 2.3)
_SIDE = (2.75, 5.6)
_MAIN_CHARACTERS = 33
_SIDE_CHARACTERS = 43
_FONT_SIZE = 8.2
_MOST_REASONS = 7
_REASON_WORDS = {
    "training_part": "in the training part",
    "validation_part": "in the validation part",
    "not_predicted": "never predicted",
    "no_label": "without a label",
}


@dataclass
class _Step:
    """A box of the flow, and what left it on the way to the next."""

    text: str
    left: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return _wrapped(self.text, _MAIN_CHARACTERS)

    @property
    def side_lines(self) -> list[str]:
        if not self.left:
            return []
        ordered = sorted(self.left, key=lambda part: (-part[0], part[1]))
        shown, rest = ordered[:_MOST_REASONS], ordered[_MOST_REASONS:]
        total = sum(n for n, _, _ in ordered)
        lines = [f"Left out: {_count(total, ordered[0][2])}"] if len(ordered) > 1 else []
        for n, reason, unit in shown:
            counted = f"Left out: {_count(n, unit)}" if not lines else f"{n:,}"
            lines += _wrapped(f"{counted}: {reason}", _SIDE_CHARACTERS)
        if rest:
            lines.append(f"{sum(n for n, _, _ in rest):,} for {len(rest)} other reasons")
        return lines


def draw_flow(tables: EvaluationTables, *, archive: str) -> Drawing | None:
    """Draw one archive's flow from files to the exams that were judged.

    Args:
        tables: Of the evaluation.
        archive: Whose.

    Returns:
        None where the flow is not known.
    """
    rows = tables.read(FLOW).filter(pl.col("archive") == archive).sort("position")
    if rows.is_empty():
        return None
    steps = _steps(rows)
    heights = [
        _PAD_INCHES * 2 + _LINE_INCHES * max(len(step.lines), len(step.side_lines))
        for step in steps
    ]
    total = sum(heights) + _GAP_INCHES * (len(steps) - 1)
    with drawing_style():
        figure = Figure(figsize=(_WIDTH_INCHES, total + 0.1))
        axes = figure.add_axes((0.01, 0.0, 0.98, 1.0))
        axes.set_xlim(-0.05, _WIDTH_INCHES + 0.05)
        axes.set_ylim(-total - 0.05, 0.05)
        axes.axis("off")
        top = 0.0
        for number, (step, height) in enumerate(zip(steps, heights, strict=True)):
            _draw_step(axes, step, top, height, is_last=number == len(steps) - 1)
            top -= height + _GAP_INCHES
    return Drawing(
        figure=figure,
        caption=f"Flow of “{archive}” from the files of the source to the exams that were judged.",
        description=f"Flow of {archive}. " + " ".join(f"{words}." for words in _said(steps)),
        source=f"evaluation/{FLOW.file}",
    )


def _steps(rows: pl.DataFrame) -> list[_Step]:
    steps: list[_Step] = []
    for row in rows.iter_rows(named=True):
        if row["reason"] and steps:
            steps[-1].left.append((row["n"], _reason(row["reason"]), row["unit"]))
            continue
        patients = (
            "" if row["n_patients"] is None else f" ({_count(row['n_patients'], 'patients')})"
        )
        steps.append(_Step(f"{_count(row['n'], row['unit'])} {row['what']}{patients}"))
    return steps


def _reason(code: str) -> str:
    words = _REASON_WORDS.get(code) or REASONS.get(code) or code.replace("_", " ")
    return words[:1].lower() + words[1:].rstrip(".")


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit[:-1] if number == 1 and unit != 'series' else unit}"


def _said(steps: Sequence[_Step]) -> list[str]:
    said = []
    for step in steps:
        said.append(step.text)
        said += [f"left out {_count(n, unit)}, {reason}" for n, reason, unit in step.left]
    return said


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), width, subsequent_indent="")


def _draw_step(axes: Axes, step: _Step, top: float, height: float, *, is_last: bool) -> None:
    own = _PAD_INCHES * 2 + _LINE_INCHES * len(step.lines)
    _draw_box(axes, _MAIN, top, own, step.lines, edge=INK)
    centre = (_MAIN[0] + _MAIN[1]) / 2
    if not is_last:
        _draw_arrow(axes, (centre, top - own), (centre, top - height - _GAP_INCHES))
    if step.side_lines:
        tall = _PAD_INCHES * 2 + _LINE_INCHES * len(step.side_lines)
        _draw_box(axes, _SIDE, top, tall, step.side_lines, edge=MUTED)
        middle = top - min(own, tall) / 2
        _draw_arrow(axes, (_MAIN[1], middle), (_SIDE[0], middle))


def _draw_box(
    axes: Axes,
    between: tuple[float, float],
    top: float,
    height: float,
    lines: Sequence[str],
    *,
    edge: str,
) -> None:
    left, right = between
    axes.add_patch(
        FancyBboxPatch(
            (left, top - height),
            right - left,
            height,
            boxstyle="round,pad=0,rounding_size=0.04",
            facecolor="none",
            edgecolor=edge,
            linewidth=0.8,
        )
    )
    for number, line in enumerate(lines):
        axes.text(
            left + _PAD_INCHES,
            top - _PAD_INCHES - _LINE_INCHES * (number + 0.5),
            line,
            va="center",
            fontsize=_FONT_SIZE,
            color=INK,
        )


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    # Not an annotation, whose arrow is no child of the axes and would keep its placeholder colour.
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            color=MUTED,
            linewidth=0.8,
            shrinkA=0,
            shrinkB=0,
            mutation_scale=9,
        )
    )
