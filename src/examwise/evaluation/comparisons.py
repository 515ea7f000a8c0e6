"""Two runs held against each other on the exams that both have predicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.core.schemas.evidence import COMPARISONS
from examwise.evaluation.auc_estimate import drawn_patients
from examwise.metrics.auc_variance import auc_difference, auc_estimates
from examwise.metrics.equal_curves import equal_curves_p
from examwise.metrics.patient_bootstrap import (
    SMALLEST_USABLE_SHARE,
    PercentileInterval,
    percentile_interval,
)
from examwise.metrics.roc import roc_auc_weighted

Floats = npt.NDArray[np.float64]

_NOTHING = 1e-9
"""Differences whose replicates spread less than this are of scores that rank alike."""


@dataclass(frozen=True)
class SharedExams:
    """Labelled exams that two runs have predicted, in the order of their names.

    Attributes:
        frame: ``exam_id``, ``patient_key``, ``exam_label``, ``ours`` and ``theirs`` (logits).
        n_left_out: Labelled exams that only one of them predicted.
        learner: Learner of the one.
        other_learner: Learner of the other.
    """

    frame: pl.DataFrame
    n_left_out: int
    learner: str
    other_learner: str

    @property
    def counts(self) -> dict[str, int]:
        """Patients, exams and positive exams, as tables have them."""
        return {
            "n_patients": self.frame["patient_key"].n_unique(),
            "n_exams": self.frame.height,
            "n_positive": int(self.labels.sum()),
        }

    @property
    def variance(self) -> str:
        """Which variance their AUCs have: a matter of how many exams a patient has."""
        one_each = self.frame["patient_key"].n_unique() == self.frame.height
        return "delong" if one_each else "obuchowski"

    @cached_property
    def labels(self) -> npt.NDArray[np.int8]:
        """0 or 1, shape (n_exams,)."""
        return self.frame["exam_label"].to_numpy()

    @cached_property
    def patients(self) -> npt.NDArray[Any]:
        """Names of patients, shape (n_exams,)."""
        return self.frame["patient_key"].to_numpy()

    @cached_property
    def scores(self) -> Floats:
        """Logits of the one, and of the other, shape (2, n_exams)."""
        return self.frame.select("ours", "theirs").to_numpy().T.astype(np.float64)


@dataclass(frozen=True)
class _Compared:
    """A row, and what the band over all rows needs of it."""

    row: dict[str, Any]
    replicates: Floats | None


def compare_runs(
    exams: pl.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    n_replicates: int,
    n_permutations: int = 1000,
    seed: int,
) -> pl.DataFrame:
    """Compare AUCs of pairs of runs, archive by archive and finding by finding.

    Both are judged by the exams that both have; what only one has is left out, and counted. Four
    answers stand side by side: limits and p of the difference by DeLong's or Obuchowski's
    variance; percentile limits by the patient bootstrap; a band that holds for all comparisons of
    an archive and finding together, by the largest studentised deviation over them in each
    bootstrap sample; and p of equal curves (Venkatraman and Begg, 1996), which is smaller where
    curves cross though areas agree. One pair alone is a family of one. What is undefined (one
    class absent, both rank alike) is missing.

    Args:
        exams: ``PREDICTED_EXAMS`` of all runs.
        pairs: The one run and the other; a pair has no row in an archive or for a finding that
            one of them has not predicted.
        n_replicates: Bootstrap samples of patients; those of an archive are the same ones for all
            comparisons, and those of ``EXAM_METRICS`` where all runs have the same exams.
        n_permutations: Permutations behind p of equal curves; that p is missing if 0.
        seed: Seed of bootstrap and permutations.

    Returns:
        ``COMPARISONS``, by archive, finding and the order of pairs.

    Raises:
        InputError: If a run is not among the predictions, is compared to itself, or two runs have
            different labels or patients for an exam.
    """
    _require_known(exams, pairs)
    rows: list[dict[str, Any]] = []
    groups = exams.partition_by("archive", "finding", as_dict=True)
    for (archive, finding), group in sorted(groups.items(), key=lambda item: item[0]):
        bootstrap = _Bootstrap(group, str(archive), n_replicates=n_replicates, seed=seed)
        compared = [
            _compare(shared, pair, bootstrap, archive, finding, n_permutations, seed)
            for pair in dict.fromkeys(pairs)
            if (shared := shared_exams(group, *pair)) is not None
        ]
        rows.extend(_with_band(compared))
    return COMPARISONS.frame(rows)


def shared_exams(group: pl.DataFrame, run_id: str, other_run_id: str) -> SharedExams | None:
    """Return labelled exams that both runs have; None where one has predicted nothing.

    Args:
        group: ``PREDICTED_EXAMS`` of one archive and finding.
        run_id: The one run.
        other_run_id: The other.

    Raises:
        InputError: If they have different labels or patients for an exam.
    """
    both = [group.filter(pl.col("run_id") == name) for name in (run_id, other_run_id)]
    if any(one.is_empty() for one in both):
        return None
    columns = ("exam_id", "patient_key", "exam_label", pl.col("exam_logit"))
    ours, theirs = (one.drop_nulls("exam_label").select(columns) for one in both)
    joined = ours.join(theirs, on="exam_id", how="inner", suffix="_other").sort("exam_id")
    differs = (pl.col("exam_label") != pl.col("exam_label_other")) | (
        pl.col("patient_key") != pl.col("patient_key_other")
    )
    if n_different := joined.filter(differs).height:
        raise InputError(
            where=f"predictions of {run_id} and {other_run_id}",
            expected="the same label and patient for every exam of both",
            got=f"others for {n_different} of {joined.height} exams",
            remedy="predict the same store with both, or compare others",
        )
    frame = joined.select(
        "exam_id",
        "patient_key",
        "exam_label",
        pl.col("exam_logit").alias("ours"),
        pl.col("exam_logit_other").alias("theirs"),
    )
    n_left_out = ours.height + theirs.height - 2 * joined.height
    return SharedExams(frame, n_left_out, both[0]["learner"][0], both[1]["learner"][0])


class _Bootstrap:
    """AUCs of samples of an archive's patients, each run's worked out once for the same exams."""

    def __init__(self, group: pl.DataFrame, archive: str, *, n_replicates: int, seed: int) -> None:
        labelled = group.drop_nulls("exam_label")
        self._patients = np.unique(labelled["patient_key"].to_numpy())
        self._archive, self._n_replicates, self._seed = archive, n_replicates, seed
        self._known: dict[tuple[str, bytes], Floats] = {}

    def differences(self, shared: SharedExams, run_ids: tuple[str, str]) -> Floats:
        """Return the one's AUC less the other's, NaN where a sample lacks a class."""
        exams = "\0".join(shared.frame["exam_id"]).encode()
        ours, theirs = (
            self._aucs(shared, scores, (run_id, exams))
            for run_id, scores in zip(run_ids, shared.scores, strict=True)
        )
        return ours - theirs

    def _aucs(self, shared: SharedExams, scores: Floats, key: tuple[str, bytes]) -> Floats:
        if key not in self._known:
            # Patients are drawn from all that any run was judged by, so that samples are the same
            # ones for every comparison.
            drawn = drawn_patients(
                self._seed, self._archive, len(self._patients), n_replicates=self._n_replicates
            )
            columns = np.searchsorted(self._patients, shared.patients)
            self._known[key] = roc_auc_weighted(shared.labels, scores, drawn, columns=columns)
        return self._known[key]


def _compare(
    shared: SharedExams,
    pair: tuple[str, str],
    bootstrap: _Bootstrap,
    archive: object,
    finding: object,
    n_permutations: int,
    seed: int,
) -> _Compared:
    row: dict[str, Any] = {
        "archive": archive,
        "finding": finding,
        "run_id": pair[0],
        "learner": shared.learner,
        "other_run_id": pair[1],
        "other_learner": shared.other_learner,
        **shared.counts,
        "n_left_out": shared.n_left_out,
        "variance": shared.variance,
        "n_permutations": n_permutations,
    }
    estimates = auc_estimates(shared.labels, shared.scores, shared.patients)
    if estimates is None:
        return _Compared({**dict.fromkeys(COMPARISONS.names), **row}, None)
    by_variance = auc_difference(estimates)
    replicates = bootstrap.differences(shared, pair)
    limits = percentile_interval(replicates)
    row |= {
        "p_equal_curves": _equal_curves_p(shared, row, seed=seed) if n_permutations else None,
        "auc": float(estimates.aucs[0]),
        "other_auc": float(estimates.aucs[1]),
        "difference": by_variance.difference,
        "standard_error": by_variance.standard_error,
        "lower": by_variance.lower,
        "upper": by_variance.upper,
        "bootstrap_lower": limits.lower,
        "bootstrap_upper": limits.upper,
        "p_equal_areas": by_variance.p,
    }
    return _Compared({**dict.fromkeys(COMPARISONS.names), **row}, replicates)


def _equal_curves_p(shared: SharedExams, row: Mapping[str, Any], *, seed: int) -> float | None:
    # Either order of the two gives the same permutations, and the same p.
    names = (row["run_id"], row["other_run_id"])
    first, second = (0, 1) if names[0] < names[1] else (1, 0)
    stream = (row["archive"], row["finding"], names[first], names[second])
    return equal_curves_p(
        shared.labels,
        shared.scores[first],
        shared.scores[second],
        shared.patients,
        n_permutations=row["n_permutations"],
        generator=generator(seed, "equal_curves", *stream),
    )


def _with_band(compared: Sequence[_Compared]) -> Iterator[dict[str, Any]]:
    found = [(one, one.replicates) for one in compared if one.replicates is not None]
    bands = simultaneous_band(
        np.array([one.row["difference"] for one, _ in found]),
        np.array([replicates for _, replicates in found]),
    )
    of_row = {id(one): band for (one, _), band in zip(found, bands, strict=True)}
    for one in compared:
        band = of_row.get(id(one), PercentileInterval(None, None, 0))
        yield {**one.row, "band_lower": band.lower, "band_upper": band.upper}


def simultaneous_band(
    estimates: Floats, replicates: Floats, *, level: float = 0.95
) -> list[PercentileInterval]:
    """Return limits of several differences that hold for all of them together.

    Each reaches as many of its own bootstrap standard errors to both sides as the largest
    deviation over all differences does in ``level`` of the samples. Samples in which one is
    undefined are left out; there are no limits where these are more than 5%, and none of a
    difference that never varies. Limits stay between -1 and 1.

    Args:
        estimates: Differences, shape (k,).
        replicates: Their values in each bootstrap sample, shape (k, replicates).
        level: Coverage aimed at of all together.

    Example:
        >>> replicates = np.linspace(-0.1, 0.1, 2001)
        >>> (one,) = simultaneous_band(np.zeros(1), replicates[None])
        >>> round(one.lower, 4), round(one.upper, 4)
        (-0.095, 0.095)
    """
    nothing = [PercentileInterval(None, None, 0)] * len(estimates)
    if not len(estimates):
        return nothing
    usable = replicates[:, ~np.isnan(replicates).any(axis=0)]
    n_left_out = replicates.shape[1] - usable.shape[1]
    if usable.shape[1] < max(2, SMALLEST_USABLE_SHARE * replicates.shape[1]):
        return nothing
    errors = usable.std(axis=1, ddof=1)
    varies = errors > _NOTHING
    if not varies.any():
        return nothing
    deviations = np.abs(usable[varies] - estimates[varies, None]) / errors[varies, None]
    reach = float(np.quantile(deviations.max(axis=0), level)) * errors
    return [
        PercentileInterval(max(-1.0, value - by), min(1.0, value + by), n_left_out)
        if moves
        else PercentileInterval(None, None, n_left_out)
        for value, by, moves in zip(
            estimates.tolist(), reach.tolist(), varies.tolist(), strict=True
        )
    ]


def _require_known(exams: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> None:
    known = set(exams["run_id"].unique())
    for pair in pairs:
        for name in pair:
            if name not in known:
                raise InputError(
                    where="runs to compare",
                    expected="one of " + ", ".join(sorted(known)),
                    got=name,
                )
        if pair[0] == pair[1]:
            raise InputError(where="runs to compare", expected="two runs", got=f"{pair[0]} twice")
