"""Modules of one's own that do what Lightning's own trainer would let them do."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.run import METRICS
from examwise.core.storage import Storage
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

MODULES = """
import torch
from lightning.pytorch import LightningModule
from torch.nn.functional import binary_cross_entropy_with_logits


class Logs(LightningModule):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(1, 1)

    def loss(self, batch):
        bags = batch.pixels_hu.float().split(batch.bag_sizes.tolist())
        means = torch.stack([bag.mean() for bag in bags]).unsqueeze(1)
        return binary_cross_entropy_with_logits(self.linear(means / 100), batch.exam_labels)

    def training_step(self, batch, number):
        loss = self.loss(batch)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, number):
        loss = self.loss(batch)
        self.log("validation_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-3)


class Stops(Logs):
    def training_step(self, batch, number):
        self.trainer.should_stop = number == 2
        return self.loss(batch)


class TakesStepsItself(Logs):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, number):
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(self.loss(batch))
        optimizer.step()


class Spoils(Logs):
    def on_train_batch_end(self, outputs, batch, number):
        if number == 5:
            torch.nn.init.constant_(self.linear.weight, float("nan"))


class TellsNoLoss(Logs):
    def training_step(self, batch, number):
        return None


class HasNoOptimiser(Logs):
    def configure_optimizers(self):
        return None


class Raises(Logs):
    def training_step(self, batch, number):
        raise KeyError("width")
"""


@pytest.fixture
def train(store, label_sets, small_model, short_training, tmp_path, monkeypatch):
    (tmp_path / "loop_models.py").write_text(MODULES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "loop_models", raising=False)

    def run(name, **changes):
        return train_run(
            stores=[store],
            label_set=label_sets["weak"],
            learner=f"loop_models:{name}",
            model=small_model,
            training=replace(short_training, **{"steps": 6, "validate_every": 2, **changes}),
            trainer=TrainerConfig(accelerator="cpu"),
            out=str(tmp_path / name),
        )

    return run


@pytest.mark.parametrize("name", ["Logs", "TakesStepsItself"])
def test_what_is_logged_in_validation_is_in_nobodys_way(train, tmp_path, name):
    assert train(name).steps == 6
    rows = METRICS.read(Storage(tmp_path / name))
    assert rows["step"].to_list() == [2, 4, 6]
    assert rows["validation_loss"].null_count() == 0


def test_one_that_ends_training_early_is_validated_where_it_ended(train, tmp_path):
    assert train("Stops").steps == 3
    assert METRICS.read(Storage(tmp_path / "Stops"))["step"].to_list() == [2, 3]


def test_one_that_takes_its_steps_itself_accumulates_itself(train):
    with pytest.raises(InputError, match="accumulate: expected 1 for a module that takes"):
        train("TakesStepsItself", accumulate=2)


def test_weights_that_the_last_step_has_spoiled_are_refused(train):
    with pytest.raises(InputError, match=r"linear\.weight: expected finite weights"):
        train("Spoils", validation_minimum=10_000)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("TellsNoLoss", "expected losses from training_step, got none"),
        ("HasNoOptimiser", "expected an optimiser from configure_optimizers, got none"),
        ("Raises", r"learner loop_models:Raises: .* KeyError at loop_models\.py"),
    ],
)
def test_what_is_wrong_with_one_is_said_of_it(train, name, match):
    with pytest.raises(InputError, match=match):
        train(name)
