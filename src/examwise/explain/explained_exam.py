"""One exam explained: its maps or values, and its rows of the tables."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.core.errors import InputError
from examwise.core.schemas.explanations import (
    EXPLAINED_SLICES,
    RANDOMISED,
    SALIENCY_SCORES,
    SLICE_VALUES,
)
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.protocol import BagExplainer, ImageExplainer, ImageMaps
from examwise.explain.saliency_scores import score_rows
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_truth import StoredTruth
from examwise.metrics.saliency import rank_similarity

_MOST_PIXELS = 2**23
"""At a time, where gradients are kept: 32 slices at 512²."""


@dataclass(frozen=True)
class ExplainedExam:
    """What one exam brings.

    Attributes:
        maps: Of its explained slices, NPY, float32, shape (slices, rows, columns); None of bags.
        tables: File of each table to the exam's rows of it.
    """

    maps: bytes | None = None
    tables: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageWork:
    """What the slices of all exams are explained with.

    Attributes:
        explainer: The method.
        model: The model that is explained.
        random_model: The same with random weights; None without the check.
        background_hu: Shape (rows, columns).
        stored: The store.
        truth: Its annotations.
        batch_images: Slices at a time.
    """

    explainer: ImageExplainer
    model: ExplainedModel
    random_model: ExplainedModel | None
    background_hu: Tensor
    stored: StoredExams
    truth: StoredTruth
    batch_images: int

    def explain(
        self,
        about: Mapping[str, Any],
        slice_indices: list[int],
        labels: Mapping[int, int],
    ) -> ExplainedExam:
        """Explain slices of an exam.

        Args:
            about: Columns that all of its rows share, ``exam_id`` among them.
            slice_indices: Which slices, ascending.
            labels: Slice to label, where known.

        Raises:
            InputError: If a map is neither finite nor NaN everywhere.
        """
        exam_id = str(about["exam_id"])
        pixels = torch.from_numpy(self.stored.read_slices(exam_id, slice_indices)).float()
        pixels = pixels.to(self.model.device)
        with torch.no_grad():
            said = self.model.slice_probabilities(pixels).double().cpu().tolist()
        found = self._maps(self.model, pixels)
        truths = self.truth.of_exam(exam_id, slice_indices)
        maps = dict(zip(slice_indices, found.maps, strict=True))
        tables = {
            EXPLAINED_SLICES.file: [
                {
                    **about,
                    "slice_index": index,
                    "row": row,
                    "slice_probability": said[row],
                    "slice_label": labels.get(index),
                    "n_evaluations": int(found.n_evaluations[row]),
                }
                for row, index in enumerate(slice_indices)
            ],
            SALIENCY_SCORES.file: score_rows(about, maps, truths, is_randomised=False),
            RANDOMISED.file: [],
        }
        if self.random_model is not None:
            others = dict(
                zip(slice_indices, self._maps(self.random_model, pixels).maps, strict=True)
            )
            tables[SALIENCY_SCORES.file] += score_rows(about, others, truths, is_randomised=True)
            tables[RANDOMISED.file] = [
                {
                    **about,
                    "slice_index": index,
                    "similarity": rank_similarity(maps[index], others[index]),
                }
                for index in slice_indices
            ]
        buffer = io.BytesIO()
        np.save(buffer, found.maps)
        return ExplainedExam(buffer.getvalue(), tables)

    def _maps(self, model: ExplainedModel, pixels: Tensor) -> ImageMaps:
        """Return maps in batches, checked."""
        size = min(self.batch_images, max(1, _MOST_PIXELS // pixels[0].numel()))
        parts = [
            self.explainer.explain(model, batch, self.background_hu) for batch in pixels.split(size)
        ]
        maps = np.concatenate([part.maps for part in parts]).astype(np.float32)
        n_evaluations = np.concatenate([part.n_evaluations for part in parts])
        if maps.shape != tuple(pixels.shape) or n_evaluations.shape != maps.shape[:1]:
            raise InputError(
                where="maps", expected=f"shape {tuple(pixels.shape)}", got=f"shape {maps.shape}"
            )
        broken = ~np.isfinite(maps)
        if bool((broken.any(axis=(1, 2)) & ~np.isnan(maps).all(axis=(1, 2))).any()):
            raise InputError(
                where="maps",
                expected="finite numbers",
                got="NaN or infinity",
                remedy="train the model again, with a lower learning rate",
            )
        return ImageMaps(maps, n_evaluations)


@dataclass(frozen=True)
class BagWork:
    """What all exams are explained with, slice by slice.

    Attributes:
        explainer: The method.
        model: The model that is explained.
        stored: The store.
    """

    explainer: BagExplainer
    model: ExplainedModel
    stored: StoredExams

    def explain(self, about: Mapping[str, Any]) -> ExplainedExam:
        """Explain an exam.

        Args:
            about: Columns that all of its rows share, ``exam_id`` among them.

        Raises:
            InputError: If a value is not finite.
        """
        pixels = torch.from_numpy(self.stored.read_slices(str(about["exam_id"])))
        with torch.no_grad():
            features = self.model.module.encode(pixels.to(self.model.device))
            values = _finite(self.explainer.explain(self.model, features), len(pixels))
        rows = [
            {**about, "slice_index": index, "value": value} for index, value in enumerate(values)
        ]
        return ExplainedExam(tables={SLICE_VALUES.file: rows})


def _finite(values: npt.NDArray[np.float64], n_slices: int) -> list[float]:
    if values.shape != (n_slices,) or not np.isfinite(values).all():
        raise InputError(
            where="values of slices",
            expected=f"{n_slices} finite numbers",
            got="others",
            remedy="train the model again, with a lower learning rate",
        )
    return [float(value) for value in values]
