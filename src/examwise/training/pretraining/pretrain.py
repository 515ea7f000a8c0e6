"""Pretraining: from stores without a look at their labels to an encoder directory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from examwise.core.manifest import begun_kind, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.encoder import (
    CHECKPOINT,
    DESCRIPTION,
    LEARNED_PATIENTS,
    PRETEXT_METRICS,
    WEIGHTS,
)
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.training.accelerator import require_accelerator
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.slices import UnlabelledSlices, find_slices

OUTPUTS = (WEIGHTS, DESCRIPTION, LEARNED_PATIENTS.file, PRETEXT_METRICS.file)
"""Files of a finished encoder directory."""


@dataclass(frozen=True)
class PretrainingSummary:
    """What became of pretraining.

    Attributes:
        encoder: The encoder's name.
        pretext: The pretext's name.
        steps: Optimiser steps.
        score: How well the pretext was solved at the end, as it measures it; None if it cannot.
        n_slices: Slices that were used.
        n_exams: Their exams.
        n_patients: Their patients.
        n_exams_left_out: Exams of test patients, and of patients without a part.
        n_unsplit_stores: Stores without splits, of which all exams were used.
        data_terms: Terms of use of the exams.
    """

    encoder: str
    pretext: str
    steps: int
    score: float | None
    n_slices: int
    n_exams: int
    n_patients: int
    n_exams_left_out: int
    n_unsplit_stores: int
    data_terms: tuple[str, ...]


def pretrain(
    *,
    stores: Sequence[str],
    encoder: EncoderConfig,
    pretraining: PretrainingConfig,
    out: str,
    allow_unsplit: bool = False,
    progress: Progress | None = None,
) -> PretrainingSummary:
    """Train an encoder on slices of patients who are not kept for testing; no label is read.

    Pretraining that was interrupted, at any point, goes on from its last checkpoint and ends, on
    the CPU, in the same bytes as one that was not. A finished one is returned at once.

    Args:
        stores: The exam store, or several of one key; their order makes no difference.
        encoder: What to train.
        pretraining: How.
        out: The encoder directory.
        allow_unsplit: As for :func:`~examwise.training.pretraining.slices.find_slices`.
        progress: Where to report to.

    Raises:
        InputError: If :func:`~examwise.training.pretraining.slices.find_slices` refuses the
            stores, encoder and pretext do not suit each other, the accelerator is missing,
            ``out`` holds something else, or the loss is no longer finite.
        IntegrityError: If stored pixels, the checkpoint or the finished encoder are damaged.
    """
    slices = find_slices(stores, allow_unsplit=allow_unsplit)
    require_accelerator(pretraining.accelerator)
    if begun_kind(out) is None:
        _require_fit(encoder, pretraining)
    stage = Stage.begin(
        out,
        kind="encoder",
        configuration={"encoder": asdict(encoder), "pretraining": pretraining.determining},
        inputs={**slices.stored.inputs, "slices": slices.digest},
        seed=pretraining.seed,
    )
    if not stage.finished:
        _fit_and_write(slices, encoder, pretraining, stage.storage, progress or SilentProgress())
        stage.finish(outputs=OUTPUTS)
    stage.storage.delete_all(CHECKPOINT.rpartition("/")[0])
    return read_pretraining_summary(out)


def read_pretraining_summary(url: str) -> PretrainingSummary:
    """Return the summary of a finished encoder directory.

    Raises:
        InputError: If it is not finished.
        IntegrityError: If a file of it is not the one once written.
    """
    manifest = read_manifest(url, kind="encoder")
    storage = Storage(url)
    kept = {key: manifest.read_output(storage, key) for key in OUTPUTS}
    found = json.loads(kept[DESCRIPTION])
    values = {name: found[name] for name in PretrainingSummary.__dataclass_fields__}
    return PretrainingSummary(**{**values, "data_terms": tuple(values["data_terms"])})


def _require_fit(encoder: EncoderConfig, pretraining: PretrainingConfig) -> None:
    """Refuse what cannot be built before a directory is begun."""
    from examwise.training.pretraining.build import make_network, make_pretext

    pretext = make_pretext(pretraining.pretext, pretraining.pretext_options)
    make_network(encoder, pretext, seed=0)


def _fit_and_write(
    slices: UnlabelledSlices,
    encoder: EncoderConfig,
    pretraining: PretrainingConfig,
    storage: Storage,
    progress: Progress,
) -> None:
    # PyTorch is imported where it is needed only: a finished pretraining is returned without.
    from examwise.models.threads import cpu_threads
    from examwise.training.pretraining.files import save_encoder
    from examwise.training.pretraining.fit import fit

    LEARNED_PATIENTS.write(storage, slices.patients)
    with (
        progress.track(f"Pretraining on {pretraining.pretext}", pretraining.steps) as advance,
        cpu_threads(pretraining.n_threads),
    ):
        fitted = fit(slices, encoder, pretraining, storage=storage, advance=advance)
    PRETEXT_METRICS.write(storage, PRETEXT_METRICS.frame(fitted.rows))
    description: dict[str, Any] = {
        "pretext": pretraining.pretext,
        "pretext_options": pretraining.pretext_options,
        "steps": pretraining.steps,
        "slices_per_step": pretraining.slices_per_step,
        "seed": pretraining.seed,
        "precision": fitted.precision,
        "score": fitted.rows[-1]["score"],
        "matrix": list(slices.matrix),
        "key_id": slices.stored.key_id,
        "n_slices": slices.frame.height,
        "n_exams": slices.frame["exam_id"].n_unique(),
        "n_patients": slices.patients.height,
        "n_exams_left_out": slices.n_exams_left_out,
        "n_unsplit_stores": len(slices.unsplit),
        "data_terms": list(slices.data_terms),
        "inputs": {**slices.stored.inputs, "slices": slices.digest},
    }
    save_encoder(
        storage, fitted.network, encoder, description, half_precision=pretraining.half_precision
    )
