from __future__ import annotations

import json
import shutil
from dataclasses import replace
from tempfile import TemporaryDirectory

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from examwise.core.errors import InputError
from examwise.core.schemas.run import LEARNED_PATIENTS, MODEL, WEIGHTS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.label_set import LabelSet, all_labels
from examwise.data.splits import SPLITS, read_splits, write_splits
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.models.files import save_model
from examwise.models.initial_weights import take_weights_of_run
from examwise.training.beginnings import each_once
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

ENCODER = EncoderConfig(width=4)


@pytest.fixture(scope="module")
def encoder(store, tmp_path_factory):
    out = tmp_path_factory.mktemp("encoder") / "e"
    short = PretrainingConfig(steps=2, slices_per_step=4, precision="32-true", accelerator="cpu")
    pretrain(stores=[store], encoder=ENCODER, pretraining=short, out=str(out))
    return str(out)


@pytest.fixture
def train(store, label_sets, small_model, short_training, tmp_path):
    def run(
        out,
        *,
        model=None,
        learner="weak",
        init="",
        features=None,
        stores=(store,),
        label_set=None,
        **changes,
    ):
        train_run(
            stores=stores,
            label_set=label_set or label_sets[learner],
            learner=learner,
            model=replace(small_model, **(model or {})),
            training=replace(short_training, steps=2, validate_every=2, **changes),
            trainer=TrainerConfig(accelerator="cpu"),
            init=init,
            features=features,
            out=str(tmp_path / out),
        )
        return tmp_path / out

    return run


def options(encoder):
    return {
        "encoder": ENCODER.encoder,
        "width": ENCODER.width,
        "extra_windows": ENCODER.extra_windows,
        "weights": encoder,
    }


def test_a_frozen_encoder_stays_as_it_was_pretrained(train, encoder):
    run = train("frozen", model={**options(encoder), "frozen": ("all",)})
    kept = load_file(run / "model.safetensors")
    pretrained = load_file(f"{encoder}/encoder.safetensors")
    names = [name for name in pretrained if not name.startswith("decoder.")]
    assert names
    for name in names:
        assert torch.equal(kept[f"encoder.{name}"], pretrained[name].float())
    described = json.loads((run / "model.json").read_text())
    assert described["begins_from"]["weights"]["digest"].startswith("sha256:")
    assert encoder not in (run / "model.json").read_text()


def test_features_give_the_run_that_pixels_give(train, encoder, tmp_path):
    model = {**options(encoder), "frozen": ("all",), "dropout": 0.3}
    plain = train("plain", model=model, augmentation="none")
    cached = train("cached", model=model, augmentation="none", features=str(tmp_path / "features"))
    one, other = (load_file(folder / "model.safetensors") for folder in (plain, cached))
    for name, value in one.items():
        assert torch.allclose(value, other[name], atol=1e-5), name


def test_features_are_refused_where_images_change(train, encoder, tmp_path):
    model = {**options(encoder), "frozen": ("all",)}
    with pytest.raises(InputError, match="augmentation: expected none"):
        train("run", model=model, augmentation="head", features=str(tmp_path / "features"))


def test_weights_seen_through_other_windows_are_refused(train, encoder):
    with pytest.raises(InputError, match=r"windows: expected .* with which the encoder's"):
        train("run", model={**options(encoder), "window_width_hu": 100.0})


def test_weights_that_know_test_patients_are_refused(train, encoder, store, tmp_path):
    other = shutil.copytree(store, tmp_path / "other")
    turned = read_splits(store).with_columns(
        pl.col("split").replace({"test": "train", "train": "test"}).alias("split")
    )
    write_splits(other, SPLITS.validate(turned), options={}, replace=True)
    labels = all_labels(StoredExams(other), read_splits(other), "any", "exam")
    with pytest.raises(InputError, match="not learned from test patients"):
        train("run", model=options(encoder), stores=[str(other)], label_set=labels)


def test_a_run_goes_on_from_another(train):
    first = train("first")
    second = train("second", init=str(first), learning_rate=1e-9)
    one, other = (load_file(folder / "model.safetensors") for folder in (first, second))
    assert all(torch.allclose(value, other[name], atol=1e-6) for name, value in one.items())
    described = json.loads((second / "model.json").read_text())
    assert described["begins_from"]["init"]
    assert LEARNED_PATIENTS.read(Storage(second)).height


def test_a_strong_run_can_be_gone_on_with_by_a_weak_one(train):
    first = train("first", learner="strong")
    second = train("second", init=str(first), learning_rate=1e-9)
    one, other = (load_file(folder / "model.safetensors") for folder in (first, second))
    assert all(torch.allclose(value, other[name], atol=1e-6) for name, value in one.items())
    assert any(name.startswith("pooling.") for name in other)


def test_a_classifier_of_another_finding_is_not_gone_on_with():
    config = ModelConfig(findings=("any", "subdural"), encoder="resnet10", width=4, embedding=8)
    first = ExamClassifier(config, exam_rule=POOLED, seed=1)
    with TemporaryDirectory() as folder:
        stage = Stage.begin(folder, kind="run", configuration={}, inputs={}, seed=0)
        save_model(stage.storage, first, config, {"findings": list(config.findings)})
        stage.finish(outputs=(WEIGHTS, MODEL))
        for findings, same in ((config.findings, True), (("subdural", "any"), False)):
            other = replace(config, findings=findings)
            second = ExamClassifier(other, exam_rule=POOLED, seed=2)
            take_weights_of_run(second, folder)
            assert torch.equal(second.classifier.weight, first.classifier.weight) is same
            assert torch.equal(second.embedding[0].weight, first.embedding[0].weight)


def test_who_has_trained_once_has_trained():
    validated, trained = (
        LEARNED_PATIENTS.frame([{"patient_key": "p", "part": part}])
        for part in ("validation", "train")
    )
    assert each_once([validated, trained])["part"].to_list() == ["train"]


def test_features_are_refused_before_the_run_is_begun(train, encoder, tmp_path):
    model = {**options(encoder), "frozen": ("all",)}
    with pytest.raises(InputError, match="augmentation: expected none"):
        train("refused", model=model, augmentation="head", features=str(tmp_path / "features"))
    assert not (tmp_path / "refused").exists()


def test_the_file_of_an_encoder_directory_alone_is_refused(train, encoder):
    alone = f"{encoder}/encoder.safetensors"
    with pytest.raises(InputError, match="which says whom its weights have learned from"):
        train("run", model={**options(encoder), "weights": alone})


def test_a_class_of_ones_own_takes_no_weights_of_an_encoder(train, encoder):
    with pytest.raises(InputError, match="takes its first weights itself"):
        train(
            "run",
            model=options(encoder),
            learner="lightning.pytorch:LightningModule",
            label_set=object(),
        )


def test_validation_patients_whom_the_beginning_was_trained_on_are_noted(train, label_sets):
    first = train("first")
    second = train("second", init=str(first))
    assert not json.loads((second / "model.json").read_text())["notes"]
    turned = label_sets["weak"].frame.with_columns(
        pl.col("part").replace({"validation": "train", "train": "validation"})
    )
    third = train("third", init=str(first), label_set=LabelSet("exam", turned))
    (note,) = json.loads((third / "model.json").read_text())["notes"]
    assert note.startswith("what the run began from was trained on ")
    assert LEARNED_PATIENTS.read(Storage(third))["part"].unique().to_list() == ["train"]


def test_a_position_baseline_is_no_beginning_of_a_model_that_sees_pixels(train):
    first = train("first", learner="position")
    with pytest.raises(InputError, match="a run whose model sees pixels"):
        train("second", init=str(first))
