from __future__ import annotations

import re
from pathlib import Path

from examwise.reporting.roc_figure import roc_figure
from examwise.reporting.study_files import read_study


def test_drawings_are_reproducible(study: Path) -> None:
    first, second = (roc_figure(read_study(study)).svg for _ in range(2))
    assert first == second


def test_only_the_pages_colours_are_used(study: Path) -> None:
    svg = roc_figure(read_study(study)).svg
    assert re.findall(r"#[0-9a-f]{6}\b", svg) == []
    assert "var(--series-0)" in svg
    assert "var(--series-1)" in svg
    assert "currentColor" in svg
    assert "font-family" not in svg
    assert "<text" in svg
