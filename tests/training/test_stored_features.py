from __future__ import annotations

from dataclasses import replace

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain
from examwise.training.stored_features import compute_features

ENCODER = EncoderConfig(width=4, extra_windows=())


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("stored_features") / "s", n_exams=70, matrix=16)


@pytest.fixture(scope="module")
def model(store, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("encoder") / "e")
    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    pretrain(stores=[store], encoder=ENCODER, pretraining=short, out=out, allow_unsplit=True)
    return ModelConfig(encoder=ENCODER.encoder, width=4, weights=out, frozen=("all",))


def blocks(folder, store, model, *, n_workers):
    compute_features(
        str(folder),
        model,
        TrainingConfig(augmentation="none"),
        JoinedStores([store]),
        accelerator="cpu",
        progress=SilentProgress(),
        executor=make_executor(n_workers),
    )
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.npy"))}


def test_several_processes_compute_the_same_features_as_one(store, model, tmp_path):
    alone = blocks(tmp_path / "alone", store, model, n_workers=1)
    assert len(alone) == 2
    assert blocks(tmp_path / "together", store, model, n_workers=2) == alone


def test_a_frozen_encoder_needs_weights(store, model, tmp_path):
    with pytest.raises(InputError, match="expected weights for an encoder that is frozen"):
        blocks(tmp_path, store, replace(model, weights=""), n_workers=1)
