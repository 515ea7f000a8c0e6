"""A synthetic archive on a disk or an object store: exams first, label file and truth last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.commits import CommitLog, CommitRecord
from examwise.core.errors import IntegrityError
from examwise.core.executors.protocol import Executor
from examwise.core.progress import Progress
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import render_exam
from examwise.phantom.identifiers import exam_identifiers
from examwise.phantom.layouts import LAYOUTS, Layout
from examwise.phantom.patients import patient_numbers
from examwise.phantom.truth import TRUTH, truth_rows

KIND = "phantom-archive"


@dataclass(frozen=True)
class PhantomSummary:
    """How much an archive holds.

    Attributes:
        n_exams: Exams.
        n_patients: Patients.
        n_slices: Slices.
        n_positive_exams: Exams with a visible bleed.
        n_positive_slices: Slices with a visible bleed.
    """

    n_exams: int
    n_patients: int
    n_slices: int
    n_positive_exams: int
    n_positive_slices: int


def make_phantom_archive(
    out: str | Path,
    config: PhantomConfig,
    *,
    layout: str = "rsna",
    executor: Executor,
    progress: Progress,
) -> PhantomSummary:
    """Write a synthetic archive, or finish one that was interrupted.

    The files depend on configuration and layout alone, not on workers or interruptions.

    Args:
        out: New or unfinished folder, or its URL; a finished archive of the same configuration
            is left as it is.
        config: What to make.
        layout: A key of :data:`~examwise.phantom.layouts.LAYOUTS`.
        executor: Renders exams, one an item.
        progress: Told about each exam.

    Raises:
        InputError: If the layout is unknown, or the folder holds something else.
    """
    make_layout = LAYOUTS.load(layout)
    options = asdict(config)
    seed = options.pop("seed")
    stage = Stage.begin(
        out, kind=KIND, configuration={"layout": layout, **options}, inputs={}, seed=seed
    )
    if stage.finished:
        return _summary(TRUTH.read(stage.storage))
    log = CommitLog(stage.storage)
    missing = _missing_exams(stage.storage, log, config.n_exams)
    patients = patient_numbers(
        config.n_exams, exams_per_patient=config.exams_per_patient, seed=config.seed
    )
    work = partial(_make_exam, storage=stage.storage, config=config, layout=layout)
    with progress.track("Rendering exams", len(missing)) as advance:
        for _ in executor.map(work, [(number, int(patients[number])) for number in missing]):
            advance()
    truth = _write_tables(stage.storage, log, make_layout(), config.n_exams)
    stage.finish()
    return _summary(truth)


def _item(exam_number: int) -> str:
    return f"exams/{exam_number:07d}"


def _make_exam(
    numbers: tuple[int, int], *, storage: Storage, config: PhantomConfig, layout: str
) -> int:
    exam_number, patient_number = numbers
    exam = render_exam(config, exam_number, patient_number)
    identifiers = exam_identifiers(
        config.seed,
        exam_number=exam_number,
        patient_number=patient_number,
        n_slices=exam.scan.n_slices,
    )
    writer: Layout = LAYOUTS.load(layout)()
    CommitLog(storage).commit(
        _item(exam_number),
        objects=dict(writer.exam_objects(exam, identifiers)),
        payload={
            "labels": writer.label_rows(exam, identifiers),
            "truth": truth_rows(exam, identifiers),
        },
    )
    return exam_number


def _missing_exams(storage: Storage, log: CommitLog, n_exams: int) -> list[int]:
    """Return the exams without a record that can be read, or without all that it names."""
    present = set(storage.list())
    return [
        number
        for number in range(n_exams)
        if not _is_complete(_read_if_whole(log, _item(number), present), present)
    ]


def _read_if_whole(log: CommitLog, item: str, present: set[str]) -> CommitRecord | None:
    if f"commits/{item}.json" not in present:
        return None
    try:
        return log.read(item)
    except IntegrityError:
        return None


def _is_complete(record: CommitRecord | None, present: set[str]) -> bool:
    return record is not None and record.objects.keys() <= present


def _write_tables(storage: Storage, log: CommitLog, layout: Layout, n_exams: int) -> pl.DataFrame:
    records = [log.read(_item(number)) for number in range(n_exams)]
    for key, data in layout.label_objects(_rows(records, "labels")):
        storage.write(key, data)
    truth = TRUTH.frame(list(_rows(records, "truth")))
    TRUTH.write(storage, truth)
    return truth


def _rows(records: list[CommitRecord], table: str) -> Iterator[Any]:
    for record in records:
        yield from record.payload[table]


def _summary(truth: pl.DataFrame) -> PhantomSummary:
    exams = truth.group_by("series").agg(pl.col("any").max())
    return PhantomSummary(
        n_exams=exams.height,
        n_patients=truth["patient"].n_unique(),
        n_slices=truth.height,
        n_positive_exams=int(exams["any"].sum()),
        n_positive_slices=int(truth["any"].sum()),
    )
