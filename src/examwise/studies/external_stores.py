"""Stores that a study only tests on: what they must be, and must not hold."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.data.patient_overlap import require_no_overlap
from examwise.data.splits import read_splits
from examwise.imaging.joined_stores import JoinedStores, key_of
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, require_finding
from examwise.prediction.predict import require_matrix
from examwise.studies.config import StudyConfig
from examwise.studies.sites import TestedStore, require_both_classes
from examwise.training.beginnings import find_beginnings


def require_external(
    external: Sequence[StoredExams],
    sites: Sequence[TestedStore],
    *,
    stored: JoinedStores,
    splits: pl.DataFrame,
    config: StudyConfig,
    progress: Progress,
) -> None:
    """Refuse external stores on which no fair test is possible, before anything is computed.

    Args:
        external: The stores.
        sites: What is tested of each of them.
        stored: The stores that labels come from.
        splits: Their splits.
        config: The study.
        progress: Is told where patients could not be known again.

    Raises:
        InputError: If an archive's name stands for two, a matrix is another one, there is no exam
            with or without the finding, or a patient is one whom the study can learn from.
    """
    if not external:
        return
    _require_different_archives(external, stored)
    learned = splits.filter(pl.col("split").is_in(["train", "validation"]))["patient_key"]
    beginnings = find_beginnings(config.model, "")
    learned = pl.concat([learned, beginnings.learned["patient_key"]])
    matrix = stored.exams.select("rows", "columns").row(0)
    for store, site in zip(external, sites, strict=True):
        exams = tested_exams(store, site)
        require_matrix(exams, matrix, store.name)
        require_finding(store, config.finding)
        labels = exams.join(exam_labels(store, config.finding), on="exam_id", how="left")
        require_both_classes(
            f"{store.name}, external",
            labels["exam_label"],
            config.finding,
            remedy="give a label file, label more exams, or leave this archive out",
        )
        require_no_overlap(
            learned,
            exams["patient_key"],
            where=f"{store.name}, external",
            remedy="give an external store without the patients of training and validation",
        )
        if key_of(store) != stored.key_id:
            progress.say(
                f"{store.name}: another key than the study's own stores have; a patient of both "
                "would not be noticed"
            )


def tested_exams(store: StoredExams, site: TestedStore) -> pl.DataFrame:
    """Return the exams of an external store that are tested."""
    if site.split is None:
        return store.exams
    parts = read_splits(store.storage.url)
    return store.exams.join(parts.filter(pl.col("split") == site.split), on="exam_id", how="semi")


def _require_different_archives(external: Sequence[StoredExams], stored: JoinedStores) -> None:
    taken = set(stored.exams["archive"].unique())
    for store in external:
        names = store.exams["archive"].unique().sort().to_list()
        if len(names) != 1 or names[0] in taken:
            raise InputError(
                where=f"{store.name}, external",
                expected="one archive of another name than every other one's ("
                + ", ".join(sorted(taken))
                + ")",
                got=", ".join(names) or "no exams",
                remedy="import it with a name of its own (ingest.archive_name)",
            )
        taken.add(names[0])
