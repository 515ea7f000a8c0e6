"""What a finished run directory holds, and what it says in short."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from examwise.core.manifest import read_manifest
from examwise.core.schemas.predictions import POSITION_HISTOGRAM, THRESHOLDS
from examwise.core.schemas.run import LABEL_SET, LEARNED_PATIENTS, METRICS, MODEL, WEIGHTS
from examwise.core.storage import Storage

OUTPUTS = (
    WEIGHTS,
    MODEL,
    LABEL_SET.file,
    LEARNED_PATIENTS.file,
    METRICS.file,
    THRESHOLDS,
    POSITION_HISTOGRAM,
)
"""Files of a finished run."""


@dataclass(frozen=True)
class RunSummary:
    """What became of a run.

    Attributes:
        run_id: The run's name.
        learner: The learner's name.
        steps: Optimiser steps.
        best_step: The step whose weights were kept.
        n_training_labels: Labels trained on.
        n_validation_labels: Labels kept for validation.
        n_positive_labels: Positive ones among both.
        notes: What a reader of its results should know.
        data_terms: Terms of use of the exams that it learned from.
    """

    run_id: str
    learner: str
    steps: int
    best_step: int
    n_training_labels: int
    n_validation_labels: int
    n_positive_labels: int
    notes: tuple[str, ...]
    data_terms: tuple[str, ...]


def read_run_summary(storage: Storage) -> RunSummary:
    """Return the summary of a finished run.

    Args:
        storage: The run directory.

    Raises:
        InputError: If the run is not finished.
        IntegrityError: If a file of it is not the one once written.
    """
    manifest = read_manifest(storage.url, kind="run")
    kept = {key: manifest.read_output(storage, key) for key in OUTPUTS}
    return summary_of(json.loads(kept[MODEL]))


def summary_of(found: Mapping[str, Any]) -> RunSummary:
    """Return the summary that ``model.json`` gives."""
    return RunSummary(
        run_id=found["run_id"],
        learner=found["learner"],
        steps=found["steps"],
        best_step=found["best_step"],
        n_training_labels=found["n_training_labels"],
        n_validation_labels=found["n_validation_labels"],
        n_positive_labels=found["n_positive_labels"],
        notes=tuple(found["notes"]),
        data_terms=tuple(found["data_terms"]),
    )
