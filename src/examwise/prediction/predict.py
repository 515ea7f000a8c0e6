"""Predicting a store: from a run and a store to a predictions directory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.predictions import (
    POSITION_HISTOGRAM,
    PREDICTED_EXAMS,
    PREDICTED_SLICES,
    THRESHOLDS,
)
from examwise.core.schemas.run import LABEL_SET, LEARNED_PATIENTS, MODEL
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.patient_overlap import require_no_overlap
from examwise.data.splits import has_splits, read_splits
from examwise.data.stratified_split import PARTS
from examwise.imaging.joined_stores import key_of
from examwise.imaging.stored_exams import StoredExams
from examwise.training.run_plan import exams_digest

UNSEEN = "unseen"
"""The split of exams of a store that has none."""

OUTPUTS = (PREDICTED_EXAMS.file, PREDICTED_SLICES.file, THRESHOLDS, POSITION_HISTOGRAM)
"""Files of a finished predictions directory."""


@dataclass(frozen=True)
class PredictionSummary:
    """What was predicted.

    Attributes:
        run_id: The run that predicted.
        n_exams: Exams.
        n_slices: Slices.
        findings: What for.
        data_terms: Terms of use of the exams that the run learned from, and of those predicted.
        same_key: Whether exams and run have pseudonyms of one key, so that a patient whom the run
            has learned from would be known again.
        n_learned: Exams of patients whom the run has learned from; they are marked, and left out
            of every evaluation.
    """

    run_id: str
    n_exams: int
    n_slices: int
    findings: tuple[str, ...]
    data_terms: Mapping[str, Sequence[str]]
    same_key: bool
    n_learned: int


def predict_store(
    *,
    run: str,
    store: str,
    out: str,
    split: str | None = None,
    allow_overlap: bool = False,
    batch_slices: int = 512,
    n_threads: int = 1,
    device: str = "auto",
    progress: Progress | None = None,
) -> PredictionSummary:
    """Predict the exams of a store, or of one part of it, by a run's model.

    An exam's split is the store's, unless the run has seen labels of its patient: then it is the
    part that these labels were in, whatever has become of the store's splits. A store other than
    those it was trained on is to hold none of these patients. The terms of use of both sides go
    into the manifest.

    Args:
        run: The run directory.
        store: The exam store.
        out: The predictions directory.
        split: ``"train"``, ``"validation"`` or ``"test"``; all exams if None.
        allow_overlap: Go on where another store than that of its training holds patients that
            the run has learned from; their exams are marked, and never evaluated.
        batch_slices: Slices at a time; a longer exam is taken by itself.
        n_threads: Threads of PyTorch on the CPU.
        device: As PyTorch names it; ``"auto"`` is a GPU where there is one.
        progress: Where to report to.

    Raises:
        InputError: If run or store are no such thing, the store's matrix is not the model's, the
            part has no exam, the test part or another store holds patients that the run has
            learned from, or ``out`` holds something else.
        IntegrityError: If stored pixels, the run or finished predictions are damaged.
    """
    if split is not None and split not in PARTS:
        raise InputError(where="split", expected="one of " + ", ".join(PARTS), got=split)
    for name, value in (("batch_slices", batch_slices), ("n_threads", n_threads)):
        if value < 1:
            raise InputError(where=name, expected="at least 1", got=value)
    trained = read_manifest(run, kind="run")
    kept = {
        key: trained.read_output(Storage(run), key)
        for key in (MODEL, LABEL_SET.file, LEARNED_PATIENTS.file, THRESHOLDS, POSITION_HISTOGRAM)
    }
    description = json.loads(kept[MODEL])
    stored = StoredExams(store)
    learned = _learned_from(run, stored)
    exams = _choose(stored, store, split, learned=learned)
    _require_matrix(exams, tuple(description["matrix"]), store)
    if not allow_overlap and not _is_of_training(run, stored, description):
        require_no_overlap(
            learned["patient_key"],
            exams["patient_key"],
            where=store,
            remedy="predict a store without them, or let their exams be marked and left out of "
            "every evaluation (--allow-overlap)",
        )
    key = key_of(stored)
    terms = {
        "learned_from": description["data_terms"],
        "predicted": exams["data_terms"].unique().sort().to_list(),
    }
    stage = Stage.begin(
        out,
        kind="predictions",
        configuration={
            "run_id": description["run_id"],
            "split": split,
            "data_terms": terms,
            "key_id": key,
        },
        inputs={"run": _digest(run), "store": _digest(store)},
        seed=None,
    )
    summary = PredictionSummary(
        run_id=description["run_id"],
        n_exams=exams.height,
        n_slices=int(exams["n_slices"].sum()),
        findings=tuple(description["findings"]),
        data_terms=terms,
        same_key=key is not None and key == description.get("key_id"),
        n_learned=exams.join(learned, on="patient_key", how="semi").height,
    )
    if stage.finished:
        finished = read_manifest(out, kind="predictions")
        for key in OUTPUTS:
            finished.read_output(stage.storage, key)
        return summary
    # Only now is PyTorch imported: a refused or finished prediction needs none.
    from examwise.models.threads import cpu_threads
    from examwise.prediction.inference import run_model
    from examwise.prediction.tables import exam_table, slice_table

    with cpu_threads(n_threads):
        raw = run_model(
            run,
            stored,
            exams["exam_id"].to_list(),
            batch_slices=batch_slices,
            device=device,
            progress=progress or SilentProgress(),
        )
    origin = {"run_id": description["run_id"], "learner": description["learner"]}
    PREDICTED_EXAMS.write(stage.storage, exam_table(raw, stored, exams, **origin))
    PREDICTED_SLICES.write(stage.storage, slice_table(raw, stored, run_id=origin["run_id"]))
    for file in (THRESHOLDS, POSITION_HISTOGRAM):
        stage.storage.write(file, kept[file])
    stage.finish(outputs=OUTPUTS)
    return summary


def _learned_from(run: str, stored: StoredExams) -> pl.DataFrame:
    """Return the patients whose labels the run has seen: ``patient_key``, ``learned``.

    By their key in any store; and by their exams, whose patient may have been corrected since.
    """
    exams = stored.exams.join(LABEL_SET.read(Storage(run)).unique("exam_id"), on="exam_id")
    patients = [LEARNED_PATIENTS.read(Storage(run)), exams.select("patient_key", "part")]
    together = pl.concat(patients).unique("patient_key", keep="first", maintain_order=True)
    return together.rename({"part": "learned"})


def _is_of_training(run: str, stored: StoredExams, description: Mapping[str, Any]) -> bool:
    """Tell whether a store is one that the run's labels came from, or has all of their exams.

    Exams may have been added to it since.
    """
    labelled = LABEL_SET.read(Storage(run)).select("exam_id").unique()
    here = labelled.join(stored.exams, on="exam_id", how="semi")["exam_id"]
    if here.len() == labelled.height:
        return True
    return here.len() > 0 and exams_digest(here) in description.get("labelled_exams", ())


def _choose(
    stored: StoredExams, store: str, split: str | None, *, learned: pl.DataFrame
) -> pl.DataFrame:
    """Return the exams to predict, with their part."""
    exams = stored.exams.with_columns(pl.lit(None, pl.String).alias("split"))
    if split is not None or has_splits(store):
        parts = read_splits(store, whole=split is not None).select("exam_id", "split")
        exams = stored.exams.join(parts, on="exam_id", how="left")
    exams = exams.join(learned, on="patient_key", how="left").sort("exam_id")
    leaked = exams.filter((pl.col("split") == "test") & pl.col("learned").is_not_null())
    if split == "test" and leaked.height:
        raise InputError(
            where=store,
            expected="test patients that the run has not learned from",
            got=f"{leaked.height} exams of patients whose labels it has seen",
            remedy="restore the splits with which the run was trained, or train again",
        )
    exams = exams.with_columns(pl.coalesce("learned", "split", pl.lit(UNSEEN)).alias("split"))
    exams = exams.drop("learned")
    if split is not None:
        exams = exams.filter(pl.col("split") == split)
        if not exams.height:
            raise InputError(
                where=store,
                expected=f"exams in the part {split}",
                got="none",
                remedy="split the store with a larger fraction, or predict another part",
            )
    return exams


def _require_matrix(exams: pl.DataFrame, matrix: tuple[int, ...], store: str) -> None:
    other = exams.filter(~((pl.col("rows") == matrix[0]) & (pl.col("columns") == matrix[1])))
    if other.height:
        rows, columns = other.select("rows", "columns").row(0)
        raise InputError(
            where=store,
            expected=f"a matrix of {matrix[0]} × {matrix[1]}, on which the model was trained",
            got=f"{rows} × {columns} in {other.height} of {exams.height} exams",
            remedy="ingest the archive with the model's matrix",
        )


def _digest(url: str) -> str:
    return "sha256:" + sha256_hex(Storage(url).read(MANIFEST))
