from dataclasses import replace

import pytest

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.studies.config import ArmConfig, ReaderCosts, StudyConfig
from examwise.studies.fine_tuning_config import FineTuningConfig
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
        ({"arms": (ARMS[0], ARMS[0])}, "study.arms, strong by spread: expected each learner"),
        ({"label_free": ("mean_hu", "mean_hu")}, "study.label_free: expected names, each once"),
        ({"label_free": ("max_hu",)}, "study.label_free: expected one of pretext, mean_hu"),
        ({"label_free": ("pretext",)}, "study.label_free: expected a pretrained encoder"),
        ({"fine_tuning": FineTuningConfig()}, "study.fine_tuning: expected weights to begin from"),
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
    with pytest.raises(InputError, match=r"by exam, budgets: .* labels of 90, 80 training"):
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


WHOLE = StudyConfig(
    arms=(
        ArmConfig("strong", "spread", (10, 100), repeats=2),
        ArmConfig("strong", "whole_exam", (200,)),
        ArmConfig("weak", "exam", (5, 50)),
        ArmConfig("pooled", "exam", (50,), repeats=1),
    ),
    target_auc=0.8,
    model=ModelConfig(weights="encoder"),
    label_free=("pretext", "mean_hu"),
    fine_tuning=FineTuningConfig(repeats=2),
)


def test_runs_of_the_first_answer_are_planned_before_those_that_train_the_encoder():
    runs = plan_runs(WHOLE)
    names = [run.run_id for run in runs]
    assert names[:2] == ["pretext-m000000", "mean_hu-m000000"]
    assert names[-4:] == [
        "weak-exam-m000050-r00-fine-tuned",
        "weak-exam-m000050-r01-fine-tuned",
        "strong-spread-m000100-r00-fine-tuned",
        "strong-spread-m000100-r01-fine-tuned",
    ]
    assert len({run.run_id for run in runs}) == len(runs) == 6 + 4 + 3 + 6 + 1
    seeds = {(run.learner, run.mode, run.repeat): run.seed for run in runs}
    assert seeds["weak", "fine_tuned", 1] == seeds["weak", "budgeted", 1]
    (pretext,) = (run for run in runs if run.learner == "pretext")
    assert (pretext.mode, pretext.label_kind, pretext.acquisition) == ("label_free", "none", "none")
    assert (pretext.budget, pretext.seed) == (0, 0)


def test_budgets_must_be_settled_before_runs_are_planned():
    with pytest.raises(ValueError, match="budgets in numbers"):
        plan_runs(replace(WHOLE, arms=(ArmConfig("weak", "exam", (5, "all")),), fine_tuning=None))


def test_the_encoder_is_trained_at_as_many_budgets_and_repeats_as_asked_for():
    def tuned(**changes):
        runs = plan_runs(replace(WHOLE, fine_tuning=FineTuningConfig(**changes)))
        of_weak = [run for run in runs if (run.learner, run.mode) == ("weak", "fine_tuned")]
        return sorted((run.budget, run.repeat) for run in of_weak)

    assert tuned() == [(50, 0)]
    assert tuned(budgets="every", repeats=2) == [(5, 0), (5, 1), (50, 0), (50, 1)]
    # Labels are those of the repeats that there are.
    assert len(tuned(repeats=99)) == WHOLE.repeats


def test_an_arm_may_say_repeats_for_each_budget():
    arms = (replace(WHOLE.arms[2], repeats=(3, 1)), *WHOLE.arms[:1])
    runs = plan_runs(replace(WHOLE, arms=arms, fine_tuning=None))
    of_weak = [(run.budget, run.repeat) for run in runs if run.learner == "weak"]
    assert sorted(of_weak) == [(5, 0), (5, 1), (5, 2), (50, 0)]
    for wrong in ((1, 3), (3, 2, 1), ()):
        with pytest.raises(InputError, match="a number for each budget, never rising"):
            ArmConfig("weak", "exam", (5, 50), repeats=wrong)


def test_fine_tuning_needs_a_learner_that_is_compared():
    with pytest.raises(InputError, match="expected an arm of a learner strong or weak"):
        replace(WHOLE, arms=WHOLE.arms[3:])
    for wrong in (("all",), "stem"):
        with pytest.raises(InputError, match=r"fine_tuning\.frozen"):
            FineTuningConfig(frozen=wrong)


@pytest.mark.parametrize("repeats", [0, -1])
def test_repeats_are_one_or_more(repeats):
    with pytest.raises(InputError, match=r"by exam, repeats: expected 1 or more"):
        ArmConfig("weak", "exam", (1,), repeats=repeats)
    with pytest.raises(InputError, match=r"fine_tuning\.repeats: expected 1 or more"):
        FineTuningConfig(repeats=repeats)


@pytest.mark.parametrize(
    "budgets", [(), (0, 3), (5, 5), (9, 3), ("all", 3), ("some",), ("all", "all"), (True,)]
)
def test_budgets_ascend(budgets):
    with pytest.raises(InputError, match=r"by exam, budgets: expected ascending"):
        ArmConfig("weak", "exam", budgets)


def test_unknown_way_to_draw_is_refused():
    with pytest.raises(InputError, match=r"weak, acquisition: expected one of exam, spread"):
        ArmConfig("weak", "exams", (1,))
