"""Patients on two sides at once: within a store, across stores, between a run and a store."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.store import SPLITS


def require_disjoint_patients(splits: pl.DataFrame, *, where: str = SPLITS.file) -> None:
    """Raise if a patient stands in more than one part.

    Args:
        splits: Columns ``patient_key`` and ``split``.
        where: How to name it in the message.

    Raises:
        InputError: Says how many patients do.

    Example:
        >>> require_disjoint_patients(pl.DataFrame({"patient_key": ["p"], "split": ["test"]}))
    """
    if n_overlapping := divided_patients(splits).len():
        raise InputError(
            where=where,
            expected="each patient in one part only",
            got=f"{n_overlapping} patients in several",
            remedy="split the store again, by patient",
        )


def require_disjoint_stores(splits: Mapping[str, pl.DataFrame]) -> None:
    """Raise if stores that train and evaluate together have a patient in more than one part.

    One site's key serves all its stores, so that a patient has the same key in each of them;
    patients of stores made with different keys cannot be compared.

    Args:
        splits: Each store's name to its table of :data:`~examwise.core.schemas.store.SPLITS`.

    Raises:
        InputError: Says how many patients do.

    Example:
        >>> one, other = ({"patient_key": ["p"], "split": [part]} for part in ("train", "test"))
        >>> require_disjoint_stores({"a": pl.DataFrame(one), "b": pl.DataFrame(other)})
        Traceback (most recent call last):
        examwise.core.errors.InputError: splits of a, b: expected each patient in the same part \
of all stores, got 1 patients in several; give the stores one split by patient \
(examwise split STORE --given FILE)
    """
    together = [frame.select("patient_key", "split") for frame in splits.values()]
    if together and (n_overlapping := divided_patients(pl.concat(together)).len()):
        raise InputError(
            where="splits of " + ", ".join(splits),
            expected="each patient in the same part of all stores",
            got=f"{n_overlapping} patients in several",
            remedy="give the stores one split by patient (examwise split STORE --given FILE)",
        )


def require_no_overlap(learned: pl.Series, tested: pl.Series, *, where: str, remedy: str) -> None:
    """Raise if a patient that a run has learned from is among those it is to be tested on.

    Args:
        learned: Keys of patients from whom the run has learned, repeated or not.
        tested: Keys of the patients of the exams that it is to predict.
        where: The store of these exams.
        remedy: What to do.

    Raises:
        InputError: Says how many patients are.

    Example:
        >>> keys = pl.Series(["p", "q"])
        >>> require_no_overlap(keys, pl.Series(["r"]), where="store", remedy="")
    """
    if n_overlapping := tested.unique().is_in(learned.unique().implode()).sum():
        raise InputError(
            where=where,
            expected="patients that the run has not learned from",
            got=f"{n_overlapping} patients from whom it has learned",
            remedy=remedy,
        )


def divided_patients(splits: pl.DataFrame) -> pl.Series:
    """Return the keys of patients who stand in more than one part, sorted."""
    parts = splits.group_by("patient_key").agg(pl.col("split").n_unique().alias("n_parts"))
    return parts.filter(pl.col("n_parts") > 1)["patient_key"].sort()
