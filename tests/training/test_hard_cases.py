"""Little data, and odd data: trained, or refused with words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from examwise.core.errors import InputError
from examwise.core.schemas.run import METRICS
from examwise.core.storage import Storage
from examwise.data.label_set import LabelSet, all_labels
from examwise.data.splits import read_splits, split_store
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels
from examwise.prediction.predict import predict_store
from examwise.training.learners import LEARNERS
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

CPU = TrainerConfig(accelerator="cpu")


@pytest.fixture(scope="module")
def thin(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("thin") / "s", n_exams=30, n_slices=1, matrix=16)
    split_store(url, fractions=(0.5, 0.3, 0.2), seed=0)
    return url


@pytest.fixture
def train(small_model, short_training, tmp_path):
    def run(store, label_set, learner, *, out="run", model=None, **changes):
        return train_run(
            stores=[store],
            label_set=label_set,
            learner=learner,
            model=replace(small_model, **(model or {})),
            training=replace(short_training, steps=4, validate_every=2, **changes),
            trainer=CPU,
            out=str(tmp_path / out),
        )

    return run


@pytest.mark.parametrize("learner", LEARNERS)
def test_exams_of_one_slice_are_trained_on_and_predicted(thin, train, tmp_path, learner):
    stored, splits = StoredExams(thin), read_splits(thin)
    labels = all_labels(stored, splits, "any", LEARNERS.load(learner)().label_kind)
    train(thin, labels, learner, slice_subset_minimum=1)
    predicted = predict_store(
        run=str(tmp_path / "run"), store=thin, out=str(tmp_path / "p"), split="test"
    )
    assert predicted.n_exams > 0


def only(store, label_set, value):
    known = exam_labels(StoredExams(store), "any")
    kept = known.filter(known["exam_label"] == value).select("exam_id")
    return LabelSet(label_set.kind, label_set.frame.join(kept, on="exam_id", how="semi"))


@pytest.mark.parametrize(("value", "word"), [(0, "negative"), (1, "positive")])
def test_one_class_alone_is_trained_on_and_said(store, label_sets, train, tmp_path, value, word):
    summary = train(
        store, only(store, label_sets["weak"], value), "weak", balanced=True, weigh_positives=True
    )
    assert summary.notes == (f"all training labels of any are {word}",)
    assert all(
        math.isfinite(loss) for loss in METRICS.read(Storage(tmp_path / "run"))["training_loss"]
    )


def test_more_workers_than_exams(store, label_sets, train):
    frame = label_sets["weak"].part("train").head(2)
    summary = train(store, LabelSet("exam", frame), "weak", n_workers=3)
    assert summary.n_training_labels == 2


@pytest.mark.parametrize("learner", ["strong", "weak"])
def test_a_loss_that_is_no_number_ends_the_run_with_words(store, label_sets, train, learner):
    with pytest.raises(InputError, match=r"step \d+: expected a finite loss"):
        train(
            store,
            label_sets[learner],
            learner,
            learning_rate=1e30,
            warmup_fraction=0.0,
            gradient_clip=0.0,
        )


def test_deterministic_algorithms_are_asked_for_while_it_lasts(store, label_sets, train):
    summary = train(store, label_sets["weak"], "weak", deterministic=True)
    assert summary.steps == 4
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_balanced_step_with_fewer_labels_than_parts_is_refused(store, label_sets, train):
    known = exam_labels(StoredExams(store), "any")
    rows = label_sets["weak"].part("train").join(known, on="exam_id").sort("exam_label")
    one_positive = rows.tail(1).vstack(rows.head(9)).drop("exam_label")
    with pytest.raises(InputError, match=r"a training step: .* got 3 labels"):
        train(store, LabelSet("exam", one_positive), "weak", balanced=True, accumulate=4)
