"""What a pretext alone says of exams: a score for each slice, with no label behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch

from examwise.core.errors import InputError
from examwise.core.progress import Progress, SilentProgress
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_exams import StoredExams
from examwise.models.threads import cpu_threads
from examwise.training.devices import arithmetic, choose_device, fastest_layout
from examwise.training.pretraining.files import load_encoder
from examwise.training.pretraining.pretexts.protocol import ScoringPretext


def pretext_scores(
    encoder: str | Path,
    store: str | Path | ExamSource,
    exam_ids: Sequence[str],
    *,
    batch_slices: int = 256,
    n_threads: int = 1,
    accelerator: str = "auto",
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Score every slice of some exams by an encoder's pretext.

    An exam's score may then be its slices' highest, or the mean of the three highest: what can be
    had without any label. No label is read.

    Args:
        encoder: The encoder directory.
        store: The exam store, by its place or opened.
        exam_ids: Which exams.
        batch_slices: Slices at a time.
        n_threads: Threads of PyTorch on the CPU.
        accelerator: As for pretraining.
        progress: Where to report to.

    Returns:
        Columns ``exam_id``, ``slice_index`` (Int32) and ``score`` (Float64), exam after exam as
        they were given. Of ``pasted_shapes`` a score is the highest probability, smoothed over
        3 × 3 pixels of the map, that a pixel belongs to something that was pasted.

    Raises:
        InputError: If there is no finished encoder, the pretext gives no scores, the store has no
            such exam, or scores are not finite.
        IntegrityError: If stored pixels or the encoder are damaged.
    """
    loaded = load_encoder(encoder)
    pretext = loaded.pretext
    if not isinstance(pretext, ScoringPretext):
        raise InputError(
            where=str(encoder),
            expected="an encoder whose pretext scores slices (pasted_shapes does)",
            got=loaded.description["pretext"],
            remedy="pretrain with such a pretext",
        )
    stored = StoredExams(store) if isinstance(store, str | Path) else store
    device = choose_device(accelerator)
    precision = loaded.description["precision"]
    network = loaded.network.to(device).lay_out(fastest_layout(precision, device))
    tables = []
    with (
        cpu_threads(n_threads),
        torch.inference_mode(),
        (progress or SilentProgress()).track("Scoring", len(exam_ids)) as advance,
    ):
        for exam_id in exam_ids:
            pixels = torch.from_numpy(stored.read_slices(exam_id))
            scores = []
            for part in pixels.split(batch_slices):
                with arithmetic(precision, device):
                    scores.append(pretext.slice_scores(network, part.to(device)).double().cpu())
            tables.append(_table(exam_id, torch.cat(scores).numpy()))
            advance()
    return pl.concat([_table("", np.empty(0)), *tables])


def _table(exam_id: str, scores: np.ndarray) -> pl.DataFrame:
    if not np.isfinite(scores).all():
        raise InputError(
            where=f"pretext scores of {exam_id}",
            expected="finite numbers",
            got="NaN or infinity",
            remedy="pretrain again, with a lower learning rate",
        )
    return pl.DataFrame(
        {
            "exam_id": pl.Series([exam_id] * len(scores), dtype=pl.String),
            "slice_index": pl.Series(range(len(scores)), dtype=pl.Int32),
            "score": pl.Series(scores, dtype=pl.Float64),
        }
    )
