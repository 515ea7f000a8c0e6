"""Which runs, predictions and studies have seen a patient."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from examwise.core.errors import InputError
from examwise.core.manifest import BEGUN
from examwise.core.schemas.predictions import PREDICTED_EXAMS
from examwise.core.schemas.run import LABEL_SET, LEARNED_PATIENTS
from examwise.core.storage import Storage

_TABLES = {
    "run": (LABEL_SET.file, LEARNED_PATIENTS.file),
    "predictions": (PREDICTED_EXAMS.file,),
}
_WHAT = {
    LABEL_SET.file: "was given labels of these exams",
    LEARNED_PATIENTS.file: "was given labels of this patient",
    PREDICTED_EXAMS.file: "holds predictions of these exams or of this patient",
}


@dataclass(frozen=True)
class Sighting:
    """A directory that has seen a withdrawn exam or its patient.

    Attributes:
        directory: The directory.
        kind: What it is: ``run``, ``predictions``, or ``study`` of which one of these is part.
        what: What it has seen; ``unreadable`` where that cannot be told.
    """

    directory: str
    kind: str
    what: str


def find_sightings(
    folders: Sequence[str | Path], *, exam_ids: Collection[str], patient_keys: Collection[str]
) -> tuple[list[Sighting], int]:
    """Look through all runs, predictions and studies below some folders.

    Args:
        folders: Where to look; folders or URLs.
        exam_ids: Withdrawn exams.
        patient_keys: Their patients.

    Returns:
        What was found, by directory; and the number of directories looked through.

    Raises:
        InputError: If one of the folders is not there.
    """
    found: list[Sighting] = []
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
            if kind not in _TABLES:
                continue
            n_looked += 1
            for file in _TABLES[kind]:
                key = f"{place}/{file}".lstrip("/")
                if key in keys and (what := _seen(storage, key, file, exam_ids, patient_keys)):
                    own.append(Sighting(_name(storage, place), kind, what))
        for place, kind in sorted(kinds.items()):
            prefix = _name(storage, f"{place}/".lstrip("/"))
            parts = [one for one in own if one.directory.startswith(prefix)]
            if kind == "study" and parts:
                what = f"is made from {len({one.directory for one in parts})} of these"
                found.append(Sighting(_name(storage, place), kind, what))
        found += own
    return found, n_looked


def _name(storage: Storage, place: str) -> str:
    return f"{storage.url.rstrip('/')}/{place}" if place else storage.url


def _kind(storage: Storage, key: str) -> str:
    try:
        return str(json.loads(storage.read(key))["kind"])
    except (ValueError, KeyError, TypeError, OSError):
        return ""


def _seen(
    storage: Storage, key: str, file: str, exam_ids: Collection[str], patient_keys: Collection[str]
) -> str:
    try:
        table = pl.read_parquet(io.BytesIO(storage.read(key)))
    except (pl.exceptions.PolarsError, OSError):
        return "unreadable"
    wanted = {"exam_id": exam_ids, "patient_key": patient_keys}
    for name, values in wanted.items():
        if name in table.columns and table[name].is_in(list(values)).any():
            return _WHAT[file]
    return ""
