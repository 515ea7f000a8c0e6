"""What a store has already: exams, labels, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.store import SPLITS
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels


@dataclass(frozen=True)
class LocalLabels:
    """What there is before a round; nothing where there is no store.

    Attributes:
        events: ``LABELS``, each with its time where it was taken.
        n_exams: Exams that may be labelled for training.
        n_labelled: Of these labelled already.
        n_test_labelled: Labelled exams of the test part.
        prevalence: Share of positive exams among those labelled; None where they are of one kind.
    """

    events: pl.DataFrame | None = None
    n_exams: int | None = None
    n_labelled: int = 0
    n_test_labelled: int = 0
    prevalence: float | None = None


def read_local_labels(url: str, *, finding: str) -> LocalLabels:
    """Read what a store has.

    Args:
        url: The exam store; one that has not been split has no test exams.
        finding: What is labelled.
    """
    stored = StoredExams(url)
    labels = exam_labels(stored, finding)
    test: set[str] = set()
    if stored.storage.exists(SPLITS.file):
        test = set(SPLITS.read(stored.storage).filter(split="test")["exam_id"])
    known = labels.drop_nulls("exam_label")
    is_test = known["exam_id"].is_in(list(test))
    values = known["exam_label"].to_numpy()
    both = bool(len(values)) and 0 < values.mean() < 1
    return LocalLabels(
        events=stored.labels,
        n_exams=len(stored) - len(test),
        n_labelled=int((~is_test).sum()),
        n_test_labelled=int(is_test.sum()),
        prevalence=float(values.mean()) if both else None,
    )
