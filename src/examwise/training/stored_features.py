"""The features that runs with a frozen encoder read in place of pixels."""

from __future__ import annotations

from functools import partial

from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.progress import Progress
from examwise.core.storage import Storage
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.models.encoder_weights import find_weights, load_into
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.models.feature_cache import (
    FeatureBlock,
    FeatureCache,
    compute_block,
    feature_blocks,
    missing_blocks,
    open_features,
    require_frozen,
)
from examwise.models.threads import cpu_threads
from examwise.training.config import TrainingConfig
from examwise.training.devices import choose_device
from examwise.training.find_learner import is_own
from examwise.training.fit import make_module
from examwise.training.lightning_module import LearningModule
from examwise.training.run_plan import RunPlan


def features_of(plan: RunPlan, folder: str, *, progress: Progress) -> FeatureCache:
    """Open the features of all exams of a run's stores, computing those that are missing.

    Args:
        plan: The run.
        folder: Where features are kept, on a local disk.
        progress: Where to report to.

    Raises:
        InputError: As :func:`require_features`.
    """
    require_features(plan)
    module = make_module(plan)
    if not isinstance(module, LearningModule):
        raise TypeError(f"expected examwise's own model, got {type(module).__name__}")
    return open_features(
        folder,
        module.classifier,
        plan.stored,
        batch_slices=plan.training.batch_slices,
        device=choose_device(plan.trainer.accelerator),
        progress=progress,
    )


def require_features(plan: RunPlan) -> None:
    """Refuse features for a run that needs pixels, before it is begun.

    Raises:
        InputError: If the run trains its encoder, changes images at random, or has a model of the
            user's own.
    """
    if is_own(plan.learner):
        raise InputError(
            where="features",
            expected="a model of examwise, whose encoder stands apart",
            got="a class of your own",
            remedy="leave the features out",
        )
    require_frozen(plan.model)
    if plan.training.augmentation != "none":
        raise InputError(
            where="training option augmentation",
            expected="none, where features of the images as they are serve for all steps",
            got=plan.training.augmentation,
            remedy="set training.augmentation=none, or leave the features out",
        )


def compute_features(
    folder: str,
    model: ModelConfig,
    training: TrainingConfig,
    stored: JoinedStores | StoredExams,
    *,
    accelerator: str,
    progress: Progress,
    executor: Executor | None = None,
) -> None:
    """Compute the features that all runs with a frozen encoder read, whatever their seed.

    Args:
        folder: Where features are kept, on a local disk.
        model: Its encoder has weights from somewhere: random ones would differ from run to run.
        training: For how many slices are encoded at a time.
        stored: The exam store, or several together.
        accelerator: Where to encode, as
            :class:`~examwise.training.trainer_config.TrainerConfig` names it.
        progress: Where to report to.
        executor: Processes that share the work on a CPU; on an accelerator one does it all.

    Raises:
        InputError: If the encoder has no weights to begin from, or there is no such accelerator.
    """
    if not model.weights:
        raise InputError(
            where="model option weights",
            expected="weights for an encoder that is frozen",
            got="none, which would be other random ones in every run",
            remedy="name weights, or do not freeze all of the encoder",
        )
    device, classifier = choose_device(accelerator), _classifier(model)
    if device.type != "cpu" or executor is None or executor.n_workers == 1:
        with cpu_threads(training.n_threads):
            open_features(
                folder,
                classifier,
                stored,
                batch_slices=training.batch_slices,
                device=device,
                progress=progress,
            )
        return
    missing = missing_blocks(folder, feature_blocks(folder, classifier, stored))
    work = partial(
        _compute_one,
        folder=folder,
        model=model,
        batch_slices=training.batch_slices,
        n_threads=training.n_threads,
    )
    with progress.track("Encoding", sum(len(block.exam_ids) for block in missing)) as advance:
        for n_exams in executor.map(work, missing):
            for _ in range(n_exams):
                advance()


def _compute_one(
    block: FeatureBlock,
    *,
    folder: str,
    model: ModelConfig,
    batch_slices: int,
    n_threads: int,
) -> int:
    with cpu_threads(n_threads):
        compute_block(
            block,
            Storage(folder),
            _classifier(model),
            StoredExams(block.store),
            batch_slices=batch_slices,
            device="cpu",
        )
    return len(block.exam_ids)


def _classifier(model: ModelConfig) -> ExamClassifier:
    classifier = ExamClassifier(model, exam_rule=POOLED)
    load_into(classifier.encoder, find_weights(model.weights, encoder=model.encoder))
    return classifier
