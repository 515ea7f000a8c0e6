from __future__ import annotations

import json
from dataclasses import replace

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.schemas.study import RUNS
from examwise.core.storage import Storage
from examwise.data.splits import split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.studies.beginning import begin_study
from examwise.studies.config import ArmConfig, StudyConfig
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study
from examwise.training.config import TrainingConfig
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain
from examwise.training.trainer_config import TrainerConfig

CPU = TrainerConfig(accelerator="cpu")
ENCODER = EncoderConfig(width=4, extra_windows=())


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("study") / "s", n_exams=60, matrix=32)
    split_store(url, fractions=(0.5, 0.2, 0.3), seed=0)
    return url


@pytest.fixture(scope="module")
def config(store, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("encoder") / "e")
    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    pretrain(stores=[store], encoder=ENCODER, pretraining=short, out=out)
    return StudyConfig(
        arms=(ArmConfig("strong", "spread", (20,)), ArmConfig("weak", "exam", (8, 16))),
        target_auc=0.7,
        repeats=1,
        model=ModelConfig(
            encoder=ENCODER.encoder, width=4, embedding=8, weights=out, frozen=("all",)
        ),
        training=TrainingConfig(steps=2, exams_per_step=4, augmentation="none"),
        trainer=CPU,
    )


def study(out, store, config):
    stage = begin_study(out, config, source={})
    run_study(prepare_study(stage, config, stores=[store]), executor=make_executor(1))
    return RUNS.read(Storage(out))


def test_a_study_with_a_frozen_encoder_encodes_each_slice_once(
    store, config, tmp_path, monkeypatch
):
    from examwise.models.exam_classifier import ExamClassifier

    encoded = []
    encode = ExamClassifier.encode

    def spy(self, pixels, **options):
        encoded.append(len(pixels))
        return encode(self, pixels, **options)

    monkeypatch.setattr(ExamClassifier, "encode", spy)
    runs = study(tmp_path / "study", store, config)
    assert runs.height == 3
    assert sum(encoded) == StoredExams(store).exams["n_slices"].sum()
    begun = (tmp_path / "study" / "stage.json").read_text()
    assert config.model.weights not in begun
    assert json.loads(begun)["inputs"]["weights"].startswith("sha256:")


def test_a_frozen_encoder_of_random_weights_is_refused(store, config, tmp_path):
    random = replace(config, model=replace(config.model, weights=""))
    with pytest.raises(InputError, match="expected weights for an encoder that is frozen"):
        study(tmp_path / "study", store, random)
