"""Training a run: from a store and a label set to a directory with a model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from examwise.core.digests import readable_json
from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.predictions import POSITION_HISTOGRAM, THRESHOLDS
from examwise.core.schemas.run import (
    CHECKPOINT,
    LABEL_SET,
    LEARNED_PATIENTS,
    METRICS,
    MODEL,
    WEIGHTS,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.label_set import LabelSet
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_task import stored_task
from examwise.models.config import ModelConfig
from examwise.training.accelerator import require_accelerator
from examwise.training.config import TrainingConfig
from examwise.training.position import training_position_histograms
from examwise.training.run_plan import RunPlan, plan_run

OUTPUTS = (
    WEIGHTS,
    MODEL,
    LABEL_SET.file,
    LEARNED_PATIENTS.file,
    METRICS.file,
    THRESHOLDS,
    POSITION_HISTOGRAM,
)
"""Files of a finished run."""


@dataclass(frozen=True)
class RunSummary:
    """What became of a run.

    Attributes:
        run_id: The run's name.
        learner: The learner's name.
        steps: Optimiser steps.
        best_step: The step whose weights were kept.
        n_training_labels: Labels trained on.
        n_validation_labels: Labels kept for validation.
        n_positive_labels: Positive ones among both.
        notes: What a reader of its results should know.
        data_terms: Terms of use of the exams that it learned from.
    """

    run_id: str
    learner: str
    steps: int
    best_step: int
    n_training_labels: int
    n_validation_labels: int
    n_positive_labels: int
    notes: tuple[str, ...]
    data_terms: tuple[str, ...]


def train_run(
    *,
    stores: Sequence[str],
    label_set: LabelSet,
    learner: str,
    model: ModelConfig,
    training: TrainingConfig,
    out: str,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Train a model on the labels of a label set, and on no other.

    A run that was interrupted, at any point, goes on from its last checkpoint and ends, on the
    CPU, in the same bytes as one that was not. A finished run is returned at once.

    Args:
        stores: The exam store, or several of one key; their order makes no difference, nor does
            it how the same exams are divided among them.
        label_set: Which labels may be seen.
        learner: A name in :data:`examwise.training.learners.LEARNERS`.
        model: Architecture.
        training: Options.
        out: The run directory, on a local disk.
        run_id: The run's name; a digest of configuration, labels and seed if None.
        progress: Where to report to.

    Raises:
        InputError: If the stores cannot be joined, :func:`~examwise.training.run_plan.plan_run`
            refuses the run, the accelerator is missing, ``out`` holds another run or is not on a
            local disk, or the loss is no longer finite.
        IntegrityError: If stored pixels, the checkpoint or the finished run are damaged.
    """
    folder = _local_folder(out)
    stored = JoinedStores(stores)
    plan = plan_run(stored, label_set, learner=learner, model=model, training=training)
    require_accelerator(training.accelerator)
    name = run_id or plan.run_id
    stage = Stage.begin(
        out,
        kind="run",
        configuration={**plan.configuration, **({"run_id": run_id} if run_id else {})},
        inputs=plan.inputs,
        seed=training.seed,
    )
    if not stage.finished:
        _fit_and_write(plan, name, stage, folder, progress or SilentProgress())
        stage.finish(outputs=OUTPUTS)
    shutil.rmtree((folder / CHECKPOINT).parent, ignore_errors=True)
    return read_run_summary(stage.storage)


def read_run_summary(storage: Storage) -> RunSummary:
    """Return the summary of a finished run.

    Args:
        storage: The run directory.

    Raises:
        InputError: If the run is not finished.
        IntegrityError: If a file of it is not the one once written.
    """
    manifest = read_manifest(storage.url, kind="run")
    kept = {key: manifest.read_output(storage, key) for key in OUTPUTS}
    found = json.loads(kept[MODEL])
    return RunSummary(
        run_id=found["run_id"],
        learner=found["learner"],
        steps=found["steps"],
        best_step=found["best_step"],
        n_training_labels=found["n_training_labels"],
        n_validation_labels=found["n_validation_labels"],
        n_positive_labels=found["n_positive_labels"],
        notes=tuple(found["notes"]),
        data_terms=tuple(found["data_terms"]),
    )


def _fit_and_write(
    plan: RunPlan, run_id: str, stage: Stage, folder: Path, progress: Progress
) -> None:
    # Only now is PyTorch imported: a refused or finished run needs none.
    from examwise.models.files import save_model
    from examwise.models.threads import cpu_threads
    from examwise.training.fit import fit
    from examwise.training.validation import fit_thresholds

    storage = stage.storage
    LABEL_SET.write(storage, plan.label_set.frame)
    patients = plan.exams.select("patient_key", "part").unique().sort("patient_key")
    LEARNED_PATIENTS.write(storage, patients)
    title = f"Training {plan.learner}"
    with (
        progress.track(title, plan.training.steps) as advance,
        cpu_threads(plan.training.n_threads),
    ):
        fitted = fit(plan, folder=folder, advance=advance)
    METRICS.write(storage, METRICS.frame(fitted.rows))
    findings = plan.model.findings
    thresholds = fit_thresholds(
        findings, fitted.validation, minimum=plan.training.validation_minimum
    )
    storage.write(THRESHOLDS, readable_json(thresholds))
    trained_on = sorted(set(plan.train.exam_ids))
    histograms = training_position_histograms(plan.stored, trained_on, findings)
    storage.write(POSITION_HISTOGRAM, readable_json(histograms))
    description = {
        "run_id": run_id,
        "learner": plan.learner,
        "label_kind": plan.label_set.kind,
        "findings": list(findings),
        "matrix": list(plan.matrix),
        "data_terms": plan.exams["data_terms"].unique().sort().to_list(),
        "key_id": plan.stored.key_id,
        "task": asdict(stored_task(plan.stored.stores[0].manifest)),
        "labelled_exams": plan.labelled_exams,
        "thresholds": thresholds,
        "steps": plan.training.steps,
        "best_step": fitted.best_step,
        "n_training_labels": len(plan.train),
        "n_validation_labels": len(plan.validation),
        "n_positive_labels": int(plan.train.is_positive.sum() + plan.validation.is_positive.sum()),
        "notes": plan.notes,
    }
    save_model(storage, fitted.classifier, plan.model, description)


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
