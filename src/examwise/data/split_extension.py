"""Parts for patients who came into a store after it was split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.randomness import derive_seed
from examwise.data.stratified_split import PARTS, require_shares


def place_patients(
    exams: pl.DataFrame,
    placed: pl.DataFrame,
    *,
    fractions: tuple[float, float, float],
    seed: int,
    labels: Sequence[str] = ("exam_label",),
) -> pl.DataFrame:
    """Give each new patient a part, in the strata of those who have one.

    Sequential allocation by minimisation (Pocock and Simon, 1975): one new patient after the
    other, in random order, goes where the patient's strata together fall short of their shares
    most; ours counts the strata in which the first draw was balanced, and draws only among equals.
    So a store that grows by single patients comes to the shares, too.

    Args:
        exams: Columns ``exam_id``, ``patient_key`` and those of ``labels``: 1, 0 or missing; of
            all patients.
        placed: Columns ``patient_key`` and ``split``: patients who have a part keep it.
        fractions: Shares of train, validation and test; they sum to one.
        seed: Another seed gives another order.
        labels: Columns to stratify on, the most important one first.

    Returns:
        Columns ``patient_key`` and ``split``, a row for every patient, sorted.

    Raises:
        InputError: If the fractions are no shares.

    Example:
        >>> exams = pl.DataFrame({"exam_id": ["a", "b"], "patient_key": ["p", "q"],
        ...                       "exam_label": [1, 1]})
        >>> placed = pl.DataFrame({"patient_key": ["p"], "split": ["train"]})
        >>> place_patients(exams, placed, fractions=(0.5, 0.0, 0.5), seed=0)["split"].to_list()
        ['train', 'test']
    """
    require_shares(fractions)
    shares = np.asarray(fractions, np.float64) / sum(fractions)
    stratum = [*labels, "n_exams"]
    patients = exams.group_by("patient_key").agg(pl.col(list(labels)).max(), n_exams=pl.len())
    part_of = dict(placed.select("patient_key", "split").unique().iter_rows())
    counts: dict[tuple[Any, ...], npt.NDArray[np.float64]] = defaultdict(
        lambda: np.zeros(len(PARTS))
    )
    waiting = []
    for key, *values in patients.select("patient_key", *stratum).sort("patient_key").iter_rows():
        # Nested, as in the first draw: all, by the first label, by all labels, by their stratum.
        groups = [tuple(values[:depth]) for depth in (0, 1, len(labels), len(stratum))]
        if key in part_of:
            _count(counts, groups, PARTS.index(part_of[key]))
        else:
            waiting.append((derive_seed(seed, "split", key), key, groups))
    for _, key, groups in sorted(waiting):
        lacking = sum(shares * (counts[group].sum() + 1) - counts[group] for group in groups)
        best = max(
            (part for part in range(len(PARTS)) if shares[part] > 0),
            key=lambda part: (
                round(float(lacking[part]), 9),
                derive_seed(seed, "split", key, PARTS[part]),
            ),
        )
        part_of[key] = PARTS[best]
        _count(counts, groups, best)
    known = patients.select("patient_key").sort("patient_key")["patient_key"]
    return pl.DataFrame(
        {"patient_key": known, "split": [part_of[key] for key in known]},
        schema={"patient_key": pl.String, "split": pl.String},
    )


def _count(
    counts: dict[tuple[Any, ...], npt.NDArray[np.float64]],
    groups: Sequence[tuple[Any, ...]],
    part: int,
) -> None:
    for group in dict.fromkeys(groups):
        counts[group][part] += 1
