"""A synthetic archive on a disk or an object store: exams first, label files and truth last."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.commits import CommitLog, CommitRecord
from examwise.core.errors import InputError, IntegrityError
from examwise.core.executors.protocol import Executor
from examwise.core.progress import Progress
from examwise.core.randomness import derive_seed, generator
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.phantom.archive_tables import TRUTH_TABLES, write_tables
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import render_exam
from examwise.phantom.layouts import LAYOUTS
from examwise.phantom.layouts.label_noise import noisy_labels
from examwise.phantom.layouts.protocol import LabelledExam, Layout
from examwise.phantom.patients import patient_numbers
from examwise.phantom.truth import TRUTH

KIND = "phantom-archive"


@dataclass(frozen=True)
class PhantomSummary:
    """How much an archive holds.

    Attributes:
        layout: Layout of its files.
        hospital: The hospital that it is from.
        n_exams: Exams.
        n_patients: Patients.
        n_slices: Slices of the exams' own series.
        n_positive_exams: Exams with a visible bleed.
        n_positive_slices: Slices with a visible bleed.
    """

    layout: str
    hospital: str
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
        InputError: If the layout is unknown or cannot hold what is asked for, or the folder holds
            something else.
    """
    writer: Layout = LAYOUTS.load(layout)()
    patients = _patients(config, writer, layout)
    options = asdict(config)
    seed = options.pop("seed")
    stage = Stage.begin(
        out, kind=KIND, configuration={"layout": layout, **options}, inputs={}, seed=seed
    )
    if not stage.finished:
        log = CommitLog(stage.storage)
        missing = _missing_exams(stage.storage, log, config.n_exams)
        work = partial(_make_exam, storage=stage.storage, config=config, layout=layout)
        with progress.track("Rendering exams", len(missing)) as advance:
            for _ in executor.map(work, [(number, int(patients[number])) for number in missing]):
                advance()
        items = [_item(number) for number in range(config.n_exams)]
        write_tables(stage.storage, map(log.read, items), writer)
        stage.finish()
    return _summary(TRUTH.read(stage.storage), layout, config)


def _patients(config: PhantomConfig, writer: Layout, layout: str) -> npt.NDArray[np.int64]:
    if not writer.one_exam_a_patient:
        return patient_numbers(config)
    if config.exams_per_patient not in (None, 1):
        raise InputError(
            where="phantom option exams_per_patient",
            expected=f"1, as layout {layout} has one exam of each patient",
            got=config.exams_per_patient,
        )
    return patient_numbers(replace(config, exams_per_patient=1))


def _item(exam_number: int) -> str:
    return f"exams/{exam_number:07d}"


def _make_exam(
    numbers: tuple[int, int], *, storage: Storage, config: PhantomConfig, layout: str
) -> int:
    exam_number, patient_number = numbers
    writer: Layout = LAYOUTS.load(layout)()
    exam = render_exam(config, exam_number, patient_number, further_series=writer.further_series)
    names = (config.hospital, exam_number)
    labels = noisy_labels(exam, config.label_noise, generator(config.seed, "label noise", *names))
    item = LabelledExam(
        exam=exam,
        # Where identifiers are drawn, archives of two hospitals share none, whatever their seed.
        identifiers=writer.identifiers(
            derive_seed(config.seed, "identifiers", config.hospital), exam
        ),
        labels=labels,
        seed=derive_seed(config.seed, "layout", *names),
    )
    truth = {schema.file: rows(exam, item.identifiers) for schema, rows in TRUTH_TABLES}
    CommitLog(storage).commit(
        _item(exam_number),
        objects=dict(writer.exam_objects(item)),
        payload={"labels": writer.label_rows(item), "truth": truth},
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


def _summary(truth: pl.DataFrame, layout: str, config: PhantomConfig) -> PhantomSummary:
    exams = truth.group_by("series").agg(pl.col("any").max())
    return PhantomSummary(
        layout=layout,
        hospital=config.hospital,
        n_exams=exams.height,
        n_patients=truth["patient"].n_unique(),
        n_slices=truth.height,
        n_positive_exams=int(exams["any"].sum()),
        n_positive_slices=int(truth["any"].sum()),
    )
