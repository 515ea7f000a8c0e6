"""Fitting a model with Lightning, resumable at any point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch

from examwise.core.errors import IntegrityError
from examwise.core.randomness import derive_seed
from examwise.core.schemas.run import CHECKPOINT
from examwise.data.loading import BagReader, StepDataset, StepNumbers, step_loader
from examwise.data.sampling import LabelSampler
from examwise.data.slice_cache import SliceCache
from examwise.models.exam_classifier import ExamClassifier
from examwise.training.checkpoints import ValidateAndKeep
from examwise.training.config import TrainingConfig
from examwise.training.learners import LEARNERS
from examwise.training.learners.protocol import ExamLearner
from examwise.training.lightning_module import LearningModule
from examwise.training.losses import positive_weights
from examwise.training.quiet import quiet_lightning
from examwise.training.run_plan import RunPlan
from examwise.training.validation import ValidationResult, validate


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        classifier: With the weights to keep.
        best_step: The step whose weights these are.
        rows: Rows of :data:`~examwise.core.schemas.run.METRICS`.
        validation: The model on the validation labels, None where there are none.
    """

    classifier: ExamClassifier
    best_step: int
    rows: list[dict[str, Any]]
    validation: ValidationResult | None


def fit(plan: RunPlan, *, folder: Path, advance: Callable[[], None]) -> Fitted:
    """Fit a model, going on from the checkpoint in ``folder`` if there is one.

    Args:
        plan: What to fit.
        folder: The run directory, on a local disk.
        advance: Called once for each step.

    Raises:
        InputError: If the loss is no longer finite.
        IntegrityError: If stored pixels or the checkpoint are damaged.
    """
    training = plan.training
    learner: ExamLearner = LEARNERS.load(plan.learner)()
    classifier = ExamClassifier(
        plan.model, exam_rule=learner.exam_rule, seed=derive_seed(training.seed, "weights")
    )
    weight = positive_weights(plan.train.values) if training.weigh_positives else None
    module = LearningModule(classifier, learner, training, positive_weight=weight)
    cache = SliceCache(plan.stored, limit_bytes=training.cache_mb * 1_000_000)
    reader = BagReader(cache, plan.validation) if len(plan.validation) else None

    def on_validation_labels() -> ValidationResult | None:
        if reader is None:
            return None
        return validate(
            classifier,
            learner,
            reader,
            batch_slices=training.batch_slices,
            device=classifier.window.center_hu.device,
        )

    checkpoint = folder / CHECKPOINT
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    keep = ValidateAndKeep(
        checkpoint,
        validate=on_validation_labels,
        choose_best=len(plan.validation) >= training.validation_minimum,
        advance=advance,
    )
    with quiet_lightning():
        _run_trainer(module, BagReader(cache, plan.train), training, keep, checkpoint)
    if keep.best_weights:
        classifier.load_state_dict(keep.best_weights)
    best_step = keep.best_step if keep.best_weights else training.steps
    return Fitted(classifier, best_step, keep.rows, on_validation_labels())


def _run_trainer(
    module: LearningModule,
    reader: BagReader,
    training: TrainingConfig,
    keep: ValidateAndKeep,
    checkpoint: Path,
) -> None:
    trainer = lightning.Trainer(
        accelerator=training.accelerator,
        devices=1,
        precision=training.precision,
        max_steps=training.steps,
        max_epochs=1,
        gradient_clip_val=training.gradient_clip,
        callbacks=[keep],
        logger=False,
        enable_checkpointing=True,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=checkpoint.parent,
    )
    per_step = (
        training.slices_per_step if reader.targets.kind == "slice" else training.exams_per_step
    )
    sampler = LabelSampler(
        reader.targets.is_positive,
        labels_per_step=per_step,
        balanced=training.balanced,
        seed=training.seed,
    )
    numbers = StepNumbers(lambda: trainer.global_step, steps=training.steps)
    loader = step_loader(
        StepDataset(reader, sampler),
        numbers,
        n_workers=training.n_workers,
        pin_memory=trainer.strategy.root_device.type == "cuda",
    )
    resume = checkpoint if checkpoint.is_file() else None
    if resume is not None:
        _require_readable(resume)
    trainer.fit(module, loader, ckpt_path=resume, weights_only=True)


def _require_readable(checkpoint: Path) -> None:
    try:
        torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch.load names no exceptions of its own: a damaged archive may raise almost any.
        raise IntegrityError(
            where=checkpoint,
            expected="a checkpoint of this run",
            got=type(error).__name__,
            remedy="delete the file; training then begins anew",
        ) from error
