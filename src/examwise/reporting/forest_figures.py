"""Drawings of estimates with their intervals, one below the other."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examwise.core.schemas.evidence import COMPARISONS, SUBGROUPS
from examwise.reporting.curve_drawing import MARKERS
from examwise.reporting.drawing import Drawing
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.svg import INK, MUTED, SERIES, drawing_style, legend_above
from examwise.reporting.words import TRAIT_WORDS, auc_with_interval, signed, signed_interval

_WIDTH_INCHES = 4.6
_ROW_INCHES = (0.3, 0.38, 0.5)
_LABEL_CHARACTERS = 30
_EDGE_INCHES = 0.9
_SPREAD = 0.2


@dataclass(frozen=True)
class _Line:
    place: int
    height: float
    value: float
    lower: float | None
    upper: float | None
    outer: tuple[float, float] | None = None


def draw_subgroups(
    tables: EvaluationTables, runs: Sequence[NamedRun], *, archive: str, finding: str
) -> Drawing | None:
    """Draw the AUC in every subgroup of one archive.

    Args:
        tables: Of the evaluation.
        runs: Those to draw.
        archive: Whose test exams these are.
        finding: Of what.

    Returns:
        None where there is no subgroup.
    """
    rows = tables.read(SUBGROUPS).filter(
        (pl.col("archive") == archive)
        & (pl.col("finding") == finding)
        & pl.col("run_id").is_in([run.run_id for run in runs])
    )
    if rows["auc"].drop_nulls().is_empty():
        return None
    order = list(TRAIT_WORDS)
    groups = sorted(
        rows.group_by("trait", "group")
        .agg(pl.col("position").min(), pl.col("n_exams").max(), pl.col("n_positive").max())
        .rows(),
        key=lambda row: (order.index(row[0]), row[2]),
    )
    found = {(row["trait"], row["group"], row["run_id"]): row for row in rows.iter_rows(named=True)}
    labels, lines, heights, heads = [], [], [], []
    height = 0.0
    said: dict[str, list[str]] = {run.name: [] for run in runs}
    for number, (trait, group, _, n_exams, n_positive) in enumerate(groups):
        if number == 0 or trait != groups[number - 1][0]:
            height -= 1.0
            heads.append((height, TRAIT_WORDS[trait]))
        height -= 1.0
        heights.append(height)
        labels.append(f"{group} ({n_positive:,} / {n_exams:,})")
        for run, shift in zip(runs, _shifts(len(runs)), strict=True):
            row = found.get((trait, group, run.run_id))
            if row is None or row["auc"] is None:
                continue
            lines.append(
                _Line(run.place, height - shift, row["auc"], row["auc_lower"], row["auc_upper"])
            )
            said[run.name].append(
                f"{group} {auc_with_interval(row['auc'], row['auc_lower'], row['auc_upper'])}"
            )
    with drawing_style():
        figure, axes = _forest(lines, heights, labels, bottom=height - 0.6, top=-0.4)
        for at, words in heads:
            axes.annotate(
                words,
                (0.0, at),
                xycoords=axes.get_yaxis_transform(),
                textcoords="offset points",
                xytext=(-4, 0),
                ha="right",
                va="center",
                fontweight="bold",
                color=INK,
            )
        axes.set_xlabel("Exam AUC")
        axes.set_xlim(right=min(axes.get_xlim()[1], 1.01))
        _legend(figure, axes, runs)
    return Drawing(
        figure=figure,
        caption=f"Exam AUC by subgroup on test exams of “{archive}”, with 95% intervals; in "
        "brackets positive exams / exams. Of kinds and sizes, a group's positive exams stand "
        "against all negative ones. Subgroups describe; they test nothing.",
        description=f"Exam AUC by subgroup in {archive}. "
        + " ".join(f"{name}: {', '.join(parts)}." for name, parts in said.items() if parts),
        source=f"evaluation/{SUBGROUPS.file}",
    )


def draw_comparisons(
    tables: EvaluationTables,
    names: Mapping[str, str],
    *,
    archive: str,
    finding: str,
) -> Drawing | None:
    """Draw the difference of two runs' AUCs for every comparison in one archive.

    Args:
        tables: Of the evaluation.
        names: Run to what it is called.
        archive: Whose test exams these are.
        finding: Of what.

    Returns:
        None where nothing is compared.
    """
    rows = tables.read(COMPARISONS).filter(
        (pl.col("archive") == archive)
        & (pl.col("finding") == finding)
        & pl.col("difference").is_not_null()
    )
    if rows.is_empty():
        return None
    lines, heights, labels, said = [], [], [], []
    for number, row in enumerate(rows.iter_rows(named=True)):
        pair = comparison_name(row, names)
        heights.append(-float(number))
        labels.append(pair)
        outer = (row["band_lower"], row["band_upper"])
        lines.append(
            _Line(
                0,
                -float(number),
                row["difference"],
                row["lower"],
                row["upper"],
                outer if None not in outer else None,
            )
        )
        limits = signed_interval(row["lower"], row["upper"])
        said.append(f"{pair} {signed(row['difference'])} {limits}")
    with drawing_style():
        figure, axes = _forest(lines, heights, labels, bottom=-len(labels) + 0.4, top=0.6)
        axes.axvline(0.0, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        axes.set_xlabel("Difference of exam AUCs")
    return Drawing(
        figure=figure,
        caption=f"Differences of exam AUCs on the same test exams of “{archive}”. Thick: 95% "
        "interval of each; thin: 95% over all of these comparisons together.",
        description=f"Differences of exam AUCs in {archive}. "
        + " ".join(f"{words}." for words in said),
        source=f"evaluation/{COMPARISONS.file}",
    )


def comparison_name(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Name a comparison by both of its runs.

    Example:
        >>> comparison_name({"run_id": "a", "other_run_id": "b"}, {"a": "Weak", "b": "Strong"})
        'Weak − Strong'
    """
    one, other = (names.get(row[key], row[key]) for key in ("run_id", "other_run_id"))
    return f"{one} − {other}"


def _shifts(number: int) -> list[float]:
    if number == 1:
        return [0.0]
    return [_SPREAD * (2 * place / (number - 1) - 1) for place in range(number)]


def _forest(
    lines: Sequence[_Line],
    heights: Sequence[float],
    labels: Sequence[str],
    *,
    bottom: float,
    top: float,
) -> tuple[Figure, Axes]:
    wrapped = [textwrap.fill(label, _LABEL_CHARACTERS) for label in labels]
    n_lines = max(label.count("\n") + 1 for label in wrapped)
    height = _EDGE_INCHES + _ROW_INCHES[min(n_lines, len(_ROW_INCHES)) - 1] * (top - bottom)
    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    axes = figure.add_subplot()
    for line in lines:
        colour = SERIES[line.place % len(SERIES)]
        if line.outer is not None:
            axes.hlines(line.height, *line.outer, color=colour, linewidth=0.7)
        if line.lower is not None and line.upper is not None:
            axes.hlines(line.height, line.lower, line.upper, color=colour, linewidth=1.8)
        axes.plot(
            [line.value],
            [line.height],
            color=colour,
            marker=MARKERS[line.place % len(MARKERS)],
            markersize=4.5,
        )
    axes.set_ylim(bottom, top)
    axes.set_yticks(heights, wrapped)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=MUTED, linewidth=0.5, alpha=0.45)
    return figure, axes


def _legend(figure: Figure, axes: Axes, runs: Sequence[NamedRun]) -> None:
    for run in runs:
        axes.plot(
            [],
            [],
            color=SERIES[run.place % len(SERIES)],
            marker=MARKERS[run.place % len(MARKERS)],
            markersize=4.5,
            linewidth=1.8,
            label=run.name,
        )
    legend_above(figure, axes)
