from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.reporting.study_arms import (
    Arm,
    label_free_scores,
    largest_budget,
    study_arms,
)
from examwise.reporting.study_files import read_study

PAIRS = [
    ("strong", "spread"),
    ("strong", "whole_exam"),
    ("weak", "exam"),
    ("pooled", "exam"),
    ("team.Learner", "spread"),
]


def curve(pairs: list[tuple[str, str]], mode: str = BUDGETED) -> pl.DataFrame:
    rows = [
        {"learner": learner, "acquisition": way, "mode": mode, "budget": budget}
        for learner, way in pairs
        for budget in (10, 20)
    ]
    schema = {"learner": pl.String, "acquisition": pl.String, "mode": pl.String, "budget": pl.Int32}
    return pl.DataFrame(rows, schema=schema)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(PAIRS), unique=True))
def test_main_arms_come_first_whatever_the_order(pairs: list[tuple[str, str]]) -> None:
    found = study_arms(curve(pairs), {}, strong="strong", weak="weak")
    assert {(arm.learner, arm.acquisition) for arm in found} == set(pairs)
    assert [arm.place for arm in found] == list(range(len(pairs)))
    assert [arm.is_main for arm in found] == sorted((arm.is_main for arm in found), reverse=True)
    named = [arm.name for arm in found]
    assert len(set(named)) == len(named)


def test_arms_of_a_learner_stand_as_configured() -> None:
    arms = [
        {"learner": "strong", "acquisition": "whole_exam"},
        {"learner": "strong", "acquisition": "spread"},
    ]
    found = study_arms(curve(PAIRS), {"study": {"arms": arms}}, strong="strong", weak="weak")
    assert [arm.name for arm in found[:3]] == ["Strong, exam by exam", "Strong, spread", "Weak"]


def test_a_learner_of_the_teams_own_may_be_the_strong_one() -> None:
    found = study_arms(curve(PAIRS), {}, strong="team.Learner", weak="weak")
    assert [arm.learner for arm in found if arm.is_main] == ["team.Learner", "weak"]


def test_what_has_no_labels_is_no_arm() -> None:
    free = curve([("mean_hu", "none"), ("pretext", "none")], LABEL_FREE)
    assert study_arms(free, {}, strong="strong", weak="weak") == ()
    assert label_free_scores(free) == ("pretext", "mean_hu")


def test_largest_budgets() -> None:
    arm = Arm("weak", "exam", 0, True, False)
    assert largest_budget(arm, curve(PAIRS))["budget"].to_list() == [20]
    assert largest_budget(arm, curve(PAIRS), FINE_TUNED).is_empty()
    assert arm.named(FINE_TUNED) == "Weak, fine-tuned"


@pytest.mark.parametrize(
    ("fixture", "expected"),
    [("study", ["Strong", "Weak"]), ("full_study", ["Strong, spread", "Strong, exam by exam"])],
)
def test_arms_of_a_study(request: pytest.FixtureRequest, fixture: str, expected: list[str]) -> None:
    study: Path = request.getfixturevalue(fixture)
    found = read_study(study)
    assert [arm.name for arm in found.main_arms][:2] == expected
    assert [arm.name for arm in found.reference_arms] == (
        ["Pooled", "Position only"] if fixture == "full_study" else []
    )
