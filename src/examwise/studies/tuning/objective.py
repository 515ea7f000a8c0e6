"""What a finished run comes to on its validation labels, never on any other."""

from __future__ import annotations

import polars as pl

from examwise.core.errors import InputError
from examwise.core.progress import SilentProgress
from examwise.core.schemas.run import LABEL_SET, METRICS
from examwise.core.storage import Storage
from examwise.data.label_set import LabelSet
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_labels import exam_labels
from examwise.metrics.roc import roc_auc
from examwise.studies.tuning.config import Objective
from examwise.studies.tuning.trial_training import TrialTraining


def objective_of(
    run: str, stored: JoinedStores, training: TrialTraining, *, objective: Objective, best_step: int
) -> float:
    """Return a finished run's objective.

    Args:
        run: The run directory.
        stored: The stores.
        training: How it was trained.
        objective: Which.
        best_step: The step whose weights were kept.

    Raises:
        InputError: If the run has none.
    """
    if objective == "auc":
        return _mean_auc(run, stored, training)
    rows = METRICS.read(Storage(run)).filter(pl.col("step") == best_step)
    loss = rows["validation_loss"].to_list()[0] if rows.height else None
    if loss is None:
        raise InputError(
            where="objective of the tuning",
            expected="a loss of the validation labels",
            got="none",
            remedy="give a LightningModule of your own a validation_step",
        )
    return float(loss)


def require_objective(
    stored: JoinedStores, labels: LabelSet, training: TrialTraining, objective: Objective
) -> None:
    """Raise if there is nothing to compare runs by.

    Args:
        stored: The stores.
        labels: What runs may see.
        training: How they are trained.
        objective: What is best.

    Raises:
        InputError: Says what is missing.
    """
    if not labels.n_validation:
        raise InputError(
            where=f"validation part of {stored.name}",
            expected="labels, by which runs are compared",
            got="none",
            remedy="split the store with a validation part",
        )
    if objective == "loss":
        return
    if training.is_own:
        from examwise.training.exam_learner import import_own_learner

        if not hasattr(import_own_learner(training.learner), "exam_output"):
            raise InputError(
                where=f"learner {training.learner}",
                expected="a method exam_output(batch), by which exams are predicted",
                got="none",
                remedy="add it, or tune by the loss",
            )
    for finding in training.model.findings:
        known = _known_exams(stored, labels.part("validation"), finding)
        if known["exam_label"].n_unique() < 2:
            raise InputError(
                where=f"validation part of {stored.name}",
                expected=f"exams with and without {finding}, for an AUC",
                got="one of the two at most",
                remedy="split the store with a larger validation part, or tune by the loss",
            )


def _known_exams(stored: JoinedStores, part: pl.DataFrame, finding: str) -> pl.DataFrame:
    labels = exam_labels(stored, finding).drop_nulls("exam_label")
    return labels.join(part.select("exam_id").unique(), on="exam_id", how="semi").sort("exam_id")


def _mean_auc(run: str, stored: JoinedStores, training: TrialTraining) -> float:
    from examwise.models.threads import cpu_threads
    from examwise.prediction.inference import run_models
    from examwise.prediction.tables import exam_table

    part = LABEL_SET.read(Storage(run)).filter(pl.col("part") == "validation")
    exams = stored.exams.join(part.select("exam_id").unique(), on="exam_id", how="semi")
    exams = exams.sort("exam_id").with_columns(pl.lit("validation").alias("split"))
    with cpu_threads(training.training.n_threads):
        raw = run_models(
            [run],
            stored,
            exams["exam_id"].to_list(),
            batch_slices=training.training.batch_slices,
            device="cpu" if training.trainer.accelerator == "cpu" else "auto",
            progress=SilentProgress(),
        )
    table = exam_table(raw, stored, exams, run_id="", learner=training.learner)
    known = table.drop_nulls("exam_label")
    aucs = []
    for finding in training.model.findings:
        labelled = known.filter(pl.col("finding") == finding)
        auc = roc_auc(labelled["exam_label"].to_numpy(), labelled["exam_logit"].to_numpy())
        aucs += [auc] if auc is not None else []
    return sum(aucs) / len(aucs)
