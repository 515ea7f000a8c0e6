from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examwise.reporting.plan_section import plan_section
from examwise.reporting.study_files import StudyFiles, read_study


@pytest.fixture(scope="module")
def study(curved_study: Path) -> StudyFiles:
    return read_study(curved_study)


def test_a_study_without_a_plan(full_study: Path) -> None:
    assert plan_section(read_study(full_study)) is None


def test_what_is_missing_shows(study: StudyFiles) -> None:
    section = plan_section(study)
    assert section is not None
    (table,) = section.tables
    assert table.rows[0] == ("Strong, spread", "first", "30", "3", "2")
    assert ("Weak", "full", "100", "1", "1") in table.rows
    assert table.rows[-1][1] == "no labels"
    assert section.points == (
        f"Begun with {sum(int(row[3]) for row in table.rows) - 1} runs and 1 external archive.",
        "Added later: 1 run and 1 external archive.",
    )


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"name": "published", "time_limit_hours": None}, "“published” grid"),
        ({"name": None, "time_limit_hours": 8.0}, "a time limit of 8 hours"),
    ],
)
def test_a_grid_is_named(study: StudyFiles, grid: dict[str, Any], words: str) -> None:
    configuration = dict(study.manifest.configuration)
    configuration["study"] = {**configuration["study"], "grid": grid}
    manifest = replace(study.manifest, configuration=configuration)
    section = plan_section(replace(study, manifest=manifest))
    assert section is not None
    assert words in " ".join(section.paragraphs)
