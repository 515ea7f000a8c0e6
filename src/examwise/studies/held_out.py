"""What runs say of the folds that were kept from them: predicted, gathered and summed up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.digests import crc32c
from examwise.core.errors import IntegrityError
from examwise.core.progress import SilentProgress
from examwise.core.schemas.cross_validation import CROSS_VALIDATION_SUMMARY, HELD_OUT
from examwise.core.schemas.predictions import (
    POSITION_HISTOGRAM,
    PREDICTED_EXAMS,
    PREDICTED_SLICES,
    THRESHOLDS,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.data.folds import fold_name
from examwise.data.patient_overlap import require_no_overlap
from examwise.imaging.joined_stores import JoinedStores
from examwise.metrics.roc import roc_auc
from examwise.metrics.thresholds import operating_point
from examwise.prediction.ensemble import mean_position_histograms, mean_thresholds
from examwise.prediction.members import RUNS, Member, read_member
from examwise.prediction.predict import OUTPUTS, UNSEEN
from examwise.training.config import TrainingConfig


@dataclass(frozen=True)
class HeldOutPredictions:
    """What a run says of the fold that was held out.

    Attributes:
        objects: Key, within the cross-validation's directory, to Parquet.
        rows: Of :data:`~examwise.core.schemas.cross_validation.FOLD_METRICS`.
    """

    objects: dict[str, bytes]
    rows: list[dict[str, Any]]


def predict_held_out(
    run: str,
    stored: JoinedStores,
    exam_ids: pl.DataFrame,
    *,
    place: tuple[int, int],
    training: TrainingConfig,
    device: str,
    features: str | None,
) -> HeldOutPredictions:
    """Predict the exams of a fold by the run trained on the others.

    Args:
        run: The run directory.
        stored: The stores.
        exam_ids: Column ``exam_id``: the exams that were held out.
        place: Repeat and fold.
        training: Says with how many threads, and how many slices at a time.
        device: As PyTorch names it, or ``"auto"``.
        features: Directory for a frozen encoder's features; None for nowhere.

    Raises:
        InputError: If the run has learned from a patient of the fold, or its logits are not
            finite.
    """
    from examwise.models.threads import cpu_threads
    from examwise.prediction.inference import run_models
    from examwise.prediction.tables import exam_table, slice_table

    member = read_member(run)
    exams = stored.exams.join(exam_ids, on="exam_id", how="semi").sort("exam_id")
    require_no_overlap(
        member.learned_patients["patient_key"],
        exams["patient_key"],
        where=f"{run}, held-out fold",
        remedy="begin the cross-validation again in a new directory",
    )
    with cpu_threads(training.n_threads):
        raw = run_models(
            [run],
            stored,
            exams["exam_id"].to_list(),
            batch_slices=training.batch_slices,
            device=device,
            progress=SilentProgress(),
            features=features,
        )
    exams = exams.with_columns(pl.lit(UNSEEN).alias("split"))
    of_exams = exam_table(raw, stored, exams, run_id=member.run_id, learner=member.learner)
    of_slices = slice_table(raw, stored, run_id=member.run_id)
    folder = f"{HELD_OUT}/{fold_name(*place)}"
    return HeldOutPredictions(
        objects={
            f"{folder}/{PREDICTED_EXAMS.file}": PREDICTED_EXAMS.to_bytes(of_exams),
            f"{folder}/{PREDICTED_SLICES.file}": PREDICTED_SLICES.to_bytes(of_slices),
        },
        rows=[_row(finding, of_exams, member, place) for finding in member.findings],
    )


def _row(
    finding: str, exams: pl.DataFrame, member: Member, place: tuple[int, int]
) -> dict[str, Any]:
    labelled = exams.filter(pl.col("finding") == finding).drop_nulls("exam_label")
    labels = labelled["exam_label"].to_numpy()
    threshold = float(json.loads(member.thresholds)[finding]["threshold"])
    point = None
    if labelled.height:
        point = operating_point(labels, labelled["exam_probability"].to_numpy(), threshold)
    return {
        "repeat": place[0],
        "fold": place[1],
        "run_id": member.run_id,
        "finding": finding,
        "n_exams": labelled.height,
        "n_patients": labelled["patient_key"].n_unique(),
        "n_positive": int(labels.sum()),
        "auc": roc_auc(labels, labelled["exam_logit"].to_numpy()) if labelled.height else None,
        "threshold": threshold,
        "sensitivity": point and point.sensitivity,
        "specificity": point and point.specificity,
        "n_training_labels": member.description["n_training_labels"],
        "n_validation_labels": member.description["n_validation_labels"],
        "best_step": member.description["best_step"],
    }


def gather_held_out(
    storage: Storage,
    stored: JoinedStores,
    *,
    folds: Sequence[str],
    out: str,
    run_id: str,
    learner: str,
) -> None:
    """Put what the runs of one repeat say of their folds into one predictions directory.

    Its exams are ``unseen``: each by the run that predicted it. Its thresholds and baselines are
    the means of the runs'.

    Args:
        storage: The cross-validation's directory.
        stored: The stores.
        folds: Names of the repeat's folds.
        out: Where in the directory.
        run_id: Name of all of them together.
        learner: Their learner's name.

    Raises:
        IntegrityError: If what a run said of its fold has changed since.
    """
    members = [read_member(storage.child(f"{RUNS}/{fold}").url) for fold in folds]
    stage = Stage.begin(
        storage.child(out).url,
        kind="predictions",
        configuration={
            "run_id": run_id,
            "split": None,
            "data_terms": {
                "learned_from": sorted({t for m in members for t in m.description["data_terms"]}),
                "predicted": stored.data_terms,
            },
            "key_id": stored.key_id,
            "held_out": list(folds),
        },
        inputs={
            **{f"run/{fold}": m.digest for fold, m in zip(folds, members, strict=True)},
            **stored.inputs,
        },
        seed=None,
    )
    if stage.finished:
        return
    name = pl.lit(run_id).alias("run_id")
    exams = _gathered(storage, PREDICTED_EXAMS, folds)
    exams = exams.with_columns(name, pl.lit(learner).alias("learner"))
    PREDICTED_EXAMS.write(stage.storage, exams.sort("finding", "exam_id"))
    slices = _gathered(storage, PREDICTED_SLICES, folds).with_columns(name)
    PREDICTED_SLICES.write(stage.storage, slices.sort("finding", "exam_id", "slice_index"))
    stage.storage.write(THRESHOLDS, mean_thresholds([m.thresholds for m in members]))
    histograms = mean_position_histograms([m.position_histogram for m in members])
    stage.storage.write(POSITION_HISTOGRAM, histograms)
    stage.finish(outputs=OUTPUTS)


def _gathered(storage: Storage, schema: TableSchema, folds: Sequence[str]) -> pl.DataFrame:
    log = CommitLog(storage)
    tables = []
    for fold in folds:
        folder = storage.child(f"{HELD_OUT}/{fold}")
        data = folder.read(schema.file)
        if (len(data), crc32c(data)) != log.read(f"folds/{fold}").objects[
            f"{HELD_OUT}/{fold}/{schema.file}"
        ]:
            raise IntegrityError(
                where=f"{folder.url}/{schema.file}",
                expected="the file once written",
                got="another",
                remedy=f"delete commits/folds/{fold}.json and run the same command again",
            )
        tables.append(schema.read(folder))
    return pl.concat(tables)


def summarise_folds(metrics: pl.DataFrame, findings: Sequence[str]) -> pl.DataFrame:
    """Return the mean and spread of the folds' AUC for each finding.

    The spread is the standard deviation of the sample. Runs of different folds share most of what
    they were trained on, so it is no standard error, and there is no unbiased estimate of one
    (Bengio and Grandvalet, 2004).

    Args:
        metrics: A table of :data:`~examwise.core.schemas.cross_validation.FOLD_METRICS`.
        findings: In their order.

    Returns:
        A table of :data:`~examwise.core.schemas.cross_validation.CROSS_VALIDATION_SUMMARY`.
    """
    rows = []
    for finding in findings:
        of_folds = metrics.filter(pl.col("finding") == finding)["auc"].drop_nulls().to_numpy()
        rows.append(
            {
                "finding": finding,
                "n_folds": len(of_folds),
                "auc_mean": float(of_folds.mean()) if len(of_folds) else None,
                "auc_sd": float(np.std(of_folds, ddof=1)) if len(of_folds) > 1 else None,
                "auc_lowest": float(of_folds.min()) if len(of_folds) else None,
                "auc_highest": float(of_folds.max()) if len(of_folds) else None,
            }
        )
    return CROSS_VALIDATION_SUMMARY.frame(rows)
