"""Running a model over whole exams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.data.loading import BagReader, read_in_batches
from examwise.data.slice_cache import SliceCache
from examwise.data.targets import Targets
from examwise.imaging.exam_source import ExamSource
from examwise.models.files import load_model

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RawPredictions:
    """What a model says of exams, in the order in which they were given.

    Attributes:
        findings: Columns of the logits.
        exam_ids: Exams.
        bag_sizes: Slices of each exam, int64, shape (B,).
        exam_logits: Shape (B, F).
        slice_logits: Shape (N, F), exam after exam, lowest slice first.
        attention_logits: Shape (N,), or None.
        attention_weights: Shape (N,), or None.
    """

    findings: tuple[str, ...]
    exam_ids: tuple[str, ...]
    bag_sizes: npt.NDArray[np.int64]
    exam_logits: Floats
    slice_logits: Floats
    attention_logits: Floats | None
    attention_weights: Floats | None


def run_model(
    run: str,
    stored: ExamSource,
    exam_ids: Sequence[str],
    *,
    batch_slices: int,
    device: str,
    progress: Progress,
) -> RawPredictions:
    """Run a run's model over exams of a store; no label is read.

    Args:
        run: The run directory.
        stored: The exam store, or several together.
        exam_ids: Which exams.
        batch_slices: Slices at a time.
        device: As PyTorch names it, or ``"auto"``.
        progress: Where to report to.

    Raises:
        InputError: If the run has no usable model, or its logits are not finite.
    """
    loaded = load_model(run)
    findings = loaded.config.findings
    place = torch.device(
        device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    )
    module = loaded.module.to(place)
    nothing = Targets(
        kind="exam",
        findings=findings,
        exam_ids=tuple(exam_ids),
        slice_index=np.zeros(len(exam_ids), np.int64),
        values=np.full((len(exam_ids), len(findings)), np.nan, np.float32),
    )
    reader = BagReader(SliceCache(stored, limit_bytes=0), nothing)
    sizes, exams, slices, attention, weights = [], [], [], [], []
    with progress.track("Predicting", len(exam_ids)) as advance, torch.inference_mode():
        for batch in read_in_batches(reader, slices_per_batch=batch_slices):
            moved = batch.to(place)
            output = module(moved.pixels_hu, moved.bag_sizes)
            sizes.append(batch.bag_sizes.numpy())
            exams.append(_array(output.exam_logits))
            slices.append(_array(output.slice_logits))
            if output.attention_logits is not None:
                attention.append(_array(output.attention_logits))
            if output.attention_weights is not None:
                weights.append(_array(output.attention_weights))
            for _ in batch.exam_ids:
                advance()
    predictions = RawPredictions(
        findings=findings,
        exam_ids=tuple(exam_ids),
        bag_sizes=np.concatenate(sizes),
        exam_logits=np.concatenate(exams),
        slice_logits=np.concatenate(slices),
        attention_logits=np.concatenate(attention) if attention else None,
        attention_weights=np.concatenate(weights) if weights else None,
    )
    if not np.isfinite(predictions.slice_logits).all():
        raise InputError(
            where=run,
            expected="finite logits",
            got="NaN or infinity",
            remedy="train the model again, with a lower learning rate",
        )
    return predictions


def _array(tensor: torch.Tensor) -> Floats:
    return tensor.double().cpu().numpy()
