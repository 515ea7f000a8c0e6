"""One run of a study, as a worker does it: train, predict everywhere, commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from examwise.core.commits import CommitLog
from examwise.core.progress_files import ProgressFile
from examwise.core.schemas.study import FINE_TUNED
from examwise.core.storage import Storage
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.config import ModelConfig
from examwise.prediction.label_free.predict import predict_label_free
from examwise.prediction.predict import predict_store
from examwise.studies.acquisition import Draw
from examwise.studies.config import StudyConfig
from examwise.studies.plan import PlannedRun
from examwise.studies.run_tracking import follow_tested, trackers_of
from examwise.studies.sites import TestedStore
from examwise.training.accelerator import require_accelerator
from examwise.training.config import TrainingConfig
from examwise.training.find_learner import reads_features
from examwise.training.run_plan import plan_run
from examwise.training.trackers.isolation import Trackers
from examwise.training.train import require_model, train_run
from examwise.training.trainer_config import TrainerConfig

FEATURES = "features"
"""Where a frozen encoder's features are kept, computed once for all runs."""

PROGRESS = "progress"
"""Where runs that train an encoder say how far they are, while they do."""


@dataclass(frozen=True)
class StudyWork:
    """What all runs of a study have in common.

    Attributes:
        out: The study's directory.
        stores: The stores that labels come from.
        sites: Where runs are tested.
        config: The study.
    """

    out: str
    stores: Sequence[str]
    sites: Sequence[TestedStore]
    config: StudyConfig


def do_run(item: tuple[PlannedRun, Draw | None], *, work: StudyWork) -> str:
    """Do one run and commit it; return its name.

    Whatever of it is finished already is only checked.

    Args:
        item: The run, and its labels; None where it has none.
        work: What all runs have in common.
    """
    run, draw = item
    lines = Path(work.out, PROGRESS, run.run_id)
    trackers = trackers_of(run, work.config.tracking, work.out, lines=lines)
    row = _without_labels(run, work) if draw is None else _with_labels(run, draw, work, trackers)
    tested = [f"{work.out}/{site.place(run.run_id)}" for site in work.sites]
    follow_tested(trackers, run, row, tested)
    CommitLog(Storage(work.out)).commit(f"runs/{run.run_id}", objects={}, payload=row)
    return run.run_id


def options_of(
    run: PlannedRun, config: StudyConfig
) -> tuple[ModelConfig, TrainingConfig, TrainerConfig]:
    """Return how a run with labels is trained."""
    model, training, trainer = config.model, config.training, config.trainer
    if run.mode == FINE_TUNED and (tuning := config.fine_tuning) is not None:
        model = replace(model, frozen=tuning.frozen)
        training, trainer = tuning.training, tuning.trainer or trainer
    return model, replace(training, seed=run.seed), trainer


def require_run(run: PlannedRun, draw: Draw, *, stored: JoinedStores, config: StudyConfig) -> None:
    """Refuse a run that its worker would refuse, while the study can still be corrected.

    Args:
        run: The run.
        draw: Its labels.
        stored: The stores that they come from.
        config: The study.

    Raises:
        InputError: If the run cannot be trained as asked for, or its first weights have learned
            from test patients.
    """
    model, training, trainer = options_of(run, config)
    plan = plan_run(
        stored,
        draw.label_set,
        learner=run.learner,
        model=model,
        training=training,
        trainer=trainer,
    )
    require_accelerator(trainer.accelerator)
    require_model(plan, features=reads_features(run.learner, model, training))


def _with_labels(
    run: PlannedRun, draw: Draw, work: StudyWork, trackers: Trackers
) -> dict[str, Any]:
    model, training, trainer = options_of(run, work.config)
    directory = f"{work.out}/runs/{run.run_id}"
    cached = reads_features(run.learner, model, training)
    features = f"{work.out}/{FEATURES}" if cached else None
    trained = train_run(
        stores=work.stores,
        label_set=draw.label_set,
        learner=run.learner,
        model=model,
        training=training,
        trainer=trainer,
        features=features,
        out=directory,
        run_id=run.run_id,
        trackers=trackers,
        # A head is trained in a second or two; whatever takes longer is spoken of.
        progress=None if cached else ProgressFile(Path(work.out, PROGRESS, run.run_id)),
    )
    for site in work.sites:
        predict_store(
            run=directory,
            store=site.store,
            out=f"{work.out}/{site.place(run.run_id)}",
            split=site.split,
            device="cpu" if trainer.accelerator == "cpu" else "auto",
            features=features,
        )
    costs = work.config.costs
    return {
        **_named(run),
        "n_training_labels": draw.n_bought["train"],
        "n_validation_labels": draw.n_bought["validation"],
        "n_positive_labels": draw.n_positive,
        "n_exams_opened": draw.n_exams_opened,
        "reader_actions": draw.effort.actions,
        "reader_hours": draw.effort.hours(costs) if costs else None,
        "steps": trained.steps,
        "best_step": trained.best_step,
    }


_COUNTS = (
    "n_training_labels",
    "n_validation_labels",
    "n_positive_labels",
    "n_exams_opened",
    "reader_actions",
    "steps",
    "best_step",
)


def _without_labels(run: PlannedRun, work: StudyWork) -> dict[str, Any]:
    config = work.config
    for site in work.sites:
        predict_label_free(
            run.learner,
            model=config.model,
            store=site.store,
            out=f"{work.out}/{site.place(run.run_id)}",
            run_id=run.run_id,
            split=site.split,
            batch_slices=config.training.batch_slices,
            n_threads=config.training.n_threads,
            accelerator=config.trainer.accelerator,
        )
    hours = 0.0 if config.costs else None
    return {**_named(run), **dict.fromkeys(_COUNTS, 0), "reader_hours": hours}


def _named(run: PlannedRun) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "learner": run.learner,
        "mode": run.mode,
        "label_kind": run.label_kind,
        "acquisition": run.acquisition,
        "budget": run.budget,
        "repeat": run.repeat,
        "seed": run.seed,
    }
