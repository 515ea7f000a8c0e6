"""From a label-free score and a store to a predictions directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.digests import readable_json, sha256_hex
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.predictions import (
    POSITION_HISTOGRAM,
    PREDICTED_EXAMS,
    PREDICTED_SLICES,
    THRESHOLDS,
)
from examwise.core.schemas.run import LEARNED_PATIENTS
from examwise.core.stage import Stage
from examwise.data.patient_overlap import require_no_overlap
from examwise.imaging.joined_stores import key_of
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.prediction.label_free import LABEL_FREE
from examwise.prediction.label_free.protocol import LabelFreeScore, Scores
from examwise.prediction.predict import OUTPUTS, choose_exams
from examwise.training.beginnings import find_beginnings

if TYPE_CHECKING:
    from examwise.prediction.inference import RawPredictions

_THRESHOLD = {"threshold": 0.5, "source": "fixed"}


def predict_label_free(
    name: str,
    *,
    model: ModelConfig,
    store: str,
    out: str,
    run_id: str,
    split: str | None = None,
    batch_slices: int = 512,
    n_threads: int = 1,
    accelerator: str = "auto",
    progress: Progress | None = None,
) -> None:
    """Score the exams of a store, or of one part of it, and write what a run would.

    Every finding of the model has the same scores. The threshold is 0.5, fixed, and there is no
    position histogram: no label was seen that they could come from. What is finished is checked,
    and not computed again.

    Args:
        name: A name in :data:`~examwise.prediction.label_free.LABEL_FREE`.
        model: The model whose encoder scores, where one does; and its findings.
        store: The exam store.
        out: The predictions directory.
        run_id: What to call it.
        split: ``"train"``, ``"validation"`` or ``"test"``; all exams if None.
        batch_slices: Slices at a time.
        n_threads: Threads of PyTorch on the CPU.
        accelerator: Where to compute.
        progress: Where to report to.

    Raises:
        InputError: If there is no such score, the model is none for it, the part has no exam, the
            encoder has learned from a patient of it, or ``out`` holds something else.
        IntegrityError: If stored pixels, the encoder or finished predictions are damaged.
    """
    scorer: LabelFreeScore = LABEL_FREE.load(name)()
    stored = StoredExams(store)
    learned = LEARNED_PATIENTS.frame([])
    learned_from: list[str] = []
    inputs: dict[str, str] = {}
    if scorer.uses_encoder:
        scorer.require(model)
        beginnings = find_beginnings(model, "")
        learned, learned_from = beginnings.learned, list(beginnings.data_terms)
        inputs = beginnings.inputs
    exams = choose_exams(stored, store, split, learned=learned.rename({"part": "learned"}))
    require_no_overlap(
        learned["patient_key"],
        exams["patient_key"],
        where=store,
        remedy="predict a store without them, or pretrain on others",
    )
    stage = Stage.begin(
        out,
        kind="predictions",
        configuration={
            "run_id": run_id,
            "split": split,
            "data_terms": {
                "learned_from": learned_from,
                "predicted": exams["data_terms"].unique().sort().to_list(),
            },
            "key_id": key_of(stored),
            "label_free": name,
        },
        inputs={**inputs, "store": "sha256:" + sha256_hex(stored.storage.read(MANIFEST))},
        seed=None,
    )
    if stage.finished:
        finished = read_manifest(out, kind="predictions")
        for key in OUTPUTS:
            finished.read_output(stage.storage, key)
        return
    from examwise.prediction.tables import exam_table, slice_table

    scores = scorer.score(
        stored,
        exams["exam_id"].to_list(),
        model=model,
        batch_slices=batch_slices,
        n_threads=n_threads,
        accelerator=accelerator,
        progress=progress or SilentProgress(),
    )
    raw = _as_raw(scores, scorer, exams["exam_id"].to_list(), stored, model.findings)
    PREDICTED_EXAMS.write(
        stage.storage, exam_table(raw, stored, exams, run_id=run_id, learner=name)
    )
    PREDICTED_SLICES.write(stage.storage, slice_table(raw, stored, run_id=run_id))
    stage.storage.write(THRESHOLDS, readable_json(dict.fromkeys(model.findings, _THRESHOLD)))
    stage.storage.write(POSITION_HISTOGRAM, readable_json(dict.fromkeys(model.findings)))
    stage.finish(outputs=OUTPUTS)


def _as_raw(
    scores: Scores,
    scorer: LabelFreeScore,
    exam_ids: Sequence[str],
    stored: StoredExams,
    findings: Sequence[str],
) -> RawPredictions:
    from examwise.prediction.inference import RawPredictions

    sizes = np.asarray([stored.n_slices(exam_id) for exam_id in exam_ids], np.int64)
    if scores.exams["exam_id"].to_list() != list(exam_ids) or len(scores.slices) != sizes.sum():
        raise ValueError("expected scores of the exams asked for, and of all their slices")

    def logits(scored: pl.DataFrame) -> npt.NDArray[np.float64]:
        of_one = (scored["score"].to_numpy() - scorer.middle) / scorer.scale
        return np.tile(of_one[:, None], len(findings))

    exam_logits = logits(scores.exams)
    return RawPredictions(
        findings=tuple(findings),
        exam_ids=tuple(exam_ids),
        bag_sizes=sizes,
        exam_logits=exam_logits,
        calibrated_logits=np.full_like(exam_logits, np.nan),
        slice_logits=logits(scores.slices),
        attention_logits=None,
        attention_weights=None,
    )
