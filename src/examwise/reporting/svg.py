"""Matplotlib figures as SVG that stands inside a page, and as files that stand alone.

Drawing uses placeholder colours. On a page they become its CSS variables, so that one drawing reads
on light and on dark; in files they become those of the light page.
"""

from __future__ import annotations

import io
import re
import textwrap
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.style
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex, to_rgba, to_rgba_array
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
_FILE_COLOUR = {
    INK: "#1d2126",
    MUTED: "#a3a59f",
    **dict(
        zip(
            SERIES,
            ("#0063a6", "#c04f00", "#007a5a", "#8a4a85", "#6a6f00", "#4a5a6a"),
            strict=True,
        )
    ),
}
_NO_DATES = {"Date": None, "Creator": None, "Format": None, "Type": None}
_PNG_DPI = 200
_LEGEND_CHARACTERS_PER_INCH = 12.5
_LEGEND_LINE_INCHES = 0.18
_COLOURED = ("color", "markerfacecolor", "markeredgecolor", "facecolor", "edgecolor")
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
_PART = re.compile(r"(axes|xtick|ytick|line2d|text|\w*Collection)_\d+")
_REFERENCE = re.compile(r"#([\w.-]+)")
# Matplotlib names the font in one property or in two, by version; the page has its own.
_FONT = re.compile(r"font: (?:[\w.]+ )*?([\d.]+px) [^;\"]*")
_FAMILY = re.compile(r"font-family: [^;\"]*; ?")


def drawing_style() -> AbstractContextManager[None]:
    """Return the context in which figures are made: this style, whatever a user's defaults are."""
    return mpl.style.context(["default", _DRAWING])


def legend_above(figure: Figure, axes: Axes) -> None:
    """Put a legend above the axes, long entries on several lines, and make the figure higher by it.

    Args:
        figure: Of constrained layout; holds one axes.
        axes: Whose entries are shown.
    """
    handles, labels = axes.get_legend_handles_labels()
    width, height = figure.get_size_inches()
    characters = int(width * _LEGEND_CHARACTERS_PER_INCH)
    wrapped = [textwrap.fill(label, characters) for label in labels]
    n_lines = sum(label.count("\n") + 1 for label in wrapped)
    figure.set_size_inches(width, height + _LEGEND_LINE_INCHES * n_lines)
    figure.legend(handles, wrapped, loc="outside upper left", borderaxespad=0.2)


def to_page_svg(
    figure: Figure, *, prefix: str, description: str, names_parts: bool = False
) -> Markup:
    """Draw a figure as an ``<svg>`` element for a page.

    The same figure gives the same bytes: ids come from a fixed salt, and no date is written.

    Args:
        figure: Drawn with the placeholder colours of this module.
        prefix: Put before every id, unique within the page.
        description: Text alternative.
        names_parts: Whether axes, ticks, lines and words keep Matplotlib's names for them, as
            ``data-part``.

    Example:
        >>> "aria-label" in to_page_svg(Figure(), prefix="a", description="Nothing.")
        True
    """
    buffer = io.BytesIO()
    with drawing_style():
        FigureCanvasSVG(figure).print_svg(buffer, metadata=_NO_DATES)
    root = ElementTree.fromstring(buffer.getvalue())
    _strip_namespaces(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("metadata", "style"):
                parent.remove(child)
    _rename_ids(root, prefix, names_parts=names_parts)
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.attrib.pop("version", None)
    root.attrib |= {"role": "img", "aria-label": description}
    root.attrib.setdefault("viewBox", f"0 0 {width} {height}")
    text = ElementTree.tostring(root, encoding="unicode", method="html")
    for placeholder, colour in _CSS_COLOUR.items():
        text = text.replace(placeholder, colour)
    # ElementTree has escaped all text.
    return Markup(_FAMILY.sub("", _FONT.sub(r"font-size: \1", text)))


def to_svg_file(figure: Figure, *, title: str) -> bytes:
    """Draw a figure as an SVG file that stands alone, on white.

    Args:
        figure: Drawn with the placeholder colours of this module.
        title: Text alternative.

    Example:
        >>> b"<svg" in to_svg_file(Figure(), title="Nothing.")
        True
    """
    buffer = io.BytesIO()
    with drawing_style(), _coloured(figure):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={**_NO_DATES, "Title": title})
    return buffer.getvalue()


def to_png(figure: Figure) -> bytes:
    """Draw a figure as a PNG file of 200 dots per inch, on white.

    Args:
        figure: Drawn with the placeholder colours of this module.

    Example:
        >>> to_png(Figure(figsize=(1, 1)))[1:4]
        b'PNG'
    """
    buffer = io.BytesIO()
    dots = figure.get_dpi()
    with drawing_style(), _coloured(figure):
        figure.set_dpi(_PNG_DPI)
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
        figure.set_dpi(dots)
    return buffer.getvalue()


@contextmanager
def _coloured(figure: Figure) -> Iterator[None]:
    """Lend a figure the colours of a file."""
    # Drawing makes the ticks, which are to be coloured, too.
    FigureCanvasAgg(figure).draw()
    before: list[tuple[Callable[[Any], None], Any]] = [
        (figure.set_facecolor, figure.get_facecolor())
    ]
    figure.set_facecolor("white")
    for artist in figure.findobj(include_self=False):
        for name in _COLOURED:
            found = getattr(artist, f"get_{name}", None)
            change = getattr(artist, f"set_{name}", None)
            if found is None or change is None:
                continue
            colour = found()
            in_file = _in_file(colour)
            if in_file is not None:
                before.append((change, colour))
                change(in_file)
    try:
        yield
    finally:
        for change, colour in before:
            change(colour)


def _in_file(colour: Any) -> Any:
    """Return what stands in a file for a placeholder, or for an array of some; None for others."""
    rgba = to_rgba_array(colour)
    found = [_FILE_COLOUR.get(to_hex(one[:3])) for one in rgba]
    if not any(found):
        return None
    changed = [
        one if name is None else to_rgba(name, one[3])
        for one, name in zip(rgba, found, strict=True)
    ]
    return changed[0] if len(changed) == 1 else changed


def _strip_namespaces(root: ElementTree.Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}


def _rename_ids(root: ElementTree.Element, prefix: str, *, names_parts: bool) -> None:
    used = {
        name
        for element in root.iter()
        for key, value in element.attrib.items()
        if key == "href" or "url(" in value
        for name in _REFERENCE.findall(value)
    }
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if names_parts and name is not None and (part := _PART.fullmatch(name)):
            element.attrib["data-part"] = part[1]
        if name in used:
            element.attrib["id"] = f"{prefix}-{name}"
        for key, value in element.attrib.items():
            if key == "href":
                element.attrib[key] = f"#{prefix}-{value[1:]}"
            elif "url(#" in value:
                element.attrib[key] = value.replace("url(#", f"url(#{prefix}-")
