"""Pages from templates: every value is escaped, a missing one is an error."""

from __future__ import annotations

from importlib import resources
from typing import Any

import jinja2

_STYLE, _SCRIPT = "style.css", "interactive_figures.js"


def render_template(name: str, **values: Any) -> str:
    """Write a page out as HTML.

    Args:
        name: Template beside this module; it is given the style sheet as ``style``, and what
            makes figures interactive as ``script``.
        values: What it shows.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(
        style=_read(_STYLE), script=_read(_SCRIPT), **values
    )


def _read(name: str) -> str:
    return resources.files("examwise.reporting").joinpath(name).read_text("utf-8")
