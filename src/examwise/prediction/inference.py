"""Running models over whole exams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.data.loading import BagReader, read_in_batches
from examwise.data.slice_cache import SliceCache
from examwise.data.targets import Targets
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.models.exam_classifier import ExamClassifier, ExamOutput
from examwise.models.feature_cache import FeatureCache, open_features
from examwise.models.files import LoadedModel, load_model
from examwise.prediction.ensemble import mean_attention, mean_logits

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RawPredictions:
    """What a model, or several together, say of exams, in the order in which they were given.

    Attributes:
        findings: Columns of the logits.
        exam_ids: Exams.
        bag_sizes: Slices of each exam, int64, shape (B,).
        exam_logits: Shape (B, F).
        calibrated_logits: Divided by the temperature fitted on validation; NaN where there was
            none, shape (B, F).
        slice_logits: Shape (N, F), exam after exam, lowest slice first.
        attention_logits: Shape (N,), or None.
        attention_weights: Shape (N,), or None.
    """

    findings: tuple[str, ...]
    exam_ids: tuple[str, ...]
    bag_sizes: npt.NDArray[np.int64]
    exam_logits: Floats
    calibrated_logits: Floats
    slice_logits: Floats
    attention_logits: Floats | None
    attention_weights: Floats | None


def run_models(
    runs: Sequence[str],
    stored: ExamSource,
    exam_ids: Sequence[str],
    *,
    batch_slices: int,
    device: str,
    progress: Progress,
    features: str | None = None,
) -> RawPredictions:
    """Run the models of runs over exams of a store; no label is read.

    Every exam is read once, whatever the number of models; what they say is averaged as
    :mod:`examwise.prediction.ensemble` describes.

    Args:
        runs: Run directories, with findings in common.
        stored: The exam store, or several together.
        exam_ids: Which exams.
        batch_slices: Slices at a time.
        device: As PyTorch names it, or ``"auto"``.
        progress: Where to report to.
        features: Folder in which the features of a frozen encoder are kept; for a single model.

    Raises:
        InputError: If a run has no usable model, or its logits are not finite.
    """
    models = [load_model(run) for run in runs]
    findings = tuple(models[0].description["findings"])
    place = torch.device(
        device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    )
    for model in models:
        model.module.to(place)
    nothing = Targets(
        kind="exam",
        findings=findings,
        exam_ids=tuple(exam_ids),
        slice_index=np.zeros(len(exam_ids), np.int64),
        values=np.full((len(exam_ids), len(findings)), np.nan, np.float32),
    )
    cached = None
    if features is not None and len(models) == 1:
        cached = _features(models[0], features, stored, batch_slices, place, progress)
    reader = BagReader(SliceCache(stored, limit_bytes=0), nothing, features=cached)
    sizes: list[npt.NDArray[np.int64]] = []
    said = [_Said() for _ in models]
    with progress.track("Predicting", len(exam_ids)) as advance, torch.inference_mode():
        for batch in read_in_batches(reader, slices_per_batch=batch_slices):
            moved = batch.to(place)
            for model, of_model in zip(models, said, strict=True):
                of_model.add(model.exam_output(moved))
            sizes.append(batch.bag_sizes.numpy())
            for _ in batch.exam_ids:
                advance()
    for run, of_model in zip(runs, said, strict=True):
        if not all(np.isfinite(of_model[name]).all() for name in ("exam_logits", "slice_logits")):
            raise InputError(
                where=run,
                expected="finite logits",
                got="NaN or infinity",
                remedy="train the model again, with a lower learning rate",
            )
    with_attention = [of_model for of_model in said if "attention_weights" in of_model]
    attention_logits, attention_weights = mean_attention(
        [of_model["attention_logits"] for of_model in with_attention],
        [of_model["attention_weights"] for of_model in with_attention],
    )
    calibrated = [
        of_model["exam_logits"] / _temperatures(model, findings)
        for model, of_model in zip(models, said, strict=True)
    ]
    return RawPredictions(
        findings=findings,
        exam_ids=tuple(exam_ids),
        bag_sizes=np.concatenate(sizes),
        exam_logits=mean_logits([of_model["exam_logits"] for of_model in said]),
        calibrated_logits=mean_logits(calibrated),
        slice_logits=mean_logits([of_model["slice_logits"] for of_model in said]),
        attention_logits=attention_logits,
        attention_weights=attention_weights,
    )


def _features(
    model: LoadedModel,
    folder: str,
    stored: ExamSource,
    batch_slices: int,
    device: torch.device,
    progress: Progress,
) -> FeatureCache:
    if not isinstance(model.module, ExamClassifier) or not isinstance(
        stored, JoinedStores | StoredExams
    ):
        raise InputError(where="features", expected="examwise's own model and stores", got="others")
    return open_features(
        folder, model.module, stored, batch_slices=batch_slices, device=device, progress=progress
    )


class _Said:
    """What one model says, batch after batch, by the name of the output."""

    def __init__(self) -> None:
        self._batches: dict[str, list[Floats]] = {}

    def add(self, output: ExamOutput) -> None:
        for field in fields(output):
            value = getattr(output, field.name)
            if value is not None:
                batches = self._batches.setdefault(field.name, [])
                # Not every device has double precision.
                batches.append(value.cpu().double().numpy())

    def __contains__(self, name: str) -> bool:
        return name in self._batches

    def __getitem__(self, name: str) -> Floats:
        return np.concatenate(self._batches[name])


def _temperatures(model: LoadedModel, findings: Sequence[str]) -> Floats:
    fitted = model.description.get("temperature") or {}
    values = [fitted.get(finding) for finding in findings]
    return np.asarray([np.nan if value is None else value for value in values], np.float64)
