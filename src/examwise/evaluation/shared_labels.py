"""How many of their labels the repeats of a budget share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.schemas.run import LABEL_SET
from examwise.core.schemas.study import BUDGETED, LABEL_FREE
from examwise.core.storage import Storage
from examwise.evaluation.budget_replicates import CurveKey

_SLICE = ["exam_id", "slice_index"]


class SharedLabels:
    """The label sets behind every curve and budget, where the study keeps them.

    Repeats that share most of their labels are no new draws of them: what varies between them is
    the training, and an interval says little about other archives' labels.

    Args:
        study: The study's directory, with ``runs/<run_id>/label_set.parquet``.
        runs: ``RUNS`` of the study.
    """

    def __init__(self, study: Storage, runs: pl.DataFrame) -> None:
        self._overlaps: dict[tuple[CurveKey, int], float] = {}
        self._shares: dict[CurveKey, float] = {}
        self.inputs: dict[str, str] = {}
        """Role to digest of every label set."""
        of_budget = [*CurveKey._fields, "budget"]
        bought = runs.filter(pl.col("mode") != LABEL_FREE).sort(*of_budget, "repeat")
        for (*names, budget), group in bought.group_by(of_budget, maintain_order=True):
            frames = [
                frame
                for run_id in group["run_id"]
                if (frame := self._read(study, run_id)) is not None
            ]
            if len(frames) < 2:
                continue
            key = CurveKey(*(str(name) for name in names))
            self._overlaps[key, int(str(budget))] = overlap(frames)
            if key.mode == BUDGETED:
                # Budgets rise: the last one stays.
                self._shares[key] = shared_share(frames)

    def _read(self, study: Storage, run_id: str) -> pl.DataFrame | None:
        file = f"runs/{run_id}/{LABEL_SET.file}"
        if not study.exists(file):
            return None
        self.inputs[file] = "sha256:" + sha256_hex(study.read(file))
        return LABEL_SET.read(study, file=file).select(_SLICE)

    def of_curves(self) -> dict[CurveKey, float]:
        """Return the share of labels that two repeats of the largest budget have in common.

        The mean over pairs, by curve over frozen features; curves of a single repeat there, or
        without label sets, are left out.
        """
        return dict(self._shares)

    def overlaps(self) -> dict[tuple[CurveKey, int], float]:
        """Return what two repeats share, on average, by curve and budget; see :func:`overlap`.

        Budgets of a single repeat, or without label sets, are left out.
        """
        return dict(self._overlaps)


def shared_share(label_sets: Sequence[pl.DataFrame]) -> float:
    """Return the share of labels that two of several label sets have in common, on average.

    Args:
        label_sets: Two or more of ``LABEL_SET``.

    Example:
        >>> sets = [pl.DataFrame({"exam_id": names, "slice_index": [None, None]})
        ...         for names in (["a", "b"], ["a", "c"])]
        >>> shared_share(sets)
        0.5
    """
    labels = pl.concat([frame.select(_SLICE) for frame in label_sets])
    times = labels.group_by(_SLICE).len()["len"].to_numpy().astype(float)
    n_sets = len(label_sets)
    shared_pairs = float((times * (times - 1) / 2).sum()) / (n_sets * (n_sets - 1) / 2)
    return shared_pairs * n_sets / labels.height if labels.height else 0.0


def overlap(label_sets: Sequence[pl.DataFrame]) -> float:
    """Return the mean over pairs of the cosine between their numbers of labels of each exam.

    Of random draws of m out of N exams it is about ``m / N``, of disjoint ones 0, of equal ones 1.
    Two slices of one exam tell much the same: they count as shared, where two repeats hold one
    each.

    Args:
        label_sets: Two or more of ``LABEL_SET``.

    Example:
        >>> sets = [pl.DataFrame({"exam_id": names}) for names in (["a", "b"], ["a", "c"])]
        >>> round(overlap(sets), 6)
        0.5
    """
    counted = pl.concat(
        frame.group_by("exam_id").len("n").with_columns(pl.lit(place).alias("place"))
        for place, frame in enumerate(label_sets)
    )
    unit = pl.col("n") / pl.col("n").cast(pl.Float64).pow(2).sum().sqrt().over("place")
    vectors = counted.with_columns(unit.alias("unit"))
    n_sets = vectors["place"].n_unique()
    if n_sets < 2:
        return 0.0
    # The square of a sum of unit vectors is their number and twice the sum over pairs.
    total = vectors.group_by("exam_id").agg(pl.col("unit").sum())["unit"].to_numpy()
    pairs = (float(np.square(total).sum()) - n_sets) / (n_sets * (n_sets - 1))
    return min(1.0, max(0.0, pairs))
