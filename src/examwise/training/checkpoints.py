"""Validation, best weights and the checkpoint to resume from, every so many steps."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor

from examwise.core.errors import InputError
from examwise.core.randomness import derive_seed
from examwise.training.averaging import WeightAverage
from examwise.training.config import TrainingConfig
from examwise.training.processes import summed
from examwise.training.validation import ValidationResult

_PARTIAL = "partial.ckpt"


class ValidateAndKeep(Checkpoint):
    """Validates, remembers the best weights, and writes one checkpoint that holds all of it.

    The best weights stand within the checkpoint, so that a run killed at any point finds both or
    neither. It is written beside its final name and renamed: there is never half a file there.
    For Lightning all steps are one epoch, which it resumes in the middle.

    Args:
        path: The checkpoint.
        config: Options of training.
        validate: Runs the model on the validation labels; returns None where there are none.
        choose_best: Whether there are enough validation labels to choose weights by.
        advance: Called once for each step done, resumed ones included.
        on_row: Called with each new row of the metrics table.
    """

    def __init__(
        self,
        path: Path,
        *,
        config: TrainingConfig,
        validate: Callable[[], ValidationResult | None],
        choose_best: bool,
        advance: Callable[[], None],
        on_row: Callable[[dict[str, Any]], None],
    ) -> None:
        self._path = path
        self._config = config
        self._validate = validate
        self._choose_best = choose_best
        self._advance = advance
        self._on_row = on_row
        self.average = WeightAverage(config.average) if config.average else None
        self.rows: list[dict[str, Any]] = []
        """Rows of the metrics table."""
        self.best_step = 0
        self.is_over = False
        """Whether there was no better validation for so long that training ended early."""
        self._best_loss = float("inf")
        self._n_worse = 0
        self.best_weights: dict[str, Tensor] = {}
        self._done = 0
        self._losses: list[float] = []
        self._learning_rate = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs of this."""
        return {
            "rows": self.rows,
            "best_step": self.best_step,
            "best_loss": self._best_loss,
            "n_worse": self._n_worse,
            "is_over": self.is_over,
            "average": self.average.state_dict() if self.average else {},
            # With no choice to make, the last weights are in the checkpoint already.
            "best_weights": self.best_weights if self._choose_best else {},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what :meth:`state_dict` returned."""
        self.rows = state_dict["rows"]
        self.best_step = state_dict["best_step"]
        self._best_loss = state_dict["best_loss"]
        self._n_worse = state_dict["n_worse"]
        self.is_over = state_dict["is_over"]
        self.best_weights = state_dict["best_weights"]
        if self.average:
            self.average.load_state_dict(state_dict["average"])

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Count the steps that were done before."""
        groups = [group for each in trainer.optimizers for group in each.param_groups]
        if pl_module.automatic_optimization and not groups:
            raise InputError(
                where="training",
                expected="an optimiser from configure_optimizers",
                got="none",
                remedy="return one, or set automatic_optimization = False and take the steps "
                "in training_step",
            )
        self._done = trainer.global_step
        for _ in range(self._done):
            self._advance()

    def on_train_batch_start(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Make whatever draws from the global generators a function of the step."""
        del batch
        part = batch_idx % self._config.accumulate
        names = ("step", self._done, part, pl_module.global_rank)
        seed = derive_seed(self._config.seed, *names)
        if torch.accelerator.is_available():
            torch.manual_seed(seed)
        else:
            # The call for all devices notes a stack trace for each that is not there: a quarter
            # of a small head's step.
            torch.default_generator.manual_seed(seed)
        if trainer.optimizers:
            self._learning_rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        *_arguments: Any,
        **_options: Any,
    ) -> None:
        """Count a step; where one is due, validate, compare, and write the checkpoint."""
        self._take_loss(trainer, outputs)
        step = trainer.global_step
        if step <= self._done:
            return
        self._done = step
        self._advance()
        if self.average:
            self.average.update(pl_module)
        if step % self._config.validate_every == 0 or step >= self._config.steps:
            self._validate_and_save(trainer, pl_module)

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Validate once more where a module or callback of one's own has ended training early.

        Raises:
            InputError: If there was no step at all.
        """
        if not self._done:
            raise InputError(
                where="training", expected="at least one optimiser step", got="an end before it"
            )
        if not self.rows or self.rows[-1]["step"] < self._done:
            self.is_over = True
            self._validate_and_save(trainer, pl_module)

    def _validate_and_save(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        step = self._done
        averaged = self.average.swapped_into(pl_module) if self.average else nullcontext()
        with averaged:
            result = self._validate()
            self._compare(pl_module, result, step)
        self._add_row(step, result, trainer)
        if self.is_over:
            trainer.should_stop = True
        self._save(trainer)

    def _take_loss(self, trainer: lightning.Trainer, outputs: Any) -> None:
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            return  # A module that takes its steps by itself need not tell.
        # Lightning has divided it among the parts of the step. Not every device has doubles.
        value = float(summed(loss.detach().float())) / trainer.world_size
        value *= trainer.accumulate_grad_batches
        if not math.isfinite(value):
            raise InputError(
                where=f"training, step {self._done}",
                expected="a finite loss",
                got=value,
                remedy="lower the learning rate, and train into another directory",
            )
        self._losses.append(value)

    def _compare(
        self,
        pl_module: lightning.LightningModule,
        result: ValidationResult | None,
        step: int,
    ) -> None:
        if not self._choose_best or result is None:
            return
        if result.loss < self._best_loss:
            self._best_loss = result.loss
            self.best_step = step
            self.best_weights = copy_of_weights(pl_module)
            self._n_worse = 0
            return
        self._n_worse += 1
        if 0 < self._config.patience <= self._n_worse:
            self.is_over = True

    def _add_row(
        self, step: int, result: ValidationResult | None, trainer: lightning.Trainer
    ) -> None:
        losses, self._losses = self._losses, []
        if not losses and trainer.lightning_module.automatic_optimization:
            raise InputError(
                where=f"training, step {step}",
                expected="losses from training_step",
                got="none since the last validation",
                remedy="return the loss, or set automatic_optimization = False and take the "
                "steps there",
            )
        row = {
            "step": step,
            "training_loss": sum(losses) / len(losses) if losses else None,
            "validation_loss": result.loss if result else None,
            "learning_rate": self._learning_rate,
        }
        self.rows.append(row)
        if trainer.is_global_zero:
            self._on_row(row)

    def _save(self, trainer: lightning.Trainer) -> None:
        partial = self._path.with_name(_PARTIAL)
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(self._path)


def copy_of_weights(module: torch.nn.Module) -> dict[str, Tensor]:
    """Return a copy of a module's weights on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}
