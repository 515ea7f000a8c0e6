"""Patients dealt into folds, each of which is held out once."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.errors import InputError
from examwise.core.randomness import derive_seed
from examwise.core.schemas.cross_validation import FOLDS
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.data.stratified_split import deal_patients, require_seed

_ATTEMPTS = 100
"""Divisions tried before it is said that there are not as many different ones."""


def fold_name(repeat: int, fold: int) -> str:
    """Return the name of a fold of one repeat.

    Example:
        >>> fold_name(0, 3)
        'r00-f03'
    """
    return f"r{repeat:02d}-f{fold:02d}"


def draw_folds(
    exams: pl.DataFrame,
    *,
    folds: int,
    repeats: int = 1,
    seed: int = 0,
    labels: Sequence[str] = ("exam_label",),
) -> pl.DataFrame:
    """Deal patients into folds, once for every repeat.

    In each stratum of :func:`~examwise.data.stratified_split.deal_patients` the folds' numbers of
    patients differ by one at most. A repeat is a function of seed, its number and the patients
    with their labels: neither the order of rows nor how many repeats follow makes a difference.
    A division that shares a whole fold with an earlier repeat is drawn again.

    Args:
        exams: Columns ``patient_key`` and those of ``labels``: 1, 0 or missing.
        folds: Number of folds, at least 2.
        repeats: Number of divisions.
        seed: Another seed gives other folds.
        labels: Columns to stratify on, the most important one first; of that one every fold is to
            have exams with and without.

    Returns:
        A table of :data:`~examwise.core.schemas.cross_validation.FOLDS`.

    Raises:
        InputError: If there are too few patients, with or without the finding, for so many folds,
            or too few different divisions for so many repeats.

    Example:
        >>> exams = pl.DataFrame({"patient_key": list("abcd"), "exam_label": [0, 1, 0, 1]})
        >>> draw_folds(exams, folds=2)["fold"].sort().to_list()
        [0, 0, 1, 1]
    """
    for name, number, minimum in (("folds", folds, 2), ("repeats", repeats, 1)):
        if type(number) is not int or number < minimum:
            expected = f"a whole number, at least {minimum}"
            raise InputError(where=f"cross-validation, {name}", expected=expected, got=number)
    require_seed(seed)
    _require_enough_patients(exams, folds, labels[0])
    drawn: list[pl.DataFrame] = []
    earlier: set[frozenset[str]] = set()
    for repeat in range(repeats):
        for attempt in range(_ATTEMPTS):
            dealt = deal_patients(
                exams,
                shares=[1 / folds] * folds,
                seed=derive_seed(seed, "folds", repeat, attempt),
                labels=labels,
            )
            members = _members(dealt, "part")
            if not earlier & members:
                break
        else:
            raise InputError(
                where=f"cross-validation, repeats {repeats}",
                expected="as many divisions that have no fold in common",
                got=f"{repeat} among {exams['patient_key'].n_unique()} patients in {folds} folds",
                remedy="use fewer repeats, or fewer folds",
            )
        earlier |= members
        drawn.append(
            dealt.select(pl.lit(repeat, pl.Int32).alias("repeat"), "patient_key",
                         pl.col("part").cast(pl.Int32).alias("fold"))
        )  # fmt: skip
    together = FOLDS.validate(pl.concat(drawn).sort("repeat", "patient_key"))
    require_sound_folds(together, exams, label=labels[0])
    return together


def read_folds(storage: Storage, exams: pl.DataFrame, *, label: str = "exam_label") -> pl.DataFrame:
    """Read the folds of a directory.

    Args:
        storage: Where they are.
        exams: Columns ``patient_key`` and ``label``, of the exams that were dealt.
        label: Column of the label of which every fold has both classes.

    Raises:
        InputError: If they are not :func:`sound <require_sound_folds>`.
    """
    found = FOLDS.read(storage)
    require_sound_folds(found, exams, label=label, where=f"{storage.url}/{FOLDS.file}")
    return found


def require_sound_folds(
    folds: pl.DataFrame, exams: pl.DataFrame, *, label: str, where: str = FOLDS.file
) -> None:
    """Raise unless every patient is held out once a repeat, and every fold is a fair test.

    Args:
        folds: A table of :data:`~examwise.core.schemas.cross_validation.FOLDS`.
        exams: Columns ``patient_key`` and ``label``.
        label: Column of the label of which every fold has both classes.
        where: How to name the folds in messages.

    Raises:
        InputError: If a patient is in no fold or in two of a repeat, one is none of those of the
            exams, a fold is empty, alone or without one of the classes, or the same as another.
    """
    patients = exams["patient_key"].unique()
    repeats = folds["repeat"].unique().sort().to_list()
    problems: list[str] = []
    if repeats != list(range(len(repeats))) or not repeats:
        problems.append("repeats that do not count from 0")
    seen: set[frozenset[str]] = set()
    labelled = exams.select("patient_key", pl.col(label).alias("label")).unique()
    for (repeat,), part in sorted(folds.partition_by("repeat", as_dict=True).items()):
        in_words = f"in repeat {repeat}"
        strangers = part.filter(~pl.col("patient_key").is_in(patients.implode())).height
        absent = int((~patients.is_in(part["patient_key"].implode())).sum())
        twice = part.height - part["patient_key"].n_unique()
        for number, what in (
            (strangers, "other patients"),
            (absent, "patients in no fold"),
            (twice, "patients in two folds"),
        ):
            if number:
                problems.append(f"{number} {what} {in_words}")
        numbers = part["fold"].unique().sort().to_list()
        if numbers != list(range(len(numbers))):
            problems.append(f"an empty fold {in_words}")
        if len(numbers) < 2:
            problems.append(f"fewer than two folds {in_words}")
        members = _members(part, "fold")
        if seen & members:
            problems.append(f"a fold {in_words} that is also one of an earlier repeat")
        seen |= members
        classes = part.join(labelled, on="patient_key").drop_nulls("label")
        both = classes.group_by("fold").agg(pl.col("label").n_unique())
        without = set(numbers) - set(both.filter(pl.col("label") == 2)["fold"].to_list())
        if without:
            problems.append(f"{len(without)} folds {in_words} without one of the classes")
    if problems:
        raise InputError(
            where=where,
            expected="every patient in one fold of each repeat, and folds that differ, none empty, "
            "all with exams with and without the finding",
            got="; ".join(problems[:3]),
            remedy="restore the file, or draw folds again in a new directory",
        )


def fold_split(
    exams: pl.DataFrame,
    folds: pl.DataFrame,
    *,
    repeat: int,
    fold: int,
    validation_fraction: float,
    seed: int,
    labels: Sequence[str] = ("exam_label",),
) -> pl.DataFrame:
    """Return who trains, validates and is held out, when one fold is.

    The validation part is cut from the patients of the other folds, in proportion within the same
    strata.

    Args:
        exams: Columns ``exam_id``, ``patient_key`` and those of ``labels``.
        folds: From :func:`draw_folds`, of these exams.
        repeat: Number of the repeat.
        fold: The fold to hold out.
        validation_fraction: Share of the other folds' patients, below 1; 0 for none.
        seed: Decides, with repeat and fold, who validates.
        labels: Columns to stratify on, the most important one first.

    Returns:
        A table of :data:`~examwise.core.schemas.store.SPLITS`, in which the fold is the part
        ``test``, sorted by exam.

    Raises:
        InputError: If no patient is left for validation, or those left to train on are all with
            or all without the finding.
    """
    of_repeat = folds.filter(pl.col("repeat") == repeat)
    held_out = of_repeat.filter(pl.col("fold") == fold).select("patient_key")
    others = exams.join(held_out, on="patient_key", how="anti")
    dealt = deal_patients(
        others,
        shares=[1 - validation_fraction, validation_fraction],
        seed=derive_seed(seed, "validation", repeat, fold),
        labels=labels,
    )
    if validation_fraction > 0 and 1 not in dealt["part"]:
        raise InputError(
            where=f"cross-validation, validation fraction {validation_fraction:g}",
            expected=f"at least one of the {dealt.height} patients of the other folds",
            got="none",
            remedy="use a larger fraction, or 0 for no validation",
        )
    name = pl.when(pl.col("part") == 1).then(pl.lit("validation")).otherwise(pl.lit("train"))
    parts = pl.concat(
        [
            dealt.select("patient_key", name.alias("split")),
            held_out.with_columns(pl.lit("test").alias("split")),
        ]
    )
    split = exams.join(parts, on="patient_key").sort("exam_id")
    if split.filter(pl.col("split") == "train")[labels[0]].drop_nulls().n_unique() < 2:
        raise InputError(
            where=f"cross-validation, training part of {fold_name(repeat, fold)}",
            expected="exams with and without the finding",
            got="one of the two",
            remedy="use a smaller validation fraction, or label more exams",
        )
    return SPLITS.validate(split.select(SPLITS.names))


def _members(folds: pl.DataFrame, column: str) -> set[frozenset[str]]:
    return {frozenset(fold["patient_key"]) for fold in folds.partition_by(column)}


def _require_enough_patients(exams: pl.DataFrame, folds: int, label: str) -> None:
    patients = exams.group_by("patient_key").agg(pl.col(label).max().alias("label"))
    counts = {value: patients.filter(pl.col("label") == value).height for value in (1, 0)}
    if min(counts.values()) < folds:
        most = min(counts.values())
        raise InputError(
            where=f"cross-validation, folds {folds}",
            expected=f"at least {folds} patients with and {folds} without the finding",
            got=f"{counts[1]} with and {counts[0]} without",
            remedy=f"use at most {most} folds" if most > 1 else "label more exams",
        )
