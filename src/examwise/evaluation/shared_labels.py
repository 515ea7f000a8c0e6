"""How many of their labels the repeats of a budget share."""

from __future__ import annotations

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.schemas.run import LABEL_SET
from examwise.core.schemas.study import BUDGETED
from examwise.core.storage import Storage
from examwise.evaluation.budget_replicates import CurveKey


class SharedLabels:
    """The label sets behind the largest budget of every curve, where the study keeps them.

    Repeats that share most of their labels are no new draws of them: what varies between them is
    the training, and an interval says little about other archives' labels.

    Args:
        study: The study's directory, with ``runs/<run_id>/label_set.parquet``.
        runs: ``RUNS`` of the study.
    """

    def __init__(self, study: Storage, runs: pl.DataFrame) -> None:
        self._frames: dict[CurveKey, list[pl.DataFrame]] = {}
        self.inputs: dict[str, str] = {}
        """Role to digest of every label set."""
        of_curve = list(CurveKey._fields)
        budgeted = runs.filter(pl.col("mode") == BUDGETED).sort(*of_curve, "repeat")
        largest = budgeted.filter(pl.col("budget") == pl.col("budget").max().over(of_curve))
        for run_id, *names in largest.select("run_id", *of_curve).rows():
            file = f"runs/{run_id}/{LABEL_SET.file}"
            if study.exists(file):
                self.inputs[file] = "sha256:" + sha256_hex(study.read(file))
                frames = self._frames.setdefault(CurveKey(*names), [])
                frames.append(LABEL_SET.read(study, file=file))

    def of_curves(self) -> dict[CurveKey, float]:
        """Return the share of labels that two repeats have in common, on average, by curve.

        Curves of a single repeat, or without label sets, are left out.
        """
        return {
            key: shared_share(frames) for key, frames in self._frames.items() if len(frames) > 1
        }


def shared_share(label_sets: list[pl.DataFrame]) -> float:
    """Return the share of labels that two of several label sets have in common, on average.

    Args:
        label_sets: Two or more of ``LABEL_SET``.

    Example:
        >>> sets = [pl.DataFrame({"exam_id": names, "slice_index": [None, None]})
        ...         for names in (["a", "b"], ["a", "c"])]
        >>> shared_share(sets)
        0.5
    """
    key = ["exam_id", "slice_index"]
    labels = pl.concat([frame.select(key) for frame in label_sets])
    times = labels.group_by(key).len()["len"].to_numpy().astype(float)
    n_sets = len(label_sets)
    shared_pairs = float((times * (times - 1) / 2).sum()) / (n_sets * (n_sets - 1) / 2)
    return shared_pairs * n_sets / labels.height if labels.height else 0.0
