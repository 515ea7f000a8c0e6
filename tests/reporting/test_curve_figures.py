from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from examwise.reporting.curve_figures import cost_column, curve_figure
from examwise.reporting.study_files import read_study


@pytest.fixture(scope="module")
def curve(study: Path) -> pl.DataFrame:
    return read_study(study).curve


def test_values_are_said_in_words(curve: pl.DataFrame) -> None:
    figure = curve_figure(curve, ("strong", "weak"), column="budget", target_auc=0.8)
    assert "Strong (slice labels): 0.71 [0.64, 0.76] at 30 labels;" in figure.svg
    assert "0.81 [0.74, 0.86] at 100 labels." in figure.svg
    assert "target 0.8" in figure.svg


def test_a_single_budget_without_interval(curve: pl.DataFrame) -> None:
    one = curve.filter(pl.col("budget") == 30).with_columns(
        pl.lit(None, pl.Float64).alias("auc_lower"), pl.lit(None, pl.Float64).alias("auc_upper")
    )
    figure = curve_figure(one, ("strong",), column="mean_reader_hours", target_auc=None)
    assert "0.71 [no interval]" in figure.svg


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([0.5, 2.0], "mean_reader_hours"),
        ([None, 2.0], "mean_reader_actions"),
        ([0.0, 2.0], "mean_reader_actions"),
    ],
)
def test_effort_is_hours_where_all_are_given(hours: list[float | None], expected: str) -> None:
    assert cost_column(pl.DataFrame({"mean_reader_hours": hours})) == expected
