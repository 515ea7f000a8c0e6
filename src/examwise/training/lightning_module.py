"""A model with its learner, optimiser and schedule, as Lightning wants it."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor

from examwise.core.errors import InputError
from examwise.core.randomness import derive_seed
from examwise.data.bags import BagBatch
from examwise.models.exam_classifier import ExamClassifier
from examwise.training.augmentation import FlipAndShift
from examwise.training.config import TrainingConfig, learning_rate_factor
from examwise.training.learners.protocol import ExamLearner


class LearningModule(lightning.LightningModule):
    """Trains an exam classifier by a learner.

    Args:
        classifier: The model.
        learner: The learner.
        config: Options of training.
        positive_weight: How much a positive label counts, shape (F,); 1 if None.
    """

    positive_weight: Tensor | None

    def __init__(
        self,
        classifier: ExamClassifier,
        learner: ExamLearner,
        config: TrainingConfig,
        *,
        positive_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.learner = learner
        self.config = config
        self.register_buffer("positive_weight", positive_weight, persistent=False)
        self.losses: list[float] = []
        """Loss of each step since the last validation."""

    def training_step(self, batch: BagBatch, _batch_index: int) -> Tensor:
        """Return the loss of one step.

        Raises:
            InputError: If the loss is not finite.
        """
        step = self.global_step
        seed = self.config.seed
        augment = FlipAndShift(batch, seed=seed, step=step) if self.config.augment else None
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(derive_seed(seed, "dropout", step))
            output = self.classifier(batch.pixels_hu, batch.bag_sizes, augment=augment)
        loss = self.learner.loss(output, batch, positive_weight=self.positive_weight).mean
        value = float(loss.detach())
        if not torch.isfinite(loss.detach()):
            raise InputError(
                where=f"training, step {step}",
                expected="a finite loss",
                got=value,
                remedy="lower the learning rate, and train into another directory",
            )
        self.losses.append(value)
        return loss

    def learning_rate(self, step: int) -> float:
        """Return the learning rate that a step had."""
        return self.config.learning_rate * learning_rate_factor(
            step, steps=self.config.steps, warmup_fraction=self.config.warmup_fraction
        )

    def configure_optimizers(self) -> Any:
        """Return AdamW without decay on biases and norms, and its schedule by step."""
        parameters = [
            parameter for parameter in self.classifier.parameters() if parameter.requires_grad
        ]
        groups = [
            {
                "params": [parameter for parameter in parameters if parameter.dim() > 1],
                "weight_decay": self.config.weight_decay,
            },
            {
                "params": [parameter for parameter in parameters if parameter.dim() <= 1],
                "weight_decay": 0.0,
            },
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.config.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: learning_rate_factor(
                step, steps=self.config.steps, warmup_fraction=self.config.warmup_fraction
            ),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
