"""Predicting a store: from a run and a store to a predictions directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.patient_overlap import require_no_overlap
from examwise.data.splits import has_splits, read_splits
from examwise.data.stratified_split import PARTS
from examwise.imaging.joined_stores import key_of
from examwise.imaging.stored_exams import StoredExams
from examwise.prediction.ensemble import (
    ensemble_id,
    ensemble_learner,
    mean_position_histograms,
    mean_thresholds,
)
from examwise.prediction.members import Member, read_members

UNSEEN = "unseen"
"""The split of exams of a store that has none."""

OUTPUTS = (PREDICTED_EXAMS.file, PREDICTED_SLICES.file, THRESHOLDS, POSITION_HISTOGRAM)
"""Files of a finished predictions directory."""


@dataclass(frozen=True)
class PredictionSummary:
    """What was predicted.

    Attributes:
        run_id: The run that predicted, or a name for several together.
        n_exams: Exams.
        n_slices: Slices.
        findings: What for.
        data_terms: Terms of use of the exams that the run learned from, and of those predicted.
        same_key: Whether exams and run have pseudonyms of one key, so that a patient whom the run
            has learned from would be known again.
        n_learned: Exams of patients whom the run has learned from; they are marked, and left out
            of every evaluation.
        members: The runs that were averaged, where there are several.
    """

    run_id: str
    n_exams: int
    n_slices: int
    findings: tuple[str, ...]
    data_terms: Mapping[str, Sequence[str]]
    same_key: bool
    n_learned: int
    members: tuple[str, ...] = ()


def predict_store(
    *,
    run: str,
    others: Sequence[str] = (),
    store: str,
    out: str,
    split: str | None = None,
    allow_overlap: bool = False,
    batch_slices: int = 512,
    n_threads: int = 1,
    device: str = "auto",
    features: str | None = None,
    progress: Progress | None = None,
) -> PredictionSummary:
    """Predict the exams of a store, or of one part of it, by a run's model or by several runs'.

    An exam's split is the store's, unless a run has seen labels of its patient: then it is the
    part that these labels were in, whatever has become of the store's splits. A store other than
    those a run was trained on is to hold none of its patients. The terms of use of both sides go
    into the manifest. Several runs are averaged, see :mod:`examwise.prediction.ensemble`; neither
    their order nor whether they are named one by one makes a difference.

    Args:
        run: The run directory; a cross-validation directory stands for all of its runs.
        others: Further ones, to be averaged with it.
        store: The exam store.
        out: The predictions directory.
        split: ``"train"``, ``"validation"`` or ``"test"``; all exams if None.
        allow_overlap: Go on where another store than that of its training holds patients that
            the run has learned from; their exams are marked, and never evaluated.
        batch_slices: Slices at a time; a longer exam is taken by itself.
        n_threads: Threads of PyTorch on the CPU.
        device: As PyTorch names it; ``"auto"`` is a GPU where there is one.
        features: Folder in which the features of a single run's frozen encoder are kept, as
            :func:`~examwise.training.train.train_run` has it.
        progress: Where to report to.

    Raises:
        InputError: If run or store are no such thing, runs differ in findings or matrix, the
            store's matrix is not the model's, the part has no exam, the test part or another store
            holds patients that a run has learned from, or ``out`` holds something else.
        IntegrityError: If stored pixels, the run or finished predictions are damaged.
    """
    if split is not None and split not in PARTS:
        raise InputError(where="split", expected="one of " + ", ".join(PARTS), got=split)
    for name, value in (("batch_slices", batch_slices), ("n_threads", n_threads)):
        if value < 1:
            raise InputError(where=name, expected="at least 1", got=value)
    members = read_members([run, *others])
    stored = StoredExams(store)
    learned = _learned_from(members, stored)
    exams = choose_exams(stored, store, split, learned=learned)
    require_matrix(exams, members[0].matrix, store)
    for member in () if allow_overlap else members:
        if not member.is_of_training(stored):
            require_no_overlap(
                member.learned_from(stored)["patient_key"],
                exams["patient_key"],
                where=store,
                remedy="predict a store without them, or let their exams be marked and left out "
                "of every evaluation (--allow-overlap)",
            )
    key = key_of(stored)
    name = ensemble_id(members)
    terms = {
        "learned_from": sorted({term for m in members for term in m.description["data_terms"]}),
        "predicted": exams["data_terms"].unique().sort().to_list(),
    }
    stage = Stage.begin(
        out,
        kind="predictions",
        configuration={
            "run_id": name,
            "split": split,
            "data_terms": terms,
            "key_id": key,
            **({"members": [m.run_id for m in members]} if len(members) > 1 else {}),
        },
        inputs={**_roles(members), "store": _digest(store)},
        seed=None,
    )
    summary = PredictionSummary(
        run_id=name,
        n_exams=exams.height,
        n_slices=int(exams["n_slices"].sum()),
        findings=members[0].findings,
        data_terms=terms,
        same_key=key is not None and all(key == m.description.get("key_id") for m in members),
        n_learned=exams.join(learned, on="patient_key", how="semi").height,
        members=tuple(member.run_id for member in members) if len(members) > 1 else (),
    )
    if stage.finished:
        finished = read_manifest(out, kind="predictions")
        for key in OUTPUTS:
            finished.read_output(stage.storage, key)
        return summary
    # Only now is PyTorch imported: a refused or finished prediction needs none.
    from examwise.models.threads import cpu_threads
    from examwise.prediction.inference import run_models
    from examwise.prediction.tables import exam_table, slice_table

    with cpu_threads(n_threads):
        raw = run_models(
            [member.url for member in members],
            stored,
            exams["exam_id"].to_list(),
            batch_slices=batch_slices,
            device=device,
            features=features,
            progress=progress or SilentProgress(),
        )
    learner = ensemble_learner(members)
    of_exams = exam_table(raw, stored, exams, run_id=name, learner=learner)
    PREDICTED_EXAMS.write(stage.storage, of_exams)
    PREDICTED_SLICES.write(stage.storage, slice_table(raw, stored, run_id=name))
    stage.storage.write(THRESHOLDS, mean_thresholds([m.thresholds for m in members]))
    histograms = mean_position_histograms([m.position_histogram for m in members])
    stage.storage.write(POSITION_HISTOGRAM, histograms)
    stage.finish(outputs=OUTPUTS)
    return summary


def _learned_from(members: Sequence[Member], stored: StoredExams) -> pl.DataFrame:
    """Return the patients whom any member has learned from: ``patient_key``, ``learned``.

    Who trained one of them and chose the threshold of another has trained.
    """
    together = pl.concat([member.learned_from(stored) for member in members])
    return together.group_by("patient_key").agg(pl.col("learned").min())


def _roles(members: Sequence[Member]) -> dict[str, str]:
    if len(members) == 1:
        return {"run": members[0].digest}
    return {f"run/{number}": member.digest for number, member in enumerate(members, 1)}


def choose_exams(
    stored: StoredExams, store: str, split: str | None, *, learned: pl.DataFrame
) -> pl.DataFrame:
    """Return the exams to predict, with their part.

    Args:
        stored: The store.
        store: Its place.
        split: A part of it, or all exams.
        learned: Patients whom a model has learned from: ``patient_key``, ``learned``.

    Raises:
        InputError: If the part has no exam, or the test part one of these patients.
    """
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
            got=f"{leaked.height} exams of patients from whom it has learned",
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


def require_matrix(exams: pl.DataFrame, matrix: tuple[int, ...], store: str) -> None:
    """Raise unless all exams have the rows and columns on which a model was trained.

    Raises:
        InputError: Says which size they have, and how many do.
    """
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
