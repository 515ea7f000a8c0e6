from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from examwise.core.manifest import read_manifest
from examwise.core.schemas.slice_evidence import FROC_POINTS, SEQUENCE_METRICS
from examwise.core.stage import Stage
from examwise.core.tables import TableSchema
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.slice_figures import draw_froc, draw_run_lengths, draw_sequences
from examwise.reporting.study_files import read_study

RUNS = [
    NamedRun("strong-480-0-fine-tuned", "Strong", 0),
    NamedRun("weak-100-0-fine-tuned", "Weak", 1),
]
ABOUT = {"archive": "test", "finding": "any"}


@pytest.fixture(scope="module")
def tables(explained_study: Path) -> EvaluationTables:
    return read_study(explained_study).tables


def with_table(tmp_path: Path, schema: TableSchema, frame: pl.DataFrame) -> EvaluationTables:
    stage = Stage.begin(tmp_path / "e", kind="evaluation", configuration={}, inputs={}, seed=0)
    schema.write(stage.storage, frame)
    stage.finish(outputs=[schema.file])
    return EvaluationTables(stage.storage, read_manifest(tmp_path / "e", kind="evaluation"))


@pytest.mark.parametrize("measure", ["mean_f1", "recall", "precision"])
def test_sequences_have_a_line_for_every_estimator_and_position(
    tables: EvaluationTables, measure: str
) -> None:
    drawing = draw_sequences(tables, RUNS, measure=measure, **ABOUT)
    assert drawing is not None
    (axes,) = drawing.figure.axes
    assert [line.get_label() for line in axes.get_lines()] == [
        "Strong: slice probability",
        "Weak: slice probability",
        "Weak: attention weight",
        "Weak: Shapley value of the slice",
        "Strong: position alone",
        "Weak: position alone",
    ]
    line = axes.get_lines()[0]
    own = tables.read(SEQUENCE_METRICS).filter(
        run_id=RUNS[0].run_id,
        archive="test",
        estimator="slice_probability",
        threshold_rule="validation",
        offset=1,
    )
    assert line.get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert line.get_ydata().tolist() == own.sort("min_length")[measure].to_list()
    assert "fitted on the test" not in drawing.description


def test_run_lengths_and_froc_are_drawn(tables: EvaluationTables) -> None:
    lengths, froc = draw_run_lengths(tables, RUNS, **ABOUT), draw_froc(tables, RUNS, **ABOUT)
    assert lengths is not None
    assert froc is not None
    assert "The last: 8 slices and more." in lengths.caption
    (axes,) = froc.figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (0.125, 8.0)


def test_position_is_one_line_where_runs_agree(tables: EvaluationTables) -> None:
    drawing = draw_froc(tables, RUNS[:1], **ABOUT)
    assert drawing is not None
    assert [line.get_label() for line in drawing.figure.axes[0].get_lines()] == [
        "Strong: slice probability",
        "Position alone",
    ]


def test_nothing_known_is_not_drawn(tables: EvaluationTables, study: Path) -> None:
    older = read_study(study).tables
    for draw in (draw_sequences, draw_run_lengths, draw_froc):
        assert draw(older, RUNS, **ABOUT) is None
        assert draw(tables, RUNS, archive="nowhere", finding="any") is None
        assert draw(tables, [], **ABOUT) is None


def test_missing_values_and_limits_are_left_out(tmp_path: Path) -> None:
    named = {"run_id": "a", "learner": "weak", "archive": "test", "finding": "any"}
    frame = FROC_POINTS.frame(
        [
            {
                **named,
                "estimator": "slice_probability",
                "false_positives_per_exam": alarms,
                "sensitivity": value,
                "sensitivity_lower": None,
                "sensitivity_upper": None,
            }
            for alarms, value in ((0.0, 0.2), (0.5, None), (1.0, 0.6))
        ]
    )
    drawing = draw_froc(
        with_table(tmp_path, FROC_POINTS, frame), [NamedRun("a", "Weak", 0)], **ABOUT
    )
    assert drawing is not None
    (line,) = drawing.figure.axes[0].get_lines()
    assert line.get_ydata().tolist() == [0.2, 0.6]
    assert "0.20 [no interval] at 0" in drawing.description
    assert drawing.figure.axes[0].get_xscale() == "linear"
