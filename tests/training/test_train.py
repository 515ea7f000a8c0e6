from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import roc_auc_score

from examwise.core.errors import InputError, IntegrityError
from examwise.core.schemas.run import LABEL_SET, METRICS
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
from examwise.data.label_set import LabelSet
from examwise.data.loading import BagReader
from examwise.data.slice_cache import SliceCache
from examwise.data.splits import read_splits
from examwise.data.targets import find_targets
from examwise.imaging.stored_exams import StoredExams
from examwise.metrics.position import PositionHistogram
from examwise.models.files import load_model
from examwise.training.config import TrainingConfig
from examwise.training.learners import LEARNERS
from examwise.training.lightning_module import LearningModule
from examwise.training.losses import masked_cross_entropy
from examwise.training.position import training_position_histograms
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig
from examwise.training.validation import ValidationResult, validate


@pytest.fixture
def train(store, label_sets, small_model, short_training, tmp_path):
    def run(
        *, learner="strong", label_set=None, model=small_model, out="run", options=None, **changes
    ):
        return train_run(
            stores=[store],
            label_set=label_sets[learner] if label_set is None else label_set,
            learner=learner,
            model=model,
            training=replace(short_training, **changes),
            out=str(tmp_path / out),
            **{"trainer": TrainerConfig(accelerator="cpu"), **(options or {})},
        )

    return run


def scores_of(run, store, label_set, part):
    loaded = load_model(run)
    stored = StoredExams(store)
    targets = find_targets(stored, label_set, part, ["any"])
    learner = LEARNERS.load(loaded.description["learner"])()
    return validate(
        LearningModule(loaded.module, learner, TrainingConfig()),
        learner,
        BagReader(SliceCache(stored, limit_bytes=0), targets),
        loss=masked_cross_entropy,
        batch_slices=64,
    )


@pytest.mark.parametrize("learner", ["strong", "weak"])
def test_learners_learn(train, store, label_sets, small_model, tmp_path, learner):
    summary = train(
        learner=learner,
        model=replace(small_model, width=8, dropout=0.0),
        steps=60,
        exams_per_step=8,
        slices_per_step=48,
        validate_every=20,
    )
    on_training = scores_of(tmp_path / "run", store, label_sets[learner], "train")
    assert roc_auc_score(on_training.labels, on_training.logits) > 0.95
    metrics = METRICS.read(Storage(tmp_path / "run"))
    best = metrics.sort("validation_loss").row(0, named=True)
    assert summary.best_step == best["step"]
    kept = scores_of(tmp_path / "run", store, label_sets[learner], "validation")
    assert kept.loss == pytest.approx(best["validation_loss"], abs=1e-6)


def test_the_best_weights_are_kept_and_not_the_last(train, tmp_path, monkeypatch):
    losses = iter([0.9, 0.4, 0.6, 0.4, 0.8, 0.0])
    seen = []

    def scripted(module, *_arguments, **_options):
        weights = module.classifier.state_dict()
        seen.append({name: value.clone() for name, value in weights.items()})
        labels = np.array([[0.0], [1.0]] * 5, np.float32)
        return ValidationResult(next(losses), labels.astype(np.float64), labels)

    monkeypatch.setattr("examwise.training.fit.validate", scripted)
    summary = train(validate_every=2)
    assert summary.best_step == 4
    metrics = METRICS.read(Storage(tmp_path / "run"))
    assert metrics["step"].to_list() == [2, 4, 6, 8, 10]
    assert metrics["validation_loss"].to_list() == [0.9, 0.4, 0.6, 0.4, 0.8]
    kept = load_model(tmp_path / "run").module.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in seen[1].items())
    assert not all(torch.equal(kept[name], value) for name, value in seen[4].items())


def test_few_validation_labels_keep_the_last_weights_and_a_fixed_threshold(train, tmp_path):
    summary = train(validation_minimum=10_000)
    assert summary.best_step == summary.steps == 10
    thresholds = json.loads((tmp_path / "run" / "thresholds.json").read_text())
    assert thresholds == {"any": {"source": "fixed", "threshold": 0.5}}


def test_no_validation_labels_at_all(train, label_sets, tmp_path):
    summary = train(label_set=LabelSet("slice", label_sets["strong"].part("train")))
    assert summary.n_validation_labels == 0
    assert METRICS.read(Storage(tmp_path / "run"))["validation_loss"].null_count() == 3


def test_a_run_directory_says_what_it_is(train, tmp_path, label_sets):
    summary = train()
    folder = tmp_path / "run"
    model = json.loads((folder / "model.json").read_text())
    assert model["run_id"] == summary.run_id
    assert (model["learner"], model["label_kind"]) == ("strong", "slice")
    assert model["matrix"] == [32, 32]
    assert model["data_terms"] == ["synthetic"]
    assert model["exam_rule"] == "maximum_over_slices"
    labels = LABEL_SET.read(Storage(folder))
    assert labels.equals(label_sets["strong"].frame)
    assert summary.n_training_labels == label_sets["strong"].n_training
    histogram = json.loads((folder / "position_histogram.json").read_text())["any"]
    assert PositionHistogram.from_dict(histogram).n_slices == summary.n_training_labels
    names = {path.name for path in folder.iterdir()}
    assert not {"checkpoints", "lightning_logs"} & names


def test_nothing_is_printed(train, capfd, recwarn):
    train()
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_several_findings_with_options_of_the_loss(train, small_model, tmp_path):
    train(
        model=replace(small_model, findings=("any", "epidural")),
        weigh_positives=True,
        balanced=True,
        augmentation="none",
    )
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert model["notes"] == ["all training labels of epidural are negative"]
    assert model["thresholds"]["epidural"]["source"] == "fixed"


def test_a_finished_run_is_returned_at_once(train, monkeypatch):
    first = train()
    monkeypatch.setattr("examwise.training.fit.fit", None)
    assert train() == first


FILES = (
    "model.json",
    "model.safetensors",
    "label_set.parquet",
    "metrics.parquet",
    "thresholds.json",
    "position_histogram.json",
)


def test_a_finished_run_that_has_changed_is_refused(train, tmp_path):
    train()
    for file in FILES:
        path = tmp_path / "run" / file
        data = path.read_bytes()
        for damaged in (b"", data[:-1] + b" ", b"\xff"):
            path.write_bytes(damaged)
            with pytest.raises(IntegrityError, match=f"{file}: expected the file once written"):
                train()
        path.unlink()
        with pytest.raises(InputError, match=f"{file}: expected a file of this directory"):
            train()
        path.write_bytes(data)
    train()


def test_a_missing_accelerator_is_refused_before_the_run_is_begun(train, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match="trainer option accelerator"):
        train(options={"trainer": TrainerConfig(accelerator="gpu")})
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_is_refused(train):
    with pytest.raises(InputError, match=r"training, step \d+: expected a finite loss"):
        train(steps=200, learning_rate=1e30, gradient_clip=1e30)


def rows(exams, part, slice_index=None):
    frame = pl.DataFrame({"exam_id": exams, "part": [part] * len(exams)})
    return frame.with_columns(pl.lit(slice_index, pl.Int32).alias("slice_index"))


def test_label_sets_that_do_not_suit_are_refused(train, label_sets, store):
    with pytest.raises(InputError, match="strong learner: expected labels of slices"):
        train(label_set=label_sets["weak"])
    nothing = LabelSet("slice", label_sets["strong"].part("validation"))
    with pytest.raises(InputError, match="at least one training label"):
        train(label_set=nothing)
    test_exam = read_splits(store).filter(pl.col("split") == "test")["exam_id"][0]
    with pytest.raises(InputError, match=r"no exam of a test patient .* got 1 such exams"):
        train(learner="weak", label_set=LabelSet("exam", rows([test_exam], "train")))
    with pytest.raises(InputError, match="learner: expected one of strong, weak"):
        train(label_set=label_sets["weak"], learner="middling")


def test_a_patient_on_both_sides_is_refused(make_store, tmp_path, small_model, short_training):
    url = make_store(tmp_path / "pairs", n_exams=4, matrix=32, exams_per_patient=2)
    frame = pl.concat([rows(["e0000", "e0002"], "train"), rows(["e0001"], "validation")])
    with pytest.raises(InputError, match="got 1 patients for both"):
        train_run(
            stores=[url],
            label_set=LabelSet("exam", frame),
            learner="weak",
            model=small_model,
            training=short_training,
            out=str(tmp_path / "r"),
        )


def test_a_single_training_label_is_allowed_and_noted(train, label_sets):
    first = label_sets["strong"].part("train").head(1)
    summary = train(label_set=LabelSet("slice", first))
    assert summary.n_training_labels == 1
    assert summary.notes == ("all training labels of any are negative",)


def test_a_run_goes_to_a_local_disk(store, label_sets, small_model, short_training):
    with pytest.raises(InputError, match="on a local disk"):
        train_run(
            stores=[store],
            label_set=label_sets["weak"],
            learner="weak",
            model=small_model,
            training=short_training,
            out="memory://run",
        )


def test_position_histograms_are_of_the_given_exams_alone(store):
    stored = StoredExams(store)
    found = training_position_histograms(stored, ["e0000", "e0001"], ["any", "no_such_finding"])
    assert found["no_such_finding"] is None
    assert found["any"]["n_slices"] == stored.n_slices("e0000") + stored.n_slices("e0001")
    assert np.argmax(found["any"]["positive_fraction"]) not in (0, 19)


def test_a_run_without_a_checkpoint_takes_other_options(train):
    with pytest.raises(InputError, match="finite loss"):
        train(learning_rate=1e9, steps=4)
    assert train(steps=4).steps == 4
    with pytest.raises(InputError, match="to go on with"):
        train(steps=6)


def test_two_processes_cannot_write_one_run(train, tmp_path):
    with sole_writer(Storage(tmp_path / "run")), pytest.raises(InputError, match="only process"):
        train(steps=4)
    train(steps=4)
    with sole_writer(Storage(tmp_path / "run")):
        assert train(steps=4).steps == 4
