from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from examwise.core.executors import make_executor
from examwise.core.schemas.run import LABEL_SET
from examwise.core.schemas.study import RUNS
from examwise.core.storage import Storage
from examwise.data.splits import read_splits, split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels
from examwise.models.config import ModelConfig
from examwise.studies.beginning import begin_study
from examwise.studies.config import ArmConfig, StudyConfig
from examwise.studies.label_errors_config import LabelErrorsConfig
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study
from examwise.studies.sampling_config import SamplingConfig
from examwise.training import lightning_module
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig

CONFIG = StudyConfig(
    arms=(
        ArmConfig("strong", "exam_first", (30,)),
        ArmConfig("strong", "spread", (24,)),
        ArmConfig("weak", "exam", (24,)),
    ),
    target_auc=0.7,
    repeats=1,
    model=ModelConfig(width=4, embedding=8),
    training=TrainingConfig(steps=2, exams_per_step=8, augmentation="none", balanced=True),
    trainer=TrainerConfig(accelerator="cpu"),
    sampling=SamplingConfig(positive_share=0.7),
    label_errors=LabelErrorsConfig(sensitivity=0.6, specificity=0.7),
)


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("study") / "s", n_exams=60, matrix=16)
    split_store(url, fractions=(0.6, 0.15, 0.25), seed=0)
    return url


def study(out, store, config):
    stage = begin_study(out, config, source={})
    run_study(prepare_study(stage, config, stores=[store]), executor=make_executor(1))
    return RUNS.read(Storage(out))


def label_set(out, run_id):
    return LABEL_SET.read(Storage(out / "runs" / run_id))


@pytest.fixture(scope="module")
def done(store, tmp_path_factory):
    out = tmp_path_factory.mktemp("done") / "study"
    weights = []
    weighing = lightning_module.weighing

    def spy(loss, batch):
        weights.append(batch.weights)
        return weighing(loss, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lightning_module, "weighing", spy)
        runs = study(out, store, CONFIG)
    return out, runs, weights


def test_every_learners_loss_takes_the_weights_on_record(done):
    out, runs, weights = done
    assert len(weights) == 2 * runs.height
    assert all(each is not None and (each > 0).all() for each in weights)
    for run_id in runs["run_id"]:
        assert label_set(out, run_id)["weight"].null_count() == 0


def test_errors_are_in_exam_labels_that_were_bought_and_nowhere_else(done, store):
    out, runs, _ = done
    for run in runs.iter_rows(named=True):
        labels = label_set(out, run["run_id"])
        if run["acquisition"] != "exam":
            assert labels["seen_label"].null_count() == labels.height
            continue
        truth = labels.join(exam_labels(StoredExams(store), "any"), on="exam_id")
        assert 0 < (truth["seen_label"] != truth["exam_label"]).sum() < labels.height
    test = read_splits(store).filter(split="test").select("exam_id")
    judged = test.join(exam_labels(StoredExams(store), "any"), on="exam_id")
    # The fixture's truth: every third exam is positive.
    expected = [int(int(name[1:]) % 3 == 0) for name in judged["exam_id"]]
    assert judged["exam_label"].to_list() == expected


def test_with_exam_first_labels_are_answers_and_more_is_learned_from(done):
    out, runs, _ = done
    (run,) = runs.filter(acquisition="exam_first").iter_rows(named=True)
    labels = label_set(out, run["run_id"]).filter(pl.col("part") == "train")
    assert run["n_training_labels"] <= 30 < labels.height
    assert run["reader_actions"] == run["n_training_labels"] + run["n_validation_labels"]


def test_more_repeats_leave_those_there_are_as_they_were(done, store, tmp_path):
    out, runs, _ = done
    more = study(tmp_path / "more", store, replace(CONFIG, repeats=2))
    assert more.height == 2 * runs.height
    for run_id in runs["run_id"]:
        assert label_set(tmp_path / "more", run_id).equals(label_set(out, run_id))
    first, second = (
        set(label_set(tmp_path / "more", run_id)["exam_id"])
        for run_id in more.filter(acquisition="exam")["run_id"].sort()
    )
    assert np.mean([name in first for name in second]) < 1
