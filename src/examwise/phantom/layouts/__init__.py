"""Layouts of archives by name: how files and labels are written."""

from __future__ import annotations

from examwise.core.registry import Registry

LAYOUTS = Registry(
    "layout",
    {
        "rsna": "examwise.phantom.layouts.rsna:RsnaLayout",
        "cq500": "examwise.phantom.layouts.cq500:Cq500Layout",
        "ct-ich": "examwise.phantom.layouts.ct_ich:CtIchLayout",
    },
)
"""Layout names; each entry is a :class:`~examwise.phantom.layouts.protocol.Layout`."""

USUAL_HOSPITALS = {"rsna": "a", "cq500": "b", "ct-ich": "c"}
"""Layout to the hospital that is made like the archive whose layout it is."""
