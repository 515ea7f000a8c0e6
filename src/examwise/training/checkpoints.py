"""Validation, best weights and the checkpoint to resume from, every so many steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor

from examwise.training.lightning_module import LearningModule
from examwise.training.validation import ValidationResult

_PARTIAL = "partial.ckpt"


class ValidateAndKeep(Checkpoint):
    """Validates, remembers the best weights, and writes one checkpoint that holds all of it.

    The best weights stand within the checkpoint, so that a run killed at any point finds both or
    neither. It is written beside its final name and renamed: there is never half a file there.
    For Lightning all steps are one epoch, which it resumes in the middle.

    Args:
        path: The checkpoint.
        validate: Runs the model on the validation labels; returns None where there are none.
        choose_best: Whether there are enough validation labels to choose weights by.
        advance: Called once for each step done, resumed ones included.
    """

    def __init__(
        self,
        path: Path,
        *,
        validate: Callable[[], ValidationResult | None],
        choose_best: bool,
        advance: Callable[[], None],
    ) -> None:
        self._path = path
        self._validate = validate
        self._choose_best = choose_best
        self._advance = advance
        self.rows: list[dict[str, Any]] = []
        """Rows of the metrics table."""
        self.best_step = 0
        self._best_loss = float("inf")
        self.best_weights: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs of this."""
        return {
            "rows": self.rows,
            "best_step": self.best_step,
            "best_loss": self._best_loss,
            # With no choice to make, the last weights are in the checkpoint already.
            "best_weights": self.best_weights if self._choose_best else {},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what :meth:`state_dict` returned."""
        self.rows = state_dict["rows"]
        self.best_step = state_dict["best_step"]
        self._best_loss = state_dict["best_loss"]
        self.best_weights = state_dict["best_weights"]

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Count the steps that were done before."""
        del pl_module
        for _ in range(trainer.global_step):
            self._advance()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        *_arguments: Any,
        **_options: Any,
    ) -> None:
        """Count a step; where one is due, validate, compare, and write the checkpoint."""
        self._advance()
        if not isinstance(pl_module, LearningModule):
            raise TypeError(f"expected a LearningModule, got {type(pl_module).__name__}")
        step = trainer.global_step
        config = pl_module.config
        if step % config.validate_every and step != config.steps:
            return
        result = self._validate()
        loss = result.loss if result else None
        losses = pl_module.losses
        self.rows.append(
            {
                "step": step,
                "training_loss": sum(losses) / len(losses),
                "validation_loss": loss,
                "learning_rate": pl_module.learning_rate(step - 1),
            }
        )
        losses.clear()
        if self._choose_best and loss is not None and loss < self._best_loss:
            self._best_loss = loss
            self.best_step = step
            self.best_weights = copy_of_weights(pl_module)
        self._save(trainer)

    def _save(self, trainer: lightning.Trainer) -> None:
        partial = self._path.with_name(_PARTIAL)
        trainer.save_checkpoint(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(self._path)


def copy_of_weights(module: LearningModule) -> dict[str, Tensor]:
    """Return a copy of the model's weights on the CPU."""
    return {
        name: value.detach().cpu().clone() for name, value in module.classifier.state_dict().items()
    }
