"""A study plans its own budgets, keeps them when it goes on, and adds to them when asked for."""

from dataclasses import replace

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.schemas.study import RUNS
from examwise.core.storage import Storage
from examwise.data.splits import split_store
from examwise.models.config import ModelConfig
from examwise.studies.arm_config import ArmConfig
from examwise.studies.beginning import begin_study
from examwise.studies.config import StudyConfig
from examwise.studies.grid_config import GridConfig
from examwise.studies.plan_file import read_plan
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_costs import KindCost, RunCosts
from examwise.studies.run_study import run_study
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig

CONFIG = StudyConfig(
    target_auc=0.7,
    grid=GridConfig(name="published", repeats=2),
    model=ModelConfig(encoder="slim_resnet18", width=4, embedding=8),
    training=TrainingConfig(steps=1, exams_per_step=2, slices_per_step=4, augmentation="none"),
    trainer=TrainerConfig(accelerator="cpu"),
)


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("grid") / "s", n_exams=40, matrix=16)
    split_store(url, fractions=(0.5, 0.2, 0.3), seed=0)
    return url


def prepared(out, store, config=CONFIG):
    return prepare_study(begin_study(out, config, source={}), config, stores=[store])


def run(out, store, config=CONFIG):
    return run_study(prepared(out, store, config), executor=make_executor(1))


def takes(monkeypatch, step_s):
    """Let steps take so long, and count how often they are timed."""
    timed = []
    cost = KindCost(0.0, step_s, 0.0, 0, reads_pixels=True)
    kinds = {(learner, "budgeted"): cost for learner in ("strong", "weak")}

    def calibrate(*_arguments, **_options):
        timed.append(1)
        return RunCosts(kinds, slice_s=0.0, n_features=0)

    monkeypatch.setattr("examwise.studies.run_timing.calibrate", calibrate)
    return timed


def test_the_published_grid_is_run_as_far_as_the_archive_reaches_and_added_to(store, tmp_path):
    out = tmp_path / "study"
    assert run(out, store).n_done_before == 0
    runs = RUNS.read(Storage(out))
    weak = runs.filter(learner="weak")
    assert weak["budget"].min() == 12
    assert set(runs["learner"]) == {"strong", "weak"}
    assert set(runs.group_by("learner", "budget").len()["len"]) == {2}
    again = run(out, store)
    assert again.n_done_before == again.n_runs == runs.height

    more = replace(CONFIG, grid=GridConfig(name="published", repeats=3))
    added = run(out, store, more)
    assert added.n_done_before == runs.height
    assert added.n_runs == runs.height * 3 // 2


def test_a_limited_grid_is_planned_once_and_stays(store, tmp_path, monkeypatch):
    config = replace(CONFIG, grid=GridConfig(time_limit_hours=1.0))
    timed = takes(monkeypatch, step_s=200.0)
    out = tmp_path / "study"
    run(out, store, config)
    first = read_plan(Storage(out))
    assert 6 <= len(first.runs) <= 18
    takes(monkeypatch, step_s=1.0)
    assert [each.run_id for each in prepared(out, store, config).plan] == [
        each.run_id for each in first.runs
    ]
    assert timed == [1]

    longer = prepared(out, store, replace(config, grid=GridConfig(time_limit_hours=2.0)))
    assert {each.run_id for each in first.runs} < {each.run_id for each in longer.plan}


def test_a_limited_grid_adds_to_arms_that_were_written_out(store, tmp_path, monkeypatch):
    out = tmp_path / "study"
    arms = (ArmConfig("strong", "spread", (20,)), ArmConfig("weak", "exam", (6, 10)))
    run(out, store, replace(CONFIG, grid=None, arms=arms, repeats=1))
    began = {each.run_id for each in read_plan(Storage(out)).runs}
    takes(monkeypatch, step_s=1.0)
    grown = replace(CONFIG, grid=GridConfig(time_limit_hours=1.0, repeats=2), repeats=1)
    assert began < {each.run_id for each in prepared(out, store, grown).plan}


def test_too_little_time_is_refused_before_any_run(store, tmp_path, monkeypatch):
    takes(monkeypatch, step_s=1e6)
    config = replace(CONFIG, grid=GridConfig(time_limit_hours=1.0))
    with pytest.raises(InputError, match=r"study\.grid\.time_limit_hours: expected at least"):
        prepared(tmp_path / "study", store, config)
