"""A study is outlined before it runs: labels as they are drawn, and costs as they are timed."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from examwise.core.executors import make_executor
from examwise.core.schemas.study import RUNS
from examwise.data.joined_splits import read_joined_splits
from examwise.data.splits import split_store
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.config import ModelConfig
from examwise.studies.beginning import begin_study
from examwise.studies.config import ArmConfig, ReaderCosts, StudyConfig
from examwise.studies.draws import open_sales
from examwise.studies.fine_tuning_config import FineTuningConfig
from examwise.studies.prepared_study import FIRST, prepare_study
from examwise.studies.run_costs import KindCost, RunCosts
from examwise.studies.run_study import run_study
from examwise.studies.run_timing import calibrate
from examwise.studies.study_amounts import Engine, predicted_amount
from examwise.studies.study_outline import outline_study, timed_outline
from examwise.training.config import TrainingConfig
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain
from examwise.training.trainer_config import TrainerConfig

ENCODER = EncoderConfig(width=4, extra_windows=())
TRAINING = TrainingConfig(
    steps=2, exams_per_step=4, slices_per_step=8, augmentation="none", validation_minimum=4
)
HEAD = KindCost(2.0, 0.5, 0.01, 5000, reads_pixels=False)
COSTS = RunCosts(
    {
        (learner, mode): HEAD
        for learner in ("strong", "weak")
        for mode in ("budgeted", "fine_tuned")
    },
    slice_s=0.001,
    n_features=32,
)


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("outlined") / "s", n_exams=60, matrix=32)
    split_store(url, fractions=(0.5, 0.2, 0.3), seed=0)
    return url


@pytest.fixture(scope="module")
def config(store, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("encoder") / "e")
    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    pretrain(stores=[store], encoder=ENCODER, pretraining=short, out=out)
    return StudyConfig(
        arms=(ArmConfig("strong", "exam_first", (20,)), ArmConfig("weak", "exam", (8, 16))),
        target_auc=0.7,
        repeats=2,
        costs=ReaderCosts(60, 6, 3),
        label_free=("mean_hu",),
        model=ModelConfig(
            encoder=ENCODER.encoder, width=4, embedding=8, weights=out, frozen=("all",)
        ),
        training=TRAINING,
        trainer=TrainerConfig(accelerator="cpu"),
        fine_tuning=FineTuningConfig(training=TRAINING),
    )


@pytest.fixture(scope="module")
def done(config, store, tmp_path_factory):
    """Return a study prepared but not begun, and the same one with its first answer."""
    out = tmp_path_factory.mktemp("outline") / "study"

    def prepared():
        return prepare_study(begin_study(out, config, source={}), config, stores=[store])

    before = outline_study(prepared(), costs=COSTS, engine=Engine(1, 1))
    run_study(prepared(), answer=FIRST, executor=make_executor(1))
    return before, prepared()


def test_every_run_is_in_one_row_and_fine_tuned_ones_come_last(done, config):
    before, _ = done
    assert sum(row.repeats for row in before.rows) == before.n_runs == 2 + 4 + 1 + 2
    assert [(row.learner, row.mode, row.budget) for row in before.rows] == [
        ("strong", "budgeted", 20),
        ("weak", "budgeted", 8),
        ("weak", "budgeted", 16),
        ("mean_hu", "label_free", 0),
        ("strong", "fine_tuned", 20),
        ("weak", "fine_tuned", 16),
    ]
    assert before.n_done == 0


def test_labels_and_reader_hours_are_those_that_the_runs_then_have(done):
    before, study = done
    runs = RUNS.read(study.stage.storage)
    for row in before.rows:
        found = runs.filter(
            learner=row.learner, mode=row.mode, acquisition=row.acquisition, budget=row.budget
        )
        if row.mode == "fine_tuned":
            assert found.is_empty()
            continue
        bought = (found["n_training_labels"] + found["n_validation_labels"]).mean()
        assert row.n_labels == pytest.approx(bought)
        assert row.n_exams_opened == pytest.approx(found["n_exams_opened"].mean())
        assert row.reader_actions == pytest.approx(found["reader_actions"].mean())
        assert row.reader_hours == pytest.approx(found["reader_hours"].mean())


def test_hours_are_those_of_runs_still_to_do_and_fewer_side_by_side(done):
    before, study = done
    after = outline_study(study, costs=COSTS, engine=Engine(1, 1))
    assert after.n_done == before.n_runs - 2
    assert after.first_hours == 0.0
    assert after.full_hours == before.full_hours > 0
    of_rows = sum(row.machine_hours for row in before.rows)
    n_slices = study.stored.exams["n_slices"].sum()
    assert before.hours == pytest.approx(of_rows + n_slices * COSTS.slice_s / 3600)
    shared = outline_study(study, costs=COSTS, engine=Engine(4, 2))
    # On a processor alone, runs that train the encoder take a core each.
    assert shared.full_hours == pytest.approx(after.full_hours / 4)
    assert outline_study(study, costs=None, engine=Engine(1, 1)).hours is None
    assert after.to_dict()["hours"] == after.hours


def test_disk_counts_models_features_and_predictions(done):
    before, study = done
    n_slices = study.stored.exams["n_slices"].sum()
    models = (before.n_runs - 1) * HEAD.model_bytes
    assert before.bytes_on_disk > models + n_slices * 32 * 4


def test_what_is_predicted_is_the_test_part_or_a_whole_store(done, store):
    _, study = done
    tests = read_joined_splits([store]).filter(split="test")
    assert predicted_amount(study.sites).n_exams == tests.height
    whole = replace(study.sites[0], split=None)
    exams = study.stored.exams
    amount = predicted_amount([*study.sites, whole])
    assert amount.n_exams == tests.height + exams.height
    assert amount.n_slices > exams["n_slices"].sum()


def test_a_few_steps_are_timed_and_nothing_is_left_behind(
    done, config, store, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stored = JoinedStores([store])
    before = sorted(Path(store).rglob("*"))
    costs = calibrate(config, stored, open_sales(stored, read_joined_splits([store]), config))
    assert set(costs.kinds) == set(COSTS.kinds)
    for (_, mode), kind in costs.kinds.items():
        assert kind.reads_pixels == (mode == "fine_tuned")
        assert min(kind.step_s, kind.exam_s, kind.model_bytes) > 0
        assert np.isfinite(kind.fixed_s)
    assert costs.slice_s > 0
    assert costs.n_features > 0
    assert list(tmp_path.iterdir()) == []
    assert sorted(Path(store).rglob("*")) == before


def test_a_study_is_timed_only_where_training_is_left(done, config, store, monkeypatch):
    _, study = done
    timed = []

    def spy(*_arguments, **_options):
        timed.append(1)
        return COSTS

    monkeypatch.setattr("examwise.studies.run_timing.calibrate", spy)
    executor = make_executor(1)
    assert timed_outline(study, executor=executor).full_hours > 0
    first_alone = replace(config, fine_tuning=None)
    finished = replace(
        study,
        config=first_alone,
        plan=tuple(run for run in study.plan if run.mode != "fine_tuned"),
    )
    assert timed_outline(finished, executor=executor).hours is None
    assert timed == [1]
