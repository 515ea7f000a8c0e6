"""Scores of maps as tables: each run and method for itself, and two of them on the same slices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.randomness import generator
from examwise.core.schemas.explanations import MEASURES
from examwise.core.schemas.slice_evidence import SALIENCY_COMPARISONS, SALIENCY_METRICS
from examwise.evaluation.auc_estimate import drawn_patients
from examwise.metrics.patient_bootstrap import PercentileInterval, percentile_interval
from examwise.metrics.sign_flips import sign_flip_p

ALL_KINDS = "all"
"""Stands for slices of any kind, those without a kind among them."""

_Floats = npt.NDArray[np.float64]
_SITE = ["archive", "finding", "truth"]
_RUN = ["run_id", "learner", "archive", "finding", "method", "truth"]
_ROW = [*_RUN, "exam_id", "slice_index", "is_randomised"]
_SLICE = ["exam_id", "slice_index"]


def saliency_metrics(scores: pl.DataFrame, *, n_replicates: int, seed: int) -> pl.DataFrame:
    """Return mean scores of maps, over all slices and over those of each kind of finding.

    Every slice counts alike; limits are of the patient bootstrap, whose draws are those of the
    archive's other figures where the patients are the same. A slice of two kinds counts in both.
    Where a score is undefined the slice is left out of its mean.

    Args:
        scores: ``SALIENCY_SCORES`` of any number of runs and methods.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.

    Returns:
        A table of :data:`~examwise.core.schemas.slice_evidence.SALIENCY_METRICS`.
    """
    kinds = pl.concat_list(pl.lit([ALL_KINDS]), "kinds")
    by_kind = scores.sort(_ROW).with_columns(kinds.alias("kind")).explode("kind")
    rows: list[dict[str, Any]] = []
    for key, group in by_kind.group_by([*_RUN, "kind"], maintain_order=True):
        about = dict(zip([*_RUN, "kind"], key, strict=True))
        trained = group.filter(~pl.col("is_randomised"))
        if trained.is_empty():
            continue
        for measure in MEASURES:
            known = trained.drop_nulls(measure)
            drawn_anew = group.filter("is_randomised").drop_nulls(measure)[measure].to_numpy()
            mean, limits = _mean_with_limits(
                known[measure].to_numpy(),
                known["patient_key"].to_numpy(),
                archive=about["archive"],
                n_replicates=n_replicates,
                seed=seed,
            )
            rows.append(
                {
                    **about,
                    "measure": measure,
                    "n_slices": known.height,
                    "n_patients": known["patient_key"].n_unique(),
                    "mean": mean,
                    "lower": limits.lower,
                    "upper": limits.upper,
                    "mean_of_random_weights": float(drawn_anew.mean()) if len(drawn_anew) else None,
                }
            )
    order = {name: place for place, name in enumerate(MEASURES)}
    return SALIENCY_METRICS.frame(rows).sort(
        "archive",
        "finding",
        "truth",
        "method",
        "run_id",
        pl.col("kind") != ALL_KINDS,
        "kind",
        pl.col("measure").replace_strict(order, return_dtype=pl.Int64),
    )


def saliency_comparisons(scores: pl.DataFrame, *, n_replicates: int, seed: int) -> pl.DataFrame:
    """Compare maps of the same slices: of two runs by one method, or of one run by two methods.

    Slices that both explain count; maps of random weights don't. Limits are of the patient
    bootstrap of the mean difference; p is of a permutation that changes the sign of all of a
    patient's differences at once, whose null is that the two could change places.

    Args:
        scores: ``SALIENCY_SCORES`` of any number of runs and methods.
        n_replicates: Bootstrap samples of patients, and permutations.
        seed: Seed of both.

    Returns:
        A table of :data:`~examwise.core.schemas.slice_evidence.SALIENCY_COMPARISONS`; the pair's
        first is the one whose run, then method, comes first by name.
    """
    trained = scores.filter(~pl.col("is_randomised")).sort(_ROW)
    rows: list[dict[str, Any]] = []
    for key, site in trained.group_by(_SITE, maintain_order=True):
        about = dict(zip(_SITE, key, strict=True))
        for one, other in _pairs(site):
            both = _of(site, one).join(_of(site, other), on=_SLICE, suffix="_of_other").sort(_SLICE)
            if both.is_empty():
                continue
            for measure in MEASURES:
                gain = both.select(
                    "patient_key", (pl.col(measure) - pl.col(f"{measure}_of_other")).alias("gain")
                ).drop_nulls()
                gains, patients = gain["gain"].to_numpy(), gain["patient_key"].to_numpy()
                mean, limits = _mean_with_limits(
                    gains,
                    patients,
                    archive=about["archive"],
                    n_replicates=n_replicates,
                    seed=seed,
                )
                stream = generator(seed, "sign_flips", *key, measure, *one, *other)
                rows.append(
                    {
                        **about,
                        "measure": measure,
                        **dict(zip(("run_id", "method"), one, strict=True)),
                        **dict(zip(("other_run_id", "other_method"), other, strict=True)),
                        "n_slices": gain.height,
                        "n_patients": gain["patient_key"].n_unique(),
                        "difference": mean,
                        "lower": limits.lower,
                        "upper": limits.upper,
                        "p": sign_flip_p(
                            gains, patients, n_permutations=n_replicates, generator=stream
                        ),
                    }
                )
    order = {name: place for place, name in enumerate(MEASURES)}
    return SALIENCY_COMPARISONS.frame(rows).sort(
        *_SITE,
        "run_id",
        "method",
        "other_run_id",
        "other_method",
        pl.col("measure").replace_strict(order, return_dtype=pl.Int64),
    )


def _pairs(site: pl.DataFrame) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    explained = sorted(site.select("run_id", "method").unique().rows())
    for one, other in combinations(explained, 2):
        if one[0] == other[0] or one[1] == other[1]:
            yield one, other


def _of(site: pl.DataFrame, explained: tuple[str, str]) -> pl.DataFrame:
    run_id, method = explained
    chosen = site.filter((pl.col("run_id") == run_id) & (pl.col("method") == method))
    return chosen.select("patient_key", *_SLICE, *MEASURES)


def _mean_with_limits(
    values: _Floats, patients: npt.NDArray[Any], *, archive: str, n_replicates: int, seed: int
) -> tuple[float | None, PercentileInterval]:
    if not len(values):
        return None, PercentileInterval(None, None, 0)
    names, items = np.unique(patients, return_inverse=True)
    sums = np.bincount(items, values, len(names))
    counts = np.bincount(items, minlength=len(names))
    drawn = drawn_patients(seed, archive, len(names), n_replicates=n_replicates)
    # Every patient has a slice: no sample is empty.
    return float(values.mean()), percentile_interval((drawn @ sums) / (drawn @ counts))
