import pytest

from examwise.core.errors import InputError
from examwise.studies.config import ArmConfig, ReaderCosts, StudyConfig
from examwise.studies.plan import plan_runs

ARMS = (ArmConfig("strong", "spread", (10, 100)), ArmConfig("weak", "exam", (5, 50)))


def test_every_arm_budget_and_repeat_is_planned_once():
    runs = plan_runs(StudyConfig(arms=ARMS, target_auc=0.8, repeats=3))
    assert len({run.run_id for run in runs}) == len(runs) == 12
    assert {(run.learner, run.budget, run.repeat) for run in runs} == {
        (arm.learner, budget, repeat)
        for arm in ARMS
        for budget in arm.budgets
        for repeat in range(3)
    }


def test_seed_depends_on_study_seed_and_repeat_alone():
    def seeds(seed):
        config = StudyConfig(arms=ARMS, target_auc=0.8, repeats=2, seed=seed)
        return {run.repeat: run.seed for run in plan_runs(config)}

    assert seeds(0) == seeds(0)
    assert seeds(0) != seeds(1)
    assert seeds(0)[0] != seeds(0)[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ()}, "study.arms: expected at least one arm"),
        ({"arms": (ARMS[0], ARMS[0])}, "study.arms: expected each learner once"),
        ({"target_auc": 1.0}, "study.target_auc: expected between 0.5 and 1"),
        ({"finding": " "}, "study.finding: expected the name of a finding"),
        ({"finding": "subdural"}, "study.model.findings: expected the study's finding alone"),
        ({"repeats": 0}, "study.repeats: expected 1 or more"),
        ({"validation_fraction": 1.0}, "study.validation_fraction"),
        ({"bootstrap_replicates": 3}, "study.bootstrap_replicates: expected 100 or more"),
    ],
)
def test_studies_that_cannot_be_run_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        StudyConfig(**{"arms": ARMS, "target_auc": 0.8, **changes})


def test_a_budget_that_trains_on_fewer_labels_than_a_smaller_one_is_refused():
    arms = (ArmConfig("weak", "exam", (90, 100)),)
    with pytest.raises(InputError, match=r"budgets of weak: .* \(90, 80\) training labels"):
        StudyConfig(arms=arms, target_auc=0.8)
    assert StudyConfig(arms=arms, target_auc=0.8, validation_fraction=0.0).arms == arms


@pytest.mark.parametrize(
    ("per_exam", "per_slice", "refused"), [(60, 0, "spread"), (0, 6, "exam"), (60, 6, None)]
)
def test_costs_that_leave_an_arm_free_are_refused_before_any_run(per_exam, per_slice, refused):
    costs = ReaderCosts(per_exam, per_slice, seconds_per_action=0)
    if refused is None:
        assert StudyConfig(arms=ARMS, target_auc=0.8, costs=costs).costs == costs
    else:
        with pytest.raises(InputError, match=f"some seconds for labels drawn by {refused}"):
            StudyConfig(arms=ARMS, target_auc=0.8, costs=costs)


@pytest.mark.parametrize("budgets", [(), (0, 3), (5, 5), (9, 3)])
def test_budgets_ascend(budgets):
    with pytest.raises(InputError, match=r"arm\.budgets: expected ascending"):
        ArmConfig("weak", "exam", budgets)


def test_unknown_way_to_draw_is_refused():
    with pytest.raises(InputError, match=r"arm\.acquisition: expected one of exam, spread"):
        ArmConfig("weak", "exams", (1,))
