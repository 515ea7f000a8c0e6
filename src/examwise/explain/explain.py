"""Explaining a run: from a run and a store to an explanations directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.explanations import (
    EXPLAINED_SLICES,
    RANDOMISED,
    SALIENCY_SCORES,
    SLICE_VALUES,
    maps_key,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.data.stratified_split import PARTS
from examwise.explain.config import Background, ExplanationConfig, SliceChoice
from examwise.explain.explained_summary import ExplainedSummary, summarise
from examwise.imaging.joined_stores import key_of
from examwise.imaging.stored_exams import StoredExams
from examwise.prediction.members import Member, read_member
from examwise.prediction.predict import UNSEEN, choose_exams, require_matrix

if TYPE_CHECKING:
    from examwise.explain.work import Work

TABLES: tuple[TableSchema, ...] = (EXPLAINED_SLICES, SLICE_VALUES, SALIENCY_SCORES, RANDOMISED)
"""Of a finished explanations directory; those that a method says nothing for are empty."""


def explain_store(
    run: str,
    store: str,
    out: str,
    *,
    method: str,
    finding: str = "any",
    options: Mapping[str, Any] | None = None,
    slices: SliceChoice = "annotated",
    max_slices: int | None = 200,
    background: Background = "mean",
    randomise: bool = False,
    split: str | None = None,
    seed: int = 0,
    device: str = "auto",
    batch_images: int = 64,
    n_threads: int = 1,
    progress: Progress | None = None,
) -> ExplainedSummary:
    """Explain what a run's model says of the exams of a store.

    Methods that explain images give maps of some slices, and scores of those maps where the
    store has boxes or masks; methods that explain bags give a value to every slice of every exam.
    Exams of patients whom the run has learned from are left out, and counted, unless a part of
    the store that holds them is asked for by name. An interrupted explanation goes on after the
    last finished exam.

    Args:
        run: The run directory.
        store: The exam store.
        out: The explanations directory.
        method: One of :data:`~examwise.explain.IMAGE_EXPLAINERS` or
            :data:`~examwise.explain.BAG_EXPLAINERS`.
        finding: What is explained.
        options: The method's own options; see its class.
        slices: Which slices have maps: those ``"annotated"`` with a box or mask of the finding,
            those with a ``"positive"`` label, or those ``"called"`` positive by the model (by
            :func:`~examwise.explain.explained_slices.slice_threshold`).
        max_slices: The most of them, spread over exams; all if None.
        background: What stands for "nothing here": the ``"mean"`` slice of the store, or HU.
        randomise: Whether a model of random weights is explained as well (Adebayo et al., 2018);
            of methods that explain images.
        split: ``"train"``, ``"validation"`` or ``"test"``; if None the test part, or a store
            without parts whole.
        seed: Seed of the slices, the background and the random weights.
        device: As PyTorch names it; ``"auto"`` is a GPU where there is one.
        batch_images: Slices at a time, fewer where they are large.
        n_threads: Threads of PyTorch on the CPU.
        progress: Where to report to.

    Raises:
        InputError: If run or store are no such thing, the model cannot be explained so, there is
            nothing to explain, the store's matrix is not the model's, the test part holds
            patients that the run has learned from, or ``out`` holds something else.
        IntegrityError: If stored pixels, the run or finished explanations are damaged.
    """
    config = ExplanationConfig(
        method, finding, dict(options or {}), slices, max_slices, background, randomise
    )
    for name, value in (("batch_images", batch_images), ("n_threads", n_threads)):
        if value < 1:
            raise InputError(where=name, expected="at least 1", got=value)
    member = read_member(run)
    if finding not in member.findings:
        raise InputError(where=run, expected="one of " + ", ".join(member.findings), got=finding)
    stored = StoredExams(store)
    exams, n_left_out = _choose(member, stored, store, split)
    require_matrix(exams, member.matrix, store)
    terms = {
        "learned_from": sorted(member.description["data_terms"]),
        "predicted": exams["data_terms"].unique().sort().to_list(),
    }
    place = Storage(out)
    is_untouched = not place.exists(MANIFEST) and not CommitLog(place).items()
    stage = Stage.begin(
        out,
        kind="explanations",
        configuration={
            "run_id": member.run_id,
            "learner": member.learner,
            "split": split,
            "data_terms": terms,
            "key_id": key_of(stored),
            **config.recorded(),
        },
        inputs={
            "run": member.digest,
            "store": "sha256:" + sha256_hex(stored.storage.read(MANIFEST)),
        },
        seed=seed,
        renew=is_untouched,
    )
    if not stage.finished:
        # Only now is PyTorch imported: a refused or finished explanation needs none.
        from examwise.explain.work import bag_work, image_work, load_explained
        from examwise.models.threads import cpu_threads

        with cpu_threads(n_threads):
            model = load_explained(run, finding=finding, device=device)
            work = (
                image_work(
                    config, model, member, stored, exams, seed=seed, batch_images=batch_images
                )
                if config.explains_images
                else bag_work(config, model, member, stored, exams)
            )
            _explain_all(stage, work, finding, progress or SilentProgress())
    finished = read_manifest(out, kind="explanations")
    for table in TABLES:
        finished.read_output(stage.storage, table.file)
    return summarise(stage.storage, run_id=member.run_id, n_left_out=n_left_out, data_terms=terms)


def _choose(
    member: Member, stored: StoredExams, store: str, split: str | None
) -> tuple[pl.DataFrame, int]:
    """Return the exams to explain, and how many others there are that the run has learned from."""
    if split is not None and split not in PARTS:
        raise InputError(where="split", expected="one of " + ", ".join(PARTS), got=split)
    learned = member.learned_from(stored)
    exams = choose_exams(stored, store, split, learned=learned)
    if split is not None:
        return exams, 0
    kept = exams.filter(pl.col("split").is_in(["test", UNSEEN]))
    if kept.is_empty():
        raise InputError(
            where=store,
            expected="exams that the run has not learned from",
            got="none",
            remedy="explain another store, or name a part of this one (--split)",
        )
    return kept, exams.join(learned, on="patient_key", how="semi").height


def _explain_all(stage: Stage, work: Work, finding: str, progress: Progress) -> None:
    """Explain what has not been, exam by exam, then build the tables."""
    log = CommitLog(stage.storage)
    done = set(log.items())
    with progress.track("Explaining exams", len(work)) as advance:
        for exam_id, explain in work.items():
            if _item(exam_id) not in done:
                found = explain()
                objects = {} if found.maps is None else {maps_key(exam_id, finding): found.maps}
                log.commit(_item(exam_id), objects=objects, payload=found.tables)
            advance()
    records = [log.read(_item(exam_id)).payload for exam_id in work]
    for table in TABLES:
        table.write(
            stage.storage, table.frame([row for one in records for row in one.get(table.file, ())])
        )
    stage.finish(outputs=[table.file for table in TABLES])


def _item(exam_id: str) -> str:
    return f"exams/{exam_id}"
