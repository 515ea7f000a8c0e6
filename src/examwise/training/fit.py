"""Fitting a model with Lightning, resumable at any point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException

from examwise.core.errors import InputError, IntegrityError
from examwise.core.randomness import derive_seed
from examwise.core.schemas.run import CHECKPOINT
from examwise.data.loading import BagReader, StoredFeatures
from examwise.data.slice_cache import SliceCache
from examwise.data.targets import Targets
from examwise.models.encoder_weights import load_into
from examwise.models.exam_classifier import ExamClassifier
from examwise.models.initial_weights import take_weights_of_run
from examwise.models.own_module import make_own_module, own_code
from examwise.training.checkpoints import ValidateAndKeep
from examwise.training.data_module import StepData
from examwise.training.exam_judgement import JudgedExams, judge_exams, known_exams
from examwise.training.find_learner import is_own, judging_learner
from examwise.training.learners.protocol import Learner
from examwise.training.lightning_module import LearningModule
from examwise.training.losses import make_loss, positive_weights
from examwise.training.quiet import quiet_lightning
from examwise.training.run_plan import RunPlan
from examwise.training.validation import ValidationResult, validate


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        module: With the weights to keep.
        steps: Optimiser steps that were done.
        best_step: The step whose weights these are.
        rows: Rows of :data:`~examwise.core.schemas.run.METRICS`.
        validation: The model on the validation labels, None where there are none.
        exams: The model on the exams whose label these tell.
    """

    module: lightning.LightningModule
    steps: int
    best_step: int
    rows: list[dict[str, Any]]
    validation: ValidationResult | None
    exams: JudgedExams | None

    @property
    def saved(self) -> torch.nn.Module:
        """What is written: the classifier, or a module of the user's own."""
        if isinstance(self.module, LearningModule):
            return self.module.classifier
        return self.module


def fit(
    plan: RunPlan,
    *,
    folder: Path,
    advance: Callable[[], None],
    on_row: Callable[[dict[str, Any]], None],
    features: StoredFeatures | None = None,
) -> Fitted:
    """Fit a model, going on from the checkpoint in ``folder`` if there is one.

    Args:
        plan: What to fit.
        folder: The run directory, on a local disk.
        advance: Called once for each step.
        on_row: Called with each new row of the metrics table.
        features: A frozen encoder's features, to be read in place of pixels.

    Raises:
        InputError: If the loss is no longer finite, or initial weights do not fit.
        IntegrityError: If stored pixels or the checkpoint are damaged.
    """
    training = plan.training
    learner = judging_learner(plan.learner)
    cache = SliceCache(plan.stored, limit_bytes=training.cache_mb * 1_000_000)
    reader = BagReader(cache, plan.validation, features=features) if len(plan.validation) else None
    checkpoint = folder / CHECKPOINT
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), _same_algorithms_after(), quiet_lightning():
        module = make_module(plan)

        def on_validation_labels() -> ValidationResult | None:
            if reader is None:
                return None
            return validate(
                module,
                learner,
                reader,
                loss=make_loss(training.loss),
                batch_slices=training.batch_slices,
            )

        keep = ValidateAndKeep(
            checkpoint,
            config=training,
            validate=on_validation_labels,
            choose_best=plan.validation.n_labels >= training.validation_minimum,
            advance=advance,
            on_row=on_row,
        )
        train_reader = BagReader(cache, _learned_from(plan), features=features)
        _run_trainer(module, StepData(train_reader, training, plan.model), plan, keep, checkpoint)
        steps = keep.rows[-1]["step"]
        if keep.best_weights:
            module.load_state_dict(keep.best_weights)
        elif keep.average:
            keep.average.copy_to(module)
        _require_finite(module)
        validation = on_validation_labels()
        exams = _judged(module, learner, cache, plan, validation, features)
    best_step = keep.best_step if keep.best_weights else steps
    return Fitted(module, steps, best_step, keep.rows, validation, exams)


@contextmanager
def _same_algorithms_after() -> Iterator[None]:
    # Lightning asks for deterministic ones for the whole process, and for good.
    before = torch.are_deterministic_algorithms_enabled()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def make_module(plan: RunPlan) -> lightning.LightningModule:
    """Return the model that a run trains, with the weights that it begins from."""
    learner = judging_learner(plan.learner)
    seed = derive_seed(plan.training.seed, "weights")
    begins = plan.beginnings
    if is_own(plan.learner):
        own: lightning.LightningModule = make_own_module(
            plan.learner,
            base=lightning.LightningModule,
            findings=plan.model.findings,
            options=plan.learner_options,
            seed=seed,
        )
        if begins.init:
            take_weights_of_run(own, begins.init)
        return own
    classifier = ExamClassifier(plan.model, exam_rule=learner.exam_rules[0], seed=seed)
    if begins.weights is not None:
        load_into(classifier.encoder, begins.weights)
    if begins.init:
        take_weights_of_run(classifier, begins.init)
    weight = None
    if plan.training.weigh_positives:
        targets = _learned_from(plan)
        weight = positive_weights(targets.all_values, targets.weights)
    return LearningModule(classifier, learner, plan.training, positive_weight=weight)


def _learned_from(plan: RunPlan) -> Targets:
    """Return a run's training labels, weighing as its steps are drawn."""
    return plan.train.weighing_within_classes() if plan.training.balanced else plan.train


def _judged(
    module: lightning.LightningModule,
    learner: Learner,
    cache: SliceCache,
    plan: RunPlan,
    validation: ValidationResult | None,
    features: StoredFeatures | None,
) -> JudgedExams | None:
    if validation is None or not len(validation.logits):
        return None
    if learner.label_kind != "slice":
        return JudgedExams(validation.logits, validation.labels, complete=True)
    names = set(plan.validation.exam_ids)
    known = known_exams(plan.validation, {name: plan.stored.n_slices(name) for name in names})
    return judge_exams(
        module,
        plan.validation,
        BagReader(cache, known, features=features),
        rules=learner.exam_rules,
        batch_slices=plan.training.batch_slices,
        minimum=plan.training.validation_minimum,
    )


def _run_trainer(
    module: lightning.LightningModule,
    data: StepData,
    plan: RunPlan,
    keep: ValidateAndKeep,
    checkpoint: Path,
) -> None:
    training, config = plan.training, plan.trainer
    if config.precision == "auto":
        raise AssertionError("a plan says what arithmetic it is")
    if training.accumulate > 1 and not module.automatic_optimization:
        raise InputError(
            where="training option accumulate",
            expected="1 for a module that takes its steps by itself",
            got=training.accumulate,
            remedy="leave the option out, or accumulate in the module",
        )
    clip = training.gradient_clip if module.automatic_optimization else 0
    try:
        trainer = lightning.Trainer(
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.num_nodes,
            strategy=config.strategy,
            precision=config.precision,
            max_steps=training.steps,
            max_epochs=1,
            accumulate_grad_batches=training.accumulate if module.automatic_optimization else 1,
            gradient_clip_val=clip or None,
            deterministic=training.deterministic or None,
            callbacks=[keep],
            logger=False,
            enable_checkpointing=True,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=checkpoint.parent,
            **config.options,
        )
    except (TypeError, ValueError, MisconfigurationException) as bad:
        raise InputError(
            where="trainer options",
            expected="arguments that Lightning's Trainer takes on this machine",
            got=bad,
            remedy="see the Trainer's documentation",
        ) from bad
    resume = checkpoint if checkpoint.is_file() else None
    state = _read(checkpoint) if resume else {}
    if state:
        keep.load_state_dict(_state_of(state, keep))
    if keep.is_over:
        module.load_state_dict(state["state_dict"])
    else:
        with own_code(plan.learner) if is_own(plan.learner) else nullcontext():
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    # Lightning leaves the model on the CPU, and there are validation exams to be judged yet.
    module.to(trainer.strategy.root_device)


def _require_finite(module: lightning.LightningModule) -> None:
    """Refuse weights that a last step has spoiled, whose loss nobody has seen."""
    for name, value in module.named_parameters():
        if not torch.isfinite(value).all():
            raise InputError(
                where=f"training, weights {name}",
                expected="finite weights",
                got="NaN or infinity",
                remedy="lower the learning rate, and train into another directory",
            )


def _state_of(state: dict[str, Any], keep: ValidateAndKeep) -> dict[str, Any]:
    found: dict[str, Any] = state["callbacks"][keep.state_key]
    return found


def _read(checkpoint: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch.load names no exceptions of its own: a damaged archive may raise almost any.
        raise IntegrityError(
            where=checkpoint,
            expected="a checkpoint of this run",
            got=type(error).__name__,
            remedy="delete the file; training then begins anew",
        ) from error
    return found
