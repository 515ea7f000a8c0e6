"""Dividing patients into parts, in proportion within every stratum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.randomness import derive_seed, generator
from examwise.core.schemas.store import SPLITS

PARTS = ("train", "validation", "test")

# Products such as 0.6 × 5 miss a whole number by less than this.
_ROUNDING = 1e-9
# What a part's size in all is worth against what strata draw, so that it is settled first.
_SIZES_FIRST = 1e4


def split_by_patient(
    exams: pl.DataFrame,
    *,
    fractions: tuple[float, float, float],
    seed: int,
    labels: Sequence[str] = ("exam_label",),
) -> pl.DataFrame:
    """Assign each patient, and so all of the patient's exams, to one part.

    A patient is positive if one exam is, negative if none is and one is known to be, otherwise
    unlabelled. Strata are nested: by the first label, by all labels, and by these and the number
    of exams. In every one of them, and in all, each part holds its share of the patients to
    within one: rounded down or up. Which way is drawn at random, and so are the patients. What
    becomes of a patient depends on the seed and on who else is in the store, never on the order
    of rows.

    Args:
        exams: Columns ``exam_id``, ``patient_key`` and those of ``labels``: 1, 0 or missing.
        fractions: Shares of train, validation and test; they sum to one.
        seed: Another seed gives another division.
        labels: Columns to stratify on, the most important one first.

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
    require_shares(fractions)
    shares = [share / sum(fractions) for share in fractions]
    of_patient = deal_patients(exams, shares=shares, seed=seed, labels=labels)
    for number, (part, share) in enumerate(zip(PARTS, shares, strict=True)):
        if share > 0 and number not in of_patient["part"]:
            raise InputError(
                where=f"split, part {part}",
                expected="enough patients for each part",
                got=f"{of_patient.height} patients in all",
                remedy="add exams of further patients, or set this part's fraction to 0",
            )
    names = pl.DataFrame({"part": range(len(PARTS)), "split": PARTS})
    joined = (
        exams.select("exam_id", "patient_key")
        .join(of_patient, on="patient_key")
        .join(names, "part")
    )
    return SPLITS.validate(joined.select(SPLITS.names).sort("exam_id"))


def deal_patients(
    exams: pl.DataFrame, *, shares: Sequence[float], seed: int, labels: Sequence[str]
) -> pl.DataFrame:
    """Deal patients into any number of parts, in proportion within every stratum.

    Strata, and what a patient's part depends on, are those of :func:`split_by_patient`.

    Args:
        exams: Columns ``patient_key`` and those of ``labels``: 1, 0 or missing.
        shares: Of each part; they sum to one.
        seed: Another seed gives another division.
        labels: Columns to stratify on, the most important one first.

    Returns:
        ``patient_key`` and ``part``, counting from 0, Int64; a row a patient.

    Example:
        >>> exams = pl.DataFrame({"patient_key": ["p", "p", "q"], "exam_label": [1, 0, 0]})
        >>> deal_patients(exams, shares=[0.5, 0.5], seed=0, labels=["exam_label"]).height
        2
    """
    stratum = [*labels, "n_exams"]
    patients = exams.group_by("patient_key").agg(pl.col(list(labels)).max(), n_exams=pl.len())
    order = pl.Series(
        "order",
        [derive_seed(seed, "split", key) for key in patients["patient_key"].to_list()],
        dtype=pl.Int64,
    )
    patients = patients.with_columns(order).sort(*stratum, "order", "patient_key")
    strata = patients.group_by(stratum, maintain_order=True).len()
    levels = [
        strata.select(pl.struct(stratum[:depth]).rle_id()).to_series().to_numpy().astype(np.int64)
        for depth in (1, len(labels), len(stratum))
    ]
    exact = np.asarray(shares, np.float64)
    sizes = _part_sizes(strata["len"].to_numpy(), exact, levels, seed)
    parts = np.repeat(np.tile(np.arange(len(exact)), len(sizes)), sizes.ravel())
    return patients.select("patient_key", pl.Series("part", parts, dtype=pl.Int64))


def _part_sizes(
    n_patients: npt.NDArray[np.int64],
    shares: npt.NDArray[np.float64],
    levels: Sequence[npt.NDArray[np.int64]],
    seed: int,
) -> npt.NDArray[np.int64]:
    """Round the shares of all strata at once, and of the groups in which they are nested.

    The groups form two laminar families (strata within groups for each part; parts within each
    stratum), so that the constraints are totally unimodular: every corner of the polytope of
    divisions is whole, and the exact shares lie in it (the controlled rounding of Cox, 1987, by
    linear programming). Random costs make one corner the best, whatever the solver.

    Args:
        n_patients: Patients of each stratum, shape (strata,).
        shares: Of each part, shape (parts,).
        levels: For each level the group of every stratum, shape (strata,).
        seed: Decides which way is rounded.

    Returns:
        Patients by stratum and part, shape (strata, parts).
    """
    from scipy.optimize import LinearConstraint, milp
    from scipy.sparse import coo_array

    n_strata, n_parts = len(n_patients), len(shares)
    cells = np.arange(n_strata * n_parts)
    constraints = [
        LinearConstraint(coo_array((np.ones(len(cells)), (cells // n_parts, cells))), n_patients,
                         n_patients)
    ]  # fmt: skip
    for groups in (np.zeros(n_strata, np.int64), *levels):
        of_group = np.bincount(groups, weights=n_patients)
        exact = np.outer(of_group, shares).ravel()
        rows = groups[cells // n_parts] * n_parts + cells % n_parts
        constraints.append(
            LinearConstraint(
                coo_array((np.ones(len(cells)), (rows, cells))),
                np.floor(exact + _ROUNDING),
                np.ceil(exact - _ROUNDING),
            )
        )
    in_all = shares * n_patients.sum()
    # A part that might come out empty is rounded up before others, the rest by its remainder.
    wish = in_all - np.floor(in_all + _ROUNDING) + (in_all < 1)
    cost = generator(seed, "split", "rounding").random((n_strata, n_parts)) - _SIZES_FIRST * wish
    found = milp(cost.ravel(), integrality=np.ones(len(cells)), constraints=constraints)
    if found.x is None:
        raise RuntimeError("a division that must exist was not found")
    return np.rint(found.x).astype(np.int64).reshape(n_strata, n_parts)


def require_shares(fractions: tuple[float, float, float]) -> None:
    """Raise unless fractions are shares of train, validation and test.

    Raises:
        InputError: Says what they are.
    """
    # Written so that a value that is no number fails, too.
    if not (
        len(fractions) == len(PARTS)
        and all(type(share) in (int, float) and 0 <= share <= 1 for share in fractions)
        and abs(sum(fractions) - 1) <= 1e-6
    ):
        raise InputError(
            where="split, fractions",
            expected="three shares of train, validation and test that sum to 1",
            got=", ".join(map(str, fractions)),
        )


def require_seed(seed: object) -> None:
    """Raise unless a seed is one.

    Raises:
        InputError: Says what it is.
    """
    if type(seed) is not int or seed < 0:
        raise InputError(where="split, seed", expected="a whole number, 0 or more", got=seed)
