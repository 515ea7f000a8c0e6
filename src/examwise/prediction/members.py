"""The runs behind a prediction: one, or several that are averaged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST, begun_kind, read_manifest
from examwise.core.schemas.cross_validation import FOLDS
from examwise.core.schemas.predictions import POSITION_HISTOGRAM, THRESHOLDS
from examwise.core.schemas.run import LABEL_SET, LEARNED_PATIENTS, MODEL
from examwise.core.storage import Storage
from examwise.core.task import Task
from examwise.data.folds import fold_name
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_task import task_on_record
from examwise.training.run_plan import exams_digest

RUNS = "runs"
"""Where a cross-validation directory has its runs."""


@dataclass(frozen=True)
class Member:
    """A finished run, every file read and checked but its weights.

    Attributes:
        url: The run directory.
        digest: Of its manifest, and so of all its files.
        description: All of ``model.json``.
        label_set: The labels that it was allowed to see.
        learned_patients: Whose they were.
        thresholds: ``thresholds.json`` as it stands.
        position_histogram: ``position_histogram.json`` as it stands.
    """

    url: str
    digest: str
    description: Mapping[str, Any]
    label_set: pl.DataFrame
    learned_patients: pl.DataFrame
    thresholds: bytes
    position_histogram: bytes

    @property
    def run_id(self) -> str:
        """The run's name."""
        return str(self.description["run_id"])

    @property
    def learner(self) -> str:
        """Its learner's name."""
        return str(self.description["learner"])

    @property
    def findings(self) -> tuple[str, ...]:
        """What it finds."""
        return tuple(self.description["findings"])

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows and columns of the exams that it was trained on."""
        rows, columns = self.description["matrix"]
        return int(rows), int(columns)

    def learned_from(self, stored: StoredExams) -> pl.DataFrame:
        """Return the patients whose labels the run has seen: ``patient_key``, ``learned``.

        By their key in any store; and by their exams, whose patient may have been corrected since.
        """
        exams = stored.exams.join(self.label_set.unique("exam_id"), on="exam_id")
        patients = [self.learned_patients, exams.select("patient_key", "part")]
        together = pl.concat(patients).unique("patient_key", keep="first", maintain_order=True)
        return together.rename({"part": "learned"})

    def is_of_training(self, stored: StoredExams) -> bool:
        """Tell whether a store is one that the run's labels came from, or has all of their exams.

        Exams may have been added to it since.
        """
        labelled = self.label_set.select("exam_id").unique()
        here = labelled.join(stored.exams, on="exam_id", how="semi")["exam_id"]
        if here.len() == labelled.height:
            return True
        return here.len() > 0 and exams_digest(here) in self.description.get("labelled_exams", ())


def read_member(url: str) -> Member:
    """Read a finished run.

    Raises:
        InputError: If it is no finished run, or a file is missing.
        IntegrityError: If a file is not the one once written.
    """
    manifest = read_manifest(url, kind="run")
    storage = Storage(url)
    kept = {
        key: manifest.read_output(storage, key)
        for key in (MODEL, LABEL_SET.file, LEARNED_PATIENTS.file, THRESHOLDS, POSITION_HISTOGRAM)
    }
    return Member(
        url=url,
        digest="sha256:" + sha256_hex(storage.read(MANIFEST)),
        description=json.loads(kept[MODEL]),
        label_set=LABEL_SET.read(storage),
        learned_patients=LEARNED_PATIENTS.read(storage),
        thresholds=kept[THRESHOLDS],
        position_histogram=kept[POSITION_HISTOGRAM],
    )


def read_members(urls: Sequence[str]) -> tuple[Member, ...]:
    """Read the runs that are to predict together, in an order of their own.

    Args:
        urls: Run directories; a finished cross-validation directory stands for all of its runs.

    Raises:
        InputError: If there is none, one is no finished run, one is named twice, or they differ
            in findings or matrix.
        IntegrityError: If a file is not the one once written.
    """
    runs = [run for url in urls for run in _runs(url)]
    if not runs:
        raise InputError(where="runs", expected="at least one", got="none")
    members = sorted((read_member(run) for run in runs), key=lambda member: member.digest)
    if len({member.digest for member in members}) < len(members):
        raise InputError(
            where=", ".join(urls),
            expected="every run once",
            got="the same run several times",
            remedy="name each run once: it would count as often as it is named",
        )
    if len({member.findings for member in members}) > 1:
        raise _differ(members, "findings", [", ".join(member.findings) for member in members])
    if len({member.matrix for member in members}) > 1:
        sizes = [f"{rows} × {columns}" for rows, columns in (m.matrix for m in members)]
        raise _differ(members, "a matrix", sizes)
    return tuple(members)


def common_task(members: Sequence[Member]) -> Task:
    """Return the task that runs were trained for.

    Raises:
        InputError: If they have several.
    """
    tasks = [
        task_on_record(member.description.get("task"), where=f"{member.url}/{MODEL}, task")
        for member in members
    ]
    if any(other != tasks[0] for other in tasks):
        raise _differ(members, "a task", [task.name for task in tasks])
    return tasks[0]


def _runs(url: str) -> list[str]:
    if begun_kind(url) != "cross-validation":
        return [url]
    read_manifest(url, kind="cross-validation")
    storage = Storage(url)
    places = FOLDS.read(storage).select("repeat", "fold").unique().sort("repeat", "fold")
    return [storage.child(f"{RUNS}/{fold_name(*place)}").url for place in places.iter_rows()]


def _differ(members: Sequence[Member], what: str, values: Sequence[str]) -> InputError:
    return InputError(
        where=", ".join(member.url for member in members),
        expected=f"runs with {what} in common, to be averaged",
        got="; ".join(dict.fromkeys(values)),
        remedy="predict with each of them by itself",
    )
