"""Training, validation and test parts of a store, by patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.digests import readable_json
from examwise.core.errors import InputError
from examwise.core.randomness import derive_seed
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels

PARTS = ("train", "validation", "test")
SPLITS_OPTIONS = "splits.json"
"""How the parts were drawn: fractions, seed, finding."""


@dataclass(frozen=True)
class SplitSummary:
    """What a split came to.

    Attributes:
        n_patients: Part to its number of patients.
        n_exams: Part to its number of exams.
        n_positive_exams: Part to its number of positive exams.
    """

    n_patients: Mapping[str, int]
    n_exams: Mapping[str, int]
    n_positive_exams: Mapping[str, int]


def split_by_patient(
    exams: pl.DataFrame, *, fractions: tuple[float, float, float], seed: int
) -> pl.DataFrame:
    """Assign each patient, and so all of the patient's exams, to one part.

    Patients with a positive exam and patients without are divided alike, so that the parts have
    about the same share of positive ones. What becomes of a patient depends on the seed and on
    who else is in the store, never on the order of rows.

    Args:
        exams: Columns ``exam_id``, ``patient_key`` and ``exam_label``.
        fractions: Shares of train, validation and test; they sum to one.
        seed: Another seed gives another division.

    Returns:
        A table of :data:`~examwise.core.schemas.store.SPLITS`, sorted by exam.

    Raises:
        InputError: If the fractions are no shares, or a part comes out without a patient.

    Example:
        >>> exams = pl.DataFrame({"exam_id": ["a", "b", "c"], "patient_key": ["p", "p", "q"],
        ...                       "exam_label": [1, 0, 0]})
        >>> split_by_patient(exams, fractions=(0.5, 0.0, 0.5), seed=0)["split"].n_unique()
        2
    """
    _require_shares(fractions)
    patients = exams.group_by("patient_key").agg(
        (pl.col("exam_label").max() == 1).fill_null(False).alias("is_positive")
    )
    order = pl.Series(
        "order",
        [derive_seed(seed, "split", key) for key in patients["patient_key"].to_list()],
        dtype=pl.Int64,
    )
    # The strata follow each other in one line which is then cut in proportion, finely
    # interleaved: each patient stands at (rank + 1/2) / size of the stratum.
    placed = (
        patients.with_columns(order)
        .with_columns(
            ((pl.col("order").rank("ordinal") - 0.5) / pl.len()).over("is_positive").alias("place")
        )
        .sort("place", "is_positive")
    )
    n_patients = placed.height
    first = round(fractions[0] * n_patients)
    second = round((fractions[0] + fractions[1]) * n_patients)
    sizes = (first, second - first, n_patients - second)
    for part, fraction, size in zip(PARTS, fractions, sizes, strict=True):
        if fraction > 0 and size == 0:
            raise InputError(
                where=f"split, part {part}",
                expected="enough patients for each part",
                got=f"{n_patients} patients in all",
                remedy="add exams of further patients, or set this part's fraction to 0",
            )
    ranks = pl.int_range(n_patients)
    part_of_patient = placed.select(
        "patient_key",
        pl.when(ranks < first)
        .then(pl.lit("train"))
        .when(ranks < second)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("test"))
        .alias("split"),
    )
    joined = exams.select("exam_id", "patient_key").join(part_of_patient, on="patient_key")
    return SPLITS.validate(joined.sort("exam_id"))


def require_disjoint_patients(splits: pl.DataFrame) -> None:
    """Raise if a patient stands in more than one part.

    Raises:
        InputError: Says how many patients do.
    """
    parts = splits.group_by("patient_key").agg(pl.col("split").n_unique().alias("n_parts"))
    n_overlapping = parts.filter(pl.col("n_parts") > 1).height
    if n_overlapping:
        raise InputError(
            where=SPLITS.file,
            expected="each patient in one part only",
            got=f"{n_overlapping} patients in several",
            remedy="split the store again, by patient",
        )


def write_splits(
    store_url: str | Path,
    splits: pl.DataFrame,
    *,
    options: Mapping[str, Any],
    replace: bool = False,
) -> None:
    """Write the parts of a store.

    Args:
        store_url: The exam store.
        splits: A table of :data:`~examwise.core.schemas.store.SPLITS`.
        options: How they were drawn, kept beside them.
        replace: Overwrite different parts that the store has already.

    Raises:
        InputError: If patients overlap, or other parts are there and ``replace`` is not set.
    """
    require_disjoint_patients(splits)
    storage = Storage(store_url)
    if storage.exists(SPLITS.file) and not replace:
        if SPLITS.read(storage).sort("exam_id").equals(splits.sort("exam_id")):
            return
        raise InputError(
            where=f"{storage.url}/{SPLITS.file}",
            expected="no other split of this store",
            got="one that differs",
            remedy="keep it, or replace it (--replace); runs trained with it would then be tested "
            "on exams they have seen",
        )
    storage.write(SPLITS_OPTIONS, readable_json(dict(options)))
    SPLITS.write(storage, splits.sort("exam_id"))


def has_splits(store_url: str | Path) -> bool:
    """Tell whether a store has been split."""
    return Storage(store_url).exists(SPLITS.file)


def read_splits(store_url: str | Path) -> pl.DataFrame:
    """Read the parts of a store.

    Raises:
        InputError: If the store has not been split, or patients overlap.
    """
    storage = Storage(store_url)
    if not storage.exists(SPLITS.file):
        raise InputError(
            where=storage.url,
            expected="a store that is split by patient",
            got=f"no {SPLITS.file}",
            remedy="run: examwise split STORE",
        )
    splits = SPLITS.read(storage)
    require_disjoint_patients(splits)
    return splits


def split_store(
    store_url: str | Path,
    *,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    finding: str = "any",
    replace: bool = False,
) -> SplitSummary:
    """Split a store by patient and keep the parts in it.

    Args:
        store_url: The exam store.
        fractions: Shares of train, validation and test.
        seed: Another seed gives another division.
        finding: The finding whose positive patients are divided evenly.
        replace: Overwrite a different split.

    Raises:
        InputError: As :func:`split_by_patient` and :func:`write_splits` do.
    """
    stored = StoredExams(store_url)
    labels = exam_labels(stored, finding)
    exams = stored.exams.select("exam_id", "patient_key").join(labels, on="exam_id", how="left")
    splits = split_by_patient(exams, fractions=fractions, seed=seed)
    options = {
        "fractions": dict(zip(PARTS, fractions, strict=True)),
        "seed": seed,
        "finding": finding,
    }
    write_splits(store_url, splits, options=options, replace=replace)
    return _summary(splits.join(labels, on="exam_id"))


def _summary(labelled: pl.DataFrame) -> SplitSummary:
    def count(expression: pl.Expr) -> dict[str, int]:
        return {
            part: int(labelled.filter(pl.col("split") == part).select(expression).item())
            for part in PARTS
        }

    return SplitSummary(
        n_patients=count(pl.col("patient_key").n_unique()),
        n_exams=count(pl.len()),
        n_positive_exams=count((pl.col("exam_label") == 1).sum()),
    )


def _require_shares(fractions: tuple[float, float, float]) -> None:
    if len(fractions) != len(PARTS) or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise InputError(
            where="split, fractions",
            expected="three shares of train, validation and test that sum to 1",
            got=", ".join(f"{fraction:g}" for fraction in fractions),
        )
