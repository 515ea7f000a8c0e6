"""Matplotlib figures as SVG that stands inside a page: its colours, its font, unique ids.

Drawing uses placeholder colours, which become the page's CSS variables, so that one drawing reads
on light and on dark.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from contextlib import AbstractContextManager

import matplotlib as mpl
import matplotlib.style
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK = "#010101"
"""Text and axes: the page's text colour."""
MUTED = "#020202"
"""Grid, reference lines: the page's line colour."""
SERIES = ("#030303", "#040404", "#050505", "#060606", "#070707", "#080808")
"""Arms in order: the page's series colours, from a colour-blind-safe set."""

_CSS_COLOUR = {
    INK: "currentColor",
    MUTED: "var(--line-strong)",
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES)},
}
_DRAWING = {
    "svg.hashsalt": "examwise",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
}
_REFERENCE = re.compile(r"#([\w.-]+)")
# Matplotlib names the font in one property or in two, by version; the page has its own.
_FONT = re.compile(r"font: (?:[\w.]+ )*?([\d.]+px) [^;\"]*")
_FAMILY = re.compile(r"font-family: [^;\"]*; ?")


def drawing_style() -> AbstractContextManager[None]:
    """Return the context in which figures are made: this style, whatever a user's defaults are."""
    return mpl.style.context(["default", _DRAWING])


def to_page_svg(figure: Figure, *, prefix: str, description: str) -> Markup:
    """Draw a figure as an ``<svg>`` element for a page.

    The same figure gives the same bytes: ids come from a fixed salt, and no date is written.

    Args:
        figure: Drawn with the placeholder colours of this module.
        prefix: Put before every id, unique within the page.
        description: Text alternative.

    Example:
        >>> "aria-label" in to_page_svg(Figure(), prefix="a", description="Nothing.")
        True
    """
    buffer = io.BytesIO()
    with drawing_style():
        FigureCanvasSVG(figure).print_svg(
            buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    root = ElementTree.fromstring(buffer.getvalue())
    _strip_namespaces(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("metadata", "style"):
                parent.remove(child)
    _rename_ids(root, prefix)
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.attrib.pop("version", None)
    root.attrib |= {"role": "img", "aria-label": description}
    root.attrib.setdefault("viewBox", f"0 0 {width} {height}")
    text = ElementTree.tostring(root, encoding="unicode", method="html")
    for placeholder, colour in _CSS_COLOUR.items():
        text = text.replace(placeholder, colour)
    # ElementTree has escaped all text.
    return Markup(_FAMILY.sub("", _FONT.sub(r"font-size: \1", text)))


def _strip_namespaces(root: ElementTree.Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}


def _rename_ids(root: ElementTree.Element, prefix: str) -> None:
    used = {
        name
        for element in root.iter()
        for key, value in element.attrib.items()
        if key == "href" or "url(" in value
        for name in _REFERENCE.findall(value)
    }
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.attrib["id"] = f"{prefix}-{name}"
        for key, value in element.attrib.items():
            if key == "href":
                element.attrib[key] = f"#{prefix}-{value[1:]}"
            elif "url(#" in value:
                element.attrib[key] = value.replace("url(#", f"url(#{prefix}-")
