"""Which runs, encoders, predictions, evaluations and the like have seen a patient."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import BEGUN, MANIFEST
from examwise.core.schemas.cross_validation import FOLDS
from examwise.core.schemas.predictions import PREDICTED_EXAMS
from examwise.core.schemas.run import LABEL_SET, LEARNED_PATIENTS
from examwise.core.storage import Storage

_TABLES = {
    "run": {
        LABEL_SET.file: "was given labels of these exams",
        LEARNED_PATIENTS.file: "was given labels of this patient",
    },
    "encoder": {LEARNED_PATIENTS.file: "was trained on slices of this patient"},
    "predictions": {PREDICTED_EXAMS.file: "holds predictions of these exams or of this patient"},
    "cross-validation": {FOLDS.file: "has dealt this patient into its folds"},
}
"""Kind of directory to its tables, and what it means for an exam or patient to stand in them."""


@dataclass(frozen=True)
class Sighting:
    """A directory that has seen a withdrawn exam or its patient.

    Attributes:
        directory: The directory.
        kind: What it is: ``run``, ``encoder``, ``predictions``, ``cross-validation``, an
            ``evaluation`` of such, or ``study`` of which one of these is part.
        what: What it has seen; ``unreadable`` where that cannot be told.
    """

    directory: str
    kind: str
    what: str


def find_sightings(
    folders: Sequence[str | Path], *, exam_ids: Collection[str], patient_keys: Collection[str]
) -> tuple[list[Sighting], int]:
    """Look through all runs, encoders, predictions, evaluations and studies below some folders.

    Evaluations say by digests of which predictions they are made, and are found where these are
    below the folders, too.

    Args:
        folders: Where to look; folders or URLs.
        exam_ids: Withdrawn exams.
        patient_keys: Their patients.

    Returns:
        What was found, by directory, evaluations last; and the number of runs, encoders,
        predictions and evaluations looked through.

    Raises:
        InputError: If one of the folders is not there.
    """
    found: list[Sighting] = []
    evaluations: dict[str, frozenset[str]] = {}
    predictions: set[str] = set()
    n_looked = 0
    for folder in folders:
        storage = Storage(folder)
        keys = storage.list()
        if not keys and not (storage.local and storage.local.is_dir()):
            raise InputError(
                where=folder, expected="a folder", got="none of that name", remedy="check the path"
            )
        begun = [key for key in keys if key.rpartition("/")[2] == BEGUN]
        kinds = {key.removesuffix(BEGUN).rstrip("/"): _kind(storage, key) for key in begun}
        own: list[Sighting] = []
        for place, kind in sorted(kinds.items()):
            if kind == "evaluation":
                evaluations[_name(storage, place)] = _inputs(storage, place)
            if kind not in _TABLES:
                continue
            n_looked += 1
            for file, meaning in _TABLES[kind].items():
                key = f"{place}/{file}".lstrip("/")
                if key in keys and (what := _seen(storage, key, meaning, exam_ids, patient_keys)):
                    own.append(Sighting(_name(storage, place), kind, what))
                    predictions |= _digest(storage, place) if kind == "predictions" else set()
        for place, kind in sorted(kinds.items()):
            prefix = _name(storage, f"{place}/".lstrip("/"))
            parts = [one for one in own if one.directory.startswith(prefix)]
            if kind == "study" and parts:
                what = f"is made from {len({one.directory for one in parts})} of these"
                found.append(Sighting(_name(storage, place), kind, what))
        found += own
    found += [
        Sighting(name, "evaluation", "is computed from such predictions")
        for name, inputs in evaluations.items()
        if inputs & predictions
    ]
    return found, n_looked + len(evaluations)


def _inputs(storage: Storage, place: str) -> frozenset[str]:
    """Return the digests of what a directory was made from."""
    try:
        begun = json.loads(storage.read(f"{place}/{BEGUN}".lstrip("/")))
        return frozenset(map(str, begun["inputs"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return frozenset()


def _digest(storage: Storage, place: str) -> set[str]:
    """Return the digest by which evaluations name a directory; none while it is unfinished."""
    key = f"{place}/{MANIFEST}".lstrip("/")
    return {"sha256:" + sha256_hex(storage.read(key))} if storage.exists(key) else set()


def _name(storage: Storage, place: str) -> str:
    return f"{storage.url.rstrip('/')}/{place}" if place else storage.url


def _kind(storage: Storage, key: str) -> str:
    try:
        return str(json.loads(storage.read(key))["kind"])
    except (ValueError, KeyError, TypeError, OSError):
        return ""


def _seen(
    storage: Storage,
    key: str,
    meaning: str,
    exam_ids: Collection[str],
    patient_keys: Collection[str],
) -> str:
    try:
        table = pl.read_parquet(io.BytesIO(storage.read(key)))
    except (pl.exceptions.PolarsError, OSError):
        return "unreadable"
    wanted = {"exam_id": exam_ids, "patient_key": patient_keys}
    for name, values in wanted.items():
        if name in table.columns and table[name].is_in(list(values)).any():
            return meaning
    return ""
