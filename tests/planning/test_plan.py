from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.auc_power import needed_exams
from examwise.planning.plan import make_plan
from examwise.planning.question import PublicModel, Question, Reports

ASKED = Question(hours=80.0, prevalence=0.4, margin=0.05, goal=0.85, is_local=True)


def way_of(plan, name):
    (found,) = (way for way in plan.ways if way.name.startswith(name))
    return found


def test_a_test_set_comes_first(studied, prices):
    plan = make_plan(studied, prices, ASKED)
    n = needed_exams(auc=0.85, margin=0.05, prevalence=0.4, correlation=0.5, power=0.8)
    assert plan.test_set.exams == n
    assert plan.test_set.hours == pytest.approx(2 * n * 63 / 3600)
    assert plan.hours_left == pytest.approx(80 - plan.test_set.hours)
    known = make_plan(studied, prices, replace(ASKED, test_labelled=n))
    assert known.test_set.hours == 0
    with pytest.raises(InputError, match=r"--hours: expected more than the [\d.]+ hours"):
        make_plan(studied, prices, replace(ASKED, hours=1.0))


@settings(deadline=None, max_examples=25)
@given(st.floats(30.0, 400.0), st.floats(0.1, 0.7), st.floats(0.0, 0.5))
def test_labels_are_as_many_as_the_hours_reach_for(studied, prices, hours, prevalence, twice):
    asked = replace(ASKED, hours=hours, prevalence=prevalence, double_reading=twice, readers=1)
    try:
        plan = make_plan(studied, prices, asked)
    except InputError:
        return
    for way in plan.ways:
        assert way.hours <= plan.hours_left * (1 + 1e-9)
        if way.labels > 5:
            assert way.hours > 0.7 * plan.hours_left
    exam = way_of(plan, "exam labels")
    assert exam.hours == pytest.approx((1 + twice) * exam.labels * 63 / 3600)
    spread = way_of(plan, "single slices")
    assert spread.hours == pytest.approx((1 + twice) * spread.labels * 9 / 3600)
    first = way_of(plan, "exam first")
    per_exam = 1 + 2 * 1.5 * prevalence
    assert first.actions == pytest.approx(first.exams * per_exam, rel=0.01, abs=2 * per_exam)
    assert sum(way.best for way in plan.ways) == pytest.approx(1.0)


def test_what_is_known_less_well_is_wider(studied, prices):
    local, elsewhere = (
        make_plan(studied, prices, replace(ASKED, is_local=is_local)) for is_local in (True, False)
    )
    for way in local.ways:
        other = way_of(elsewhere, way.name)
        assert other.upper - other.lower > way.upper - way.lower
        assert other.labels == way.labels
    assert local.archive_spread == 0
    assert elsewhere.archive_spread == studied.archive_spread


def test_more_hours_are_never_expected_to_do_worse(studied, prices):
    plans = [make_plan(studied, prices, replace(ASKED, hours=h)) for h in (40.0, 80.0, 320.0)]
    for name in ("exam labels", "single slices", "exam first"):
        aucs = [way_of(plan, name).auc for plan in plans]
        assert aucs == sorted(aucs)
        # Towards the .92 that all curves approach.
        assert aucs[-1] < 0.95


def test_no_more_than_the_archive_has_is_bought(studied, prices):
    plan = make_plan(studied, prices, replace(ASKED, hours=500.0, archive_exams=300))
    exam = way_of(plan, "exam labels")
    assert (exam.labels, exam.is_all) == (300, True)
    assert all(way.exams <= 301 for way in plan.ways)
    more = replace(ASKED, hours=500.0, archive_exams=300, exams_labelled=100)
    again = way_of(make_plan(studied, prices, more), "exam labels")
    assert again.labels == 300
    assert again.hours == pytest.approx(exam.hours * 2 / 3)


def test_reports_and_a_public_model_stand_beside(studied, prices):
    asked = replace(
        ASKED,
        archive_exams=5000,
        reports=Reports(0.9, 0.9),
        public=PublicModel(0.99, 0.985, 0.995),
    )
    plan = make_plan(studied, prices, asked)
    reports = way_of(plan, "exam labels from reports")
    assert (reports.labels, reports.hours) == (5000, 0.0)
    assert "0.64" in reports.evidence
    public = way_of(plan, "a public model")
    assert public.auc == pytest.approx(0.99, abs=1e-6)
    assert (public.best, public.chance) == (pytest.approx(1.0, abs=0.02), 1.0)
    # Labels without errors that are as many are worth more.
    exact = make_plan(studied, prices, replace(asked, reports=Reports(1.0, 1.0)))
    assert way_of(exact, "exam labels from reports").auc >= reports.auc
    assert any(said.startswith("mixed labels") for said in plan.not_compared)
    missing = make_plan(studied, prices, ASKED).not_compared
    assert any("--report-sensitivity" in said for said in missing)
    assert any("--public" in said for said in missing)


def test_ways_are_compared_draw_by_draw(studied, prices):
    plan = make_plan(studied, prices, ASKED)
    draws = {
        way.acquisition: studied.draws(way, [way.largest], is_local=True)[:, 0]
        for way in studied.ways
    }
    assert np.corrcoef(draws["exam"], draws["spread"])[0, 1] > 0.8
    assert {way.is_extrapolated for way in plan.ways} <= {True, False}


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": 0.0},
        {"prevalence": 1.0},
        {"goal": 0.4},
        {"readers": 0},
        {"power": 1.0},
        {"double_reading": 1.5},
        {"precision": 0.0},
        {"archive_exams": 0},
    ],
)
def test_impossible_questions_are_refused(wrong):
    with pytest.raises(InputError, match="--" + next(iter(wrong)).replace("_", "-")):
        replace(ASKED, **wrong)


@pytest.mark.parametrize("wrong", [(0.5, 0.9), (0.9, 1.1)])
def test_impossible_reports_are_refused(wrong):
    with pytest.raises(InputError, match="--report-"):
        Reports(*wrong)
