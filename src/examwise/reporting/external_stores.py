"""The stores of archives that a study was tested on only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.store import FILES, SPLITS
from examwise.core.schemas.study import external_folder
from examwise.core.storage import Storage
from examwise.evaluation.answer import ArchiveAnswer
from examwise.imaging.stored_exams import StoredExams


@dataclass(frozen=True)
class ExternalStore:
    """One external archive.

    Attributes:
        archive: Its name.
        stored: Its exams.
        splits: Which exam is in which part; no rows where it was never split, and all are tested.
        files: What became of every file of the archive.
    """

    archive: str
    stored: StoredExams
    splits: pl.DataFrame
    files: pl.DataFrame


def read_external_stores(
    study: Storage, answered: Sequence[ArchiveAnswer], urls: Sequence[str | Path]
) -> tuple[ExternalStore, ...]:
    """Read the stores of external archives, in the order of the answer.

    Args:
        study: The study's directory.
        answered: The external archives of its answer.
        urls: Their stores, in any order, where they are not ``external/<number>/store`` in the
            study's directory.

    Raises:
        InputError: If an archive's store is not among them.
    """
    if not answered:
        return ()
    found = {
        store.archive: store for store in map(_read_store, urls or _own_stores(study, answered))
    }
    if not urls and not found:
        raise stores_elsewhere(study)
    missing = [answer.archive for answer in answered if answer.archive not in found]
    if missing:
        raise InputError(
            where="stores of external archives",
            expected=", ".join(answer.archive for answer in answered),
            got=", ".join(found) or "none",
            remedy="name the store of every external archive (--external-store)",
        )
    return tuple(found[answer.archive] for answer in answered)


def stores_elsewhere(study: Storage) -> InputError:
    """Return the refusal of a study whose stores are not in its directory, and are not named."""
    return InputError(
        where=study.url,
        expected="the exam stores with which the study was made",
        got="none in its folder: this study used stores elsewhere",
        remedy="name them as in examwise study: --store STORE, and --external-store STORE for each "
        "archive that was tested on only",
    )


def _own_stores(study: Storage, answered: Sequence[ArchiveAnswer]) -> list[str]:
    stores = [
        study.child(f"{external_folder(number)}/store") for number in range(1, len(answered) + 1)
    ]
    return [store.url for store in stores if store.exists(MANIFEST)]


def _read_store(url: str | Path) -> ExternalStore:
    stored = StoredExams(url)
    names = stored.exams["archive"].unique().sort().to_list()
    has_splits = stored.storage.exists(SPLITS.file)
    return ExternalStore(
        archive=" + ".join(names),
        stored=stored,
        splits=SPLITS.read(stored.storage) if has_splits else SPLITS.frame([]),
        files=FILES.read(stored.storage),
    )
