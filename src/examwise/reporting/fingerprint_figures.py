"""Drawings of what a store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from examwise.core.schemas.fingerprint import FINGERPRINT
from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.svg import MUTED, SERIES, drawing_style, to_page_svg
from examwise.reporting.words import percent, short

_SIZE_INCHES = (4.9, 3.2)
_BRAIN_RANGE_HU = (-50, 120)
_MOST_BARS = 40
_WHOLE = "all"


def hu_figure(hu: Mapping[str, Any], *, zoomed: bool) -> PageFigure:
    """Draw the histogram of all pixels.

    Args:
        hu: Entry ``hu`` of a fingerprint.
        zoomed: Whether to draw brain and blood alone, or the whole range with a log scale.
    """
    counts = np.asarray(hu["counts"], np.float64)
    width = hu["bin_width_hu"]
    edges = hu["first_edge_hu"] + width * np.arange(len(counts) + 1)
    shares = 100 * counts / counts.sum()
    name = "brain" if zoomed else "all"
    low, high = _BRAIN_RANGE_HU if zoomed else (edges[0], edges[-1])
    shown = (edges[:-1] >= low) & (edges[:-1] < high)
    with drawing_style():
        figure, axes = _axes()
        axes.stairs(shares[shown], [*edges[:-1][shown], edges[:-1][shown][-1] + width],
                    fill=True, color=SERIES[0])  # fmt: skip
        if not zoomed:
            axes.set_yscale("log")
        axes.set_xlabel("HU")
        axes.set_ylabel(f"Pixels, % in {width} HU" + ("" if zoomed else " (log scale)"))
    commonest = edges[int(np.argmax(np.where(shown, counts, -1)))]
    within = percent(float(counts[shown].sum()), float(counts.sum()))
    what = "brain and blood" if zoomed else "all values"
    return _figure(
        figure,
        id=f"figure-hu-{name}",
        caption=f"HU of all pixels: {what}.",
        description=f"Histogram of HU, {what}. The commonest bin begins at {commonest} HU; the "
        f"drawing shows {within} of all pixels.",
    )


def distribution_figure(values: Mapping[str, Any], *, name: str, label: str) -> PageFigure:
    """Draw how a number is distributed over exams.

    Args:
        values: A distribution of a fingerprint, of at least one exam.
        name: Names the figure within the page.
        label: What the number is, with its unit.
    """
    numbers, counts = np.asarray(values["counts"], np.float64).T
    if len(numbers) > _MOST_BARS:
        counts, edges = np.histogram(numbers, bins=_MOST_BARS, weights=counts)
        numbers, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    else:
        width = 0.8 * float(np.diff(numbers).min()) if len(numbers) > 1 else 0.4
    with drawing_style():
        figure, axes = _axes()
        # A lone narrow bar in a wide range would not be seen.
        extent = float(np.ptp(numbers)) or 1.0
        axes.bar(numbers, counts, width=max(width, extent / 120), color=SERIES[0])
        axes.set_xlabel(label)
        axes.set_ylabel("Exams")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        if len(numbers) == 1:
            axes.set_xlim(numbers[0] - 2, numbers[0] + 2)
    missing = f"; {values['missing']:,} exams without it" if values["missing"] else ""
    return _figure(
        figure,
        id=f"figure-{name}",
        caption=f"{label[0].upper()}{label[1:]}, over exams{missing}.",
        description=f"Bar chart: {label}. Median {short(values['median'])}, from "
        f"{short(values['minimum'])} to {short(values['maximum'])}{missing}.",
    )


def prevalence_figure(prevalence: Sequence[Mapping[str, Any]]) -> PageFigure:
    """Draw the share of positive exams by finding and part.

    Args:
        prevalence: Entry ``prevalence`` of a fingerprint, of at least one finding.
    """
    findings = list(dict.fromkeys(row["finding"] for row in prevalence))
    parts = list(dict.fromkeys(row["part"] for row in prevalence))
    parts = [part for part in parts if part != _WHOLE] or parts
    height = 0.8 / len(parts)
    said = []
    with drawing_style():
        figure, axes = _axes()
        for place, part in enumerate(parts):
            own = {row["finding"]: row for row in prevalence if row["part"] == part}
            shares = [
                100 * own[finding]["exams_positive"] / (own[finding]["exams_labelled"] or 1)
                for finding in findings
            ]
            rows = np.arange(len(findings)) - 0.4 + height * (place + 0.5)
            axes.barh(rows, shares, height=0.9 * height, color=SERIES[place], label=part)
            said += [
                f"{finding}, {part}: {share:.1f}%"
                for finding, share in zip(findings, shares, strict=True)
            ]
        axes.set_yticks(range(len(findings)), findings)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("Positive among labelled exams, %")
        if len(parts) > 1:
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2)
    return _figure(
        figure,
        id="figure-prevalence",
        caption="Prevalence by finding and part.",
        description="Bar chart of the share of positive exams. " + "; ".join(said) + ".",
    )


def _axes() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.add_subplot()
    axes.grid(color=MUTED, linewidth=0.5, alpha=0.55)
    axes.set_axisbelow(True)
    return figure, axes


def _figure(figure: Figure, *, id: str, caption: str, description: str) -> PageFigure:
    svg = to_page_svg(figure, prefix=id, description=description)
    return PageFigure(id=id, caption=caption, svg=svg, source=FINGERPRINT)
