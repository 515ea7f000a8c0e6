"""Training a run: from a store and a label set to a directory with a model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.run import (
    CHECKPOINT,
    LABEL_SET,
    LEARNED_PATIENTS,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.tracking import TrackedRun
from examwise.core.writer_lock import sole_writer
from examwise.data.label_set import LabelSet
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.config import ModelConfig
from examwise.training.accelerator import require_accelerator
from examwise.training.beginnings import each_once
from examwise.training.config import TrainingConfig
from examwise.training.find_learner import is_own, judging_learner
from examwise.training.process_rank import await_beginning, process_rank
from examwise.training.run_plan import RunPlan, plan_run
from examwise.training.run_summary import OUTPUTS, RunSummary, read_run_summary, summary_of
from examwise.training.trackers.follow import follow_run
from examwise.training.trackers.isolation import Trackers
from examwise.training.trainer_config import TrainerConfig


def train_run(
    *,
    stores: Sequence[str],
    label_set: LabelSet,
    learner: str,
    model: ModelConfig,
    training: TrainingConfig,
    out: str,
    trainer: TrainerConfig | None = None,
    init: str = "",
    learner_options: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    trackers: Trackers | None = None,
    features: str | None = None,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Train a model on the labels of a label set, and on no other.

    A run that was interrupted, at any point, goes on from its last checkpoint and ends, on the
    CPU, in the same bytes as one that was not. A finished run is returned at once. Where several
    processes train together, each of them calls this with the same arguments.

    Args:
        stores: The exam store, or several of one key; their order makes no difference, nor does
            it how the same exams are divided among them.
        label_set: Which labels may be seen.
        learner: A name in :data:`examwise.training.learners.LEARNERS`, or the path of a
            LightningModule of one's own.
        model: Architecture.
        training: Options.
        out: The run directory, on a local disk.
        trainer: Where and in what arithmetic.
        init: Directory of a finished run whose model is gone on with; none if empty.
        learner_options: Arguments of a LightningModule of one's own.
        recipe: What a recipe says of itself that the options come from.
        trackers: Is told of everything.
        features: Directory for a frozen encoder's features, which are computed there once and
            used by all runs with the same encoder; without one, each step encodes anew.
        run_id: The run's name; a digest of configuration, labels and seed if None.
        progress: Where to report to.

    Raises:
        InputError: If the stores cannot be joined, :func:`~examwise.training.run_plan.plan_run`
            refuses the run, the accelerator is missing, ``out`` holds another run, is not on a
            local disk or is written by another process, or the loss is no longer finite.
        IntegrityError: If stored pixels, the checkpoint or the finished run are damaged.
    """
    folder = _local_folder(out)
    stored = JoinedStores(stores)
    plan = plan_run(
        stored,
        label_set,
        learner=learner,
        model=model,
        training=training,
        trainer=trainer,
        init=init,
        learner_options=learner_options,
        recipe=recipe,
    )
    require_accelerator(plan.trainer.accelerator)
    require_model(plan, features=features is not None)
    name = run_id or plan.run_id
    if process_rank() > 0:
        await_beginning(folder)
        # The process that leads has nothing to train then, and would be waited for in vain.
        if (folder / MANIFEST).is_file():
            return read_run_summary(Storage(folder))
        return summary_of(_train(plan, name, folder, features, lambda _row: None, SilentProgress()))
    with nullcontext() if (folder / MANIFEST).exists() else sole_writer(Storage(out)):
        stage = Stage.begin(
            out,
            kind="run",
            # Before its first checkpoint a run has nothing that other options would not replace.
            renew=not any((folder / each).exists() for each in (CHECKPOINT, MANIFEST)),
            configuration={**plan.configuration, **({"run_id": run_id} if run_id else {})},
            inputs=plan.inputs,
            seed=training.seed,
        )
        if not stage.finished:
            _train_and_write(plan, name, stage, folder, features, trackers, progress)
        shutil.rmtree((folder / CHECKPOINT).parent, ignore_errors=True)
    return read_run_summary(stage.storage)


def _train_and_write(
    plan: RunPlan,
    run_id: str,
    stage: Stage,
    folder: Path,
    features: str | None,
    trackers: Trackers | None,
    progress: Progress | None,
) -> None:
    storage = stage.storage
    LABEL_SET.write(storage, plan.label_set.frame)
    own = plan.exams.select("patient_key", "part")
    LEARNED_PATIENTS.write(storage, each_once([own, plan.beginnings.learned]))
    if trackers is not None:
        trackers.begin(TrackedRun(run_id, "run", plan.configuration, stage.storage.url))
    done = False
    try:
        _train(plan, run_id, folder, features, _to(trackers), progress or SilentProgress())
        stage.finish(outputs=OUTPUTS)
        if trackers is not None:
            follow_run(trackers, storage.url)
        done = True
    finally:
        if trackers is not None:
            trackers.finish(failed=not done)


def _to(trackers: Trackers | None) -> Callable[[dict[str, Any]], None]:
    def tell(row: dict[str, Any]) -> None:
        if trackers is not None:
            values = {name: float(value) for name, value in row.items() if value is not None}
            step = int(values.pop("step"))
            trackers.log_metrics(values, step=step)

    return tell


def _train(
    plan: RunPlan,
    run_id: str,
    folder: Path,
    features: str | None,
    on_row: Callable[[dict[str, Any]], None],
    progress: Progress,
) -> dict[str, Any]:
    """Fit the model; in the process that leads, write what it leaves. Return ``model.json``."""
    # Commands import this module to offer its options: without PyTorch they answer at once.
    from examwise.models.threads import cpu_threads
    from examwise.training.finished_run import describe_run, write_run
    from examwise.training.fit import fit
    from examwise.training.stored_features import features_of

    title = f"Training {plan.learner}"
    with cpu_threads(plan.training.n_threads):
        cached = features_of(plan, features, progress=progress) if features else None
        with progress.track(title, plan.training.steps) as advance:
            fitted = fit(plan, folder=folder, advance=advance, on_row=on_row, features=cached)
    description = describe_run(plan, fitted, run_id=run_id)
    if process_rank() == 0:
        write_run(Storage(folder), plan, fitted, description)
    return description


def require_model(plan: RunPlan, *, features: bool) -> None:
    """Refuse what cannot be built before a directory is begun.

    Args:
        plan: The run.
        features: Whether it is to read a frozen encoder's features.

    Raises:
        InputError: If encoder or pooling cannot be made as asked for, or features are not for it.
    """
    from examwise.models.encoder_check import require_encoder, require_pooling
    from examwise.models.exam_classifier import POOLED
    from examwise.training.stored_features import require_features

    if features:
        require_features(plan)
    if not is_own(plan.learner):
        require_encoder(plan.model, plan.beginnings.weights)
        if POOLED in judging_learner(plan.learner).exam_rules:
            require_pooling(plan.model)


def _local_folder(out: str) -> Path:
    folder = Storage(out).local
    if folder is None:
        raise InputError(
            where=out,
            expected="a run directory on a local disk",
            got="another kind of storage",
            remedy="train into a local folder, and copy the finished run",
        )
    return folder
