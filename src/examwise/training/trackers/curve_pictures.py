"""Curves drawn, for trackers that show pictures."""

from __future__ import annotations

import io

import matplotlib as mpl
import matplotlib.style
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from examwise.core.tracking import CURVES

_INCHES = 4.5
_DOTS_PER_INCH = 120
_WITH_DIAGONAL = ("roc", "calibration")


def draw_curve(name: str, frame: pl.DataFrame) -> bytes:
    """Draw the curve of each finding; return a PNG.

    Args:
        name: A name in :data:`examwise.core.tracking.CURVES`.
        frame: The curve's table.

    Example:
        >>> points = {"finding": ["any"] * 2, "recall": [0.0, 1.0], "precision": [1.0, 0.4]}
        >>> draw_curve("precision_recall", pl.DataFrame(points))[1:4]
        b'PNG'
    """
    across, up = CURVES[name]
    with mpl.style.context("default"):  # whatever a user's own defaults are
        figure = Figure(figsize=(_INCHES, _INCHES), layout="constrained")
        axes = figure.add_subplot()
        if name in _WITH_DIAGONAL:
            axes.plot([0, 1], [0, 1], color="0.75", linewidth=0.8)
        for (finding,), rows in frame.group_by("finding", maintain_order=True):
            marker = "o" if name == "calibration" else None
            axes.plot(rows[across], rows[up], marker=marker, markersize=3, label=str(finding))
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set_xlabel(across.replace("_", " "))
        axes.set_ylabel(up.replace("_", " "))
        axes.legend(frameon=False, fontsize="small")
        buffer = io.BytesIO()
        FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"dpi": (_DOTS_PER_INCH,) * 2})
    return buffer.getvalue()
