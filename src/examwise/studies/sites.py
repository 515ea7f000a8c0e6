"""Where a study tests: the stores that labels come from, and others that only test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.study import external_folder
from examwise.data.splits import has_splits
from examwise.data.stratified_split import PARTS
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams

TEST_SPLIT = PARTS[-1]


@dataclass(frozen=True)
class TestedStore:
    """One store whose exams every run predicts.

    Attributes:
        store: The store.
        folder: Where the study keeps predictions of it, a folder a run.
        within: Where in that folder: empty, or ``/1`` and so on where several stores share it.
        split: The part that is predicted; all exams if None.
    """

    store: str
    folder: str
    within: str
    split: str | None

    def place(self, run_id: str) -> str:
        """Return where the study keeps what a run predicts.

        Example:
            >>> TestedStore("store", "external/1/predictions", "", None).place("weak-r00")
            'external/1/predictions/weak-r00'
        """
        return f"{self.folder}/{run_id}{self.within}"


def internal_sites(stored: JoinedStores, splits: pl.DataFrame) -> list[TestedStore]:
    """Return the stores that have test patients."""
    tests = splits.filter(pl.col("split") == TEST_SPLIT)
    with_tests = [
        store.storage.url
        for store in stored.stores
        if store.exams.join(tests, on="exam_id", how="semi").height
    ]
    numbered = len(with_tests) > 1
    return [
        TestedStore(url, "predictions", f"/{number}" if numbered else "", TEST_SPLIT)
        for number, url in enumerate(with_tests, 1)
    ]


def external_sites(external: Sequence[StoredExams]) -> list[TestedStore]:
    """Return the stores that only test: their test part, or all exams of one without parts."""
    return [
        TestedStore(
            store=stored.storage.url,
            folder=f"{external_folder(number)}/predictions",
            within="",
            split=TEST_SPLIT if has_splits(stored.storage.url) else None,
        )
        for number, stored in enumerate(external, 1)
    ]


def require_both_classes(name: str, exam_labels: pl.Series, finding: str, *, remedy: str) -> None:
    """Raise unless exams that are tested are positive and negative ones.

    Args:
        name: How messages call the exams.
        exam_labels: 1, 0 or missing.
        finding: What they are labelled for.
        remedy: What to do.

    Raises:
        InputError: Says how many there are of each.
    """
    counts = {value: int((exam_labels == value).sum()) for value in (0, 1)}
    if not all(counts.values()):
        raise InputError(
            where=name,
            expected=f"exams with and without the finding '{finding}'",
            got=f"{counts[1]} positive and {counts[0]} negative ones",
            remedy=remedy,
        )
