"""A model with its learner, optimiser and schedule, as Lightning wants it."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor

from examwise.core.randomness import derive_seed
from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.exam_classifier import ExamClassifier, ExamOutput, ImageTransform
from examwise.models.segments import segment_index
from examwise.training.augmentations.choose import make_augmentation
from examwise.training.config import TrainingConfig
from examwise.training.learners.protocol import Learner
from examwise.training.losses import make_loss, weighing
from examwise.training.optimizers import make_optimizer
from examwise.training.schedules import learning_rate_factor


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
        learner: Learner,
        config: TrainingConfig,
        *,
        positive_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.learner = learner
        self.config = config
        self.register_buffer("positive_weight", positive_weight, persistent=False)
        self._loss = make_loss(config.loss)
        self._augmentation = make_augmentation(config.augmentation)

    @property
    def label_kind(self) -> LabelKind:
        """What its labels are of."""
        return self.learner.label_kind

    def exam_output(self, batch: BagBatch) -> ExamOutput:
        """Return what the model says of a batch."""
        return self._output(batch)

    def training_step(self, batch: BagBatch, _batch_index: int) -> Tensor:
        """Return this part's share of the step's loss.

        Processes' and accumulated parts' gradients are averaged: their losses are scaled so that
        this is the gradient of the mean over all of the step's labels.
        """
        augment = None
        if self._augmentation is not None and batch.features is None:
            augment = self._augmentation.draw(
                batch.exam_ids,
                batch.bag_sizes,
                seed=self.config.seed,
                step=batch.step,
                slice_index=batch.slice_index,
            )
        output = self._output(batch, augment=augment, slice_keys=self._slice_keys(batch))
        loss = self.learner.loss(
            output,
            batch,
            loss=weighing(self._loss, batch),
            positive_weight=self.positive_weight,
        )
        n_parts = self.trainer.world_size * self.config.accumulate
        return loss.total * (n_parts / (batch.step_units or 1.0))

    def configure_optimizers(self) -> Any:
        """Return the optimiser, and its schedule by step."""
        config = self.config
        optimizer = make_optimizer(
            self.classifier,
            config.optimizer,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: learning_rate_factor(
                step,
                steps=config.steps,
                warmup_fraction=config.warmup_fraction,
                config=config.schedule,
            ),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _output(
        self,
        batch: BagBatch,
        *,
        augment: ImageTransform | None = None,
        slice_keys: Tensor | None = None,
    ) -> ExamOutput:
        about = {"relative_position": batch.relative_position, "slice_keys": slice_keys}
        if batch.features is not None:
            return self.classifier.classify(batch.features, batch.bag_sizes, **about)
        return self.classifier(batch.pixels_hu, batch.bag_sizes, augment=augment, **about)

    def _slice_keys(self, batch: BagBatch) -> Tensor:
        """Return what dropout is a function of: run, step, exam and slice."""
        of_exams = torch.tensor(
            [
                derive_seed(self.config.seed, "dropout", batch.step, exam_id) >> 1
                for exam_id in batch.exam_ids
            ]
        )
        index = segment_index(batch.bag_sizes)
        return of_exams.to(index.device)[index] + batch.slice_index
