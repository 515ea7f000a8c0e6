from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from examwise.reporting.ratio_figure import leading_unit, ratio_figure
from examwise.reporting.study_files import StudyFiles, read_study


@pytest.fixture(scope="module")
def full(full_study: Path) -> StudyFiles:
    return read_study(full_study)


def test_every_archive_and_way_has_a_line(full: StudyFiles) -> None:
    figure = ratio_figure(full)
    assert figure is not None
    for archive in ("test", "elsewhere", "far-away"):
        assert f"{archive}, spread: 1.65 [0.90 or more]." in figure.svg
        assert f"{archive}, exam by exam: 0.66 [0.40 to 1.70]." in figure.svg


@pytest.mark.parametrize(
    "values",
    [
        {"ratio": None, "ratio_lower": 3.0, "ratio_upper": None, "interval": "open_above"},
        {"ratio": 0.0, "ratio_lower": None, "ratio_upper": 0.5, "interval": "open_below"},
        {"ratio": 2.0, "ratio_lower": None, "ratio_upper": None, "interval": "not_estimable"},
        {"ratio": 2.0, "ratio_lower": 0.0, "ratio_upper": 900.0, "interval": "closed"},
        {"ratio": 2.0, "ratio_lower": 1.5, "ratio_upper": 2.5, "strong_at_most": True},
    ],
)
def test_whatever_is_known_is_drawn(full: StudyFiles, values: dict[str, object]) -> None:
    ratios = full.ratios.with_columns(
        *(pl.lit(value, full.ratios.schema[name]).alias(name) for name, value in values.items())
    )
    assert ratio_figure(replace(full, ratios=ratios)) is not None


def test_nothing_known_nothing_drawn(full: StudyFiles) -> None:
    ratios = full.ratios.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in ("ratio", "ratio_lower", "ratio_upper")),
        pl.lit("not_estimable").alias("interval"),
    )
    assert ratio_figure(replace(full, ratios=ratios)) is None
    assert ratio_figure(replace(full, ratios=ratios.clear())) is None


def test_leading_unit() -> None:
    assert leading_unit(pl.DataFrame({"unit": ["labels", "hours", "actions"]})) == "hours"
    assert leading_unit(pl.DataFrame({"unit": ["labels"]})) == "labels"
