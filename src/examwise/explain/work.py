"""What is to be done, exam by exam."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl
import torch

from examwise.core.errors import InputError
from examwise.explain.background import background_hu
from examwise.explain.chosen_method import bag_explainer, image_explainer
from examwise.explain.config import ExplanationConfig
from examwise.explain.explained_exam import BagWork, ExplainedExam, ImageWork
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.explained_slices import (
    annotated_slices_or_positive,
    called_slices,
    slice_threshold,
    spread_over_exams,
)
from examwise.explain.randomised_weights import randomised
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import slice_labels
from examwise.imaging.stored_truth import StoredTruth
from examwise.prediction.members import Member

Work = Mapping[str, Callable[[], ExplainedExam]]
"""Exam to what explains it; in order."""


def load_explained(run: str, *, finding: str, device: str) -> ExplainedModel:
    """Load a run's model onto a device.

    Args:
        run: The run directory.
        finding: What is explained.
        device: As PyTorch names it; ``"auto"`` is a GPU where there is one.

    Raises:
        InputError: If the model cannot be explained.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return ExplainedModel.of_run(run, finding=finding, device=device)


def image_work(
    config: ExplanationConfig,
    model: ExplainedModel,
    member: Member,
    stored: StoredExams,
    exams: pl.DataFrame,
    *,
    seed: int,
    batch_images: int,
) -> Work:
    """Return what explains slices of exams by maps.

    Args:
        config: What is explained.
        model: The model.
        member: Its run.
        stored: The store.
        exams: Exams to choose slices from.
        seed: Seed of slices, background and random weights.
        batch_images: Slices at a time.

    Raises:
        InputError: If there is no such slice.
    """
    truth = StoredTruth(stored, config.finding)
    exam_ids = exams["exam_id"].to_list()
    if config.slices == "called":
        threshold = slice_threshold(member.thresholds, config.finding, where=member.url)
        candidates = called_slices(model, stored, exam_ids, threshold=threshold)
    else:
        candidates = annotated_slices_or_positive(
            config.slices, stored, truth, exam_ids, finding=config.finding
        )
    if candidates.is_empty():
        raise InputError(
            where=stored.name,
            expected=f"slices to explain: {config.slices}, of {config.finding}",
            got=f"none in {len(exam_ids)} exams",
            remedy="choose others: annotated, positive or called",
        )
    chosen = spread_over_exams(candidates, max_slices=config.max_slices, seed=seed)
    background = background_hu(
        config.background, stored, model.module.config, matrix=member.matrix, seed=seed
    )
    work = ImageWork(
        explainer=image_explainer(config.method, config.options),
        model=model,
        random_model=randomised(model, seed=seed) if config.randomise else None,
        background_hu=torch.from_numpy(background).to(model.device),
        stored=stored,
        truth=truth,
        batch_images=batch_images,
    )
    labels: dict[str, dict[int, int]] = {}
    for exam_id, index, label in slice_labels(stored, config.finding).iter_rows():
        labels.setdefault(exam_id, {})[index] = label
    about = _about(config, member, exams)
    return {
        exam_id: partial(work.explain, about[exam_id], indices, labels.get(exam_id, {}))
        for exam_id, indices in chosen.group_by("exam_id", maintain_order=True)
        .agg("slice_index")
        .iter_rows()
    }


def bag_work(
    config: ExplanationConfig,
    model: ExplainedModel,
    member: Member,
    stored: StoredExams,
    exams: pl.DataFrame,
) -> Work:
    """Return what explains exams by their slices; arguments as of :func:`image_work`."""
    work = BagWork(bag_explainer(config.method, config.options), model, stored)
    about = _about(config, member, exams)
    return {exam_id: partial(work.explain, columns) for exam_id, columns in about.items()}


def _about(
    config: ExplanationConfig, member: Member, exams: pl.DataFrame
) -> dict[str, dict[str, Any]]:
    return {
        row["exam_id"]: {
            "run_id": member.run_id,
            "learner": member.learner,
            **row,
            "finding": config.finding,
            "method": config.method,
        }
        for row in exams.select("archive", "patient_key", "exam_id").iter_rows(named=True)
    }
