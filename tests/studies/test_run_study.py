from dataclasses import replace

import pytest

from examwise.core.errors import InputError
from examwise.data.splits import split_store
from examwise.studies.beginning import begin_study
from examwise.studies.config import ArmConfig, StudyConfig
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study

CONFIG = StudyConfig(arms=(ArmConfig("weak", "exam", (10,)),), target_auc=0.8, repeats=1)


class StoppedError(Exception):
    """Stands for a study that is killed before its first run."""


class StoppingExecutor:
    """Starts nothing."""

    def map(self, function, items):
        raise StoppedError


def go_on(out, store):
    stage = begin_study(out, CONFIG, source={})
    return run_study(prepare_study(stage, CONFIG, stores=[store]), executor=StoppingExecutor())


def test_where_a_pipelines_file_lies_is_not_on_record(tmp_path):
    file = tmp_path / "DOE^JOHN.yaml"
    file.write_text("a")
    training = replace(CONFIG.training, augmentation=f"torchio:{file}")
    config = replace(CONFIG, training=training)
    begun = begin_study(tmp_path / "study", config, source={}).storage.read("stage.json")
    assert b"DOE" not in begun
    file.write_text("b")
    other = begin_study(tmp_path / "other", config, source={}).storage.read("stage.json")
    assert begun != other


def test_a_study_does_not_go_on_with_other_splits(make_store, tmp_path):
    store = make_store(tmp_path / "store", n_exams=40, matrix=8)
    split_store(store, seed=0)
    for _ in range(2):
        with pytest.raises(StoppedError):
            go_on(tmp_path / "study", store)
    split_store(store, seed=1, replace=True)
    with pytest.raises(InputError, match="the stores and the splits with which the study began"):
        go_on(tmp_path / "study", store)


def test_an_arm_that_draws_labels_of_another_kind_is_refused_before_anything_is_computed(
    make_store, tmp_path
):
    store = make_store(tmp_path / "store", n_exams=40, matrix=8)
    split_store(store, seed=0)
    config = replace(CONFIG, arms=(ArmConfig("weak", "spread", (10,)),))
    stage = begin_study(tmp_path / "study", config, source={})
    with pytest.raises(
        InputError,
        match=r"arms, weak by spread, acquisition: expected .* kind \(exam\), got spread",
    ):
        run_study(prepare_study(stage, config, stores=[store]), executor=StoppingExecutor())
    assert not stage.storage.exists("plan.json")
