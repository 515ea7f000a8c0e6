from __future__ import annotations

from pathlib import Path

from examwise.core.manifest import read_manifest
from examwise.core.storage import Storage
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.flow_figure import draw_flow


def _tables(study: Path) -> EvaluationTables:
    url = study / "evaluation"
    return EvaluationTables(Storage(url), read_manifest(url, kind="evaluation"), "any")


def test_every_step_and_reason_is_drawn(proven_study: Path) -> None:
    drawing = draw_flow(_tables(proven_study), archive="far-away")
    assert drawing is not None
    svg = drawing.on_page("figure-flow").svg
    for words in (
        "2,310 files in the source",
        "Left out: 43 files",
        "20: in the training part",
        "Left out: 34 series:",
        "75 exams judged (71 patients)",
    ):
        assert words in svg
    assert "<angle>" not in svg


def test_nothing_is_drawn_of_what_is_not_known(study: Path, proven_study: Path) -> None:
    assert draw_flow(_tables(study), archive="test") is None
    assert draw_flow(_tables(proven_study), archive="nowhere") is None
