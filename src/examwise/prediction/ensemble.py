"""Averaging runs: of their logits, their attention, their thresholds and their baselines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from examwise.core.digests import readable_json, sha256_hex
from examwise.metrics.position import PositionHistogram, position_scores
from examwise.prediction.members import Member

Floats = npt.NDArray[np.float64]

SMALLEST_WEIGHT = 1e-30
"""What an attention weight of zero counts as in a logarithm."""

_RUN_ID_HEX = 12


def ensemble_id(members: Sequence[Member]) -> str:
    """Return the name under which runs predict together: their own where there is one."""
    if len(members) == 1:
        return members[0].run_id
    together = "\n".join(sorted(member.digest for member in members))
    return "e" + sha256_hex(together.encode())[:_RUN_ID_HEX]


def ensemble_learner(members: Sequence[Member]) -> str:
    """Return the learners' names, each once."""
    return " + ".join(sorted({member.learner for member in members}))


def mean_logits(logits: Sequence[Floats]) -> Floats:
    """Return the mean of models' logits.

    Its sigmoid is the geometric mean of their odds, the logarithmic opinion pool with equal
    weights (Genest and Zidek, 1986): unlike the mean of probabilities it does not draw those of
    agreeing models towards one half, and models that are certain stay in order where
    probabilities are equal in floating point. What one model says stays as it is.

    Args:
        logits: Of each model, of one shape.

    Example:
        >>> mean_logits([np.array([-2.0, 1.0]), np.array([0.0, 3.0])]).tolist()
        [-1.0, 2.0]
    """
    return logits[0] if len(logits) == 1 else np.mean(np.stack(logits), axis=0)


def mean_attention(
    logits: Sequence[Floats], weights: Sequence[Floats]
) -> tuple[Floats | None, Floats | None]:
    """Return attention logits and weights of models together.

    Weights are averaged, over those models that have some, and so sum to one over an exam as
    theirs do. The logits are their logarithms, whose softmax they are. What one model says stays
    as it is.

    Args:
        logits: Of each model that has attention, shape (N,).
        weights: Of the same models, shape (N,).

    Example:
        >>> logits, weights = mean_attention(
        ...     [np.zeros(2), np.zeros(2)], [np.array([0.5, 0.5]), np.array([1.0, 0.0])])
        >>> weights.tolist(), np.exp(logits).round(2).tolist()
        ([0.75, 0.25], [0.75, 0.25])
    """
    if not weights:
        return None, None
    if len(weights) == 1:
        return logits[0], weights[0]
    mean = np.mean(np.stack(weights), axis=0)
    return np.log(np.maximum(mean, SMALLEST_WEIGHT)), mean


def mean_thresholds(files: Sequence[bytes]) -> bytes:
    """Return the ``thresholds.json`` of models together: the mean for each finding, named so.

    None of them is fitted to what the models say together: there are no labels that all of them
    are blind to. Rules and slice thresholds are averaged likewise, where all models have them.
    One model's file stays as it is.

    Args:
        files: Each model's, with the same findings.
    """
    if len(files) == 1:
        return files[0]
    found = [json.loads(file) for file in files]
    return readable_json(
        {finding: _mean_entry([one[finding] for one in found]) for finding in found[0]}
    )


def _mean_entry(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    rules = [entry.get("rules", {}) for entry in entries]
    common = [name for name in rules[0] if all(name in other for other in rules)]
    together: dict[str, Any] = {
        "threshold": float(np.mean([entry["threshold"] for entry in entries])),
        "source": f"mean of {len(entries)} models",
    }
    if common:
        together["rules"] = {name: float(np.mean([own[name] for own in rules])) for name in common}
    if all("slice_threshold" in entry for entry in entries):
        on_slices = [entry["slice_threshold"] for entry in entries]
        together["slice_threshold"] = float(np.mean(on_slices))
    return together


def mean_position_histograms(files: Sequence[bytes]) -> bytes:
    """Return the ``position_histogram.json`` of models together: the mean for each finding.

    Over those that have one, in the bins of the first of them. One model's file stays as it is.

    Args:
        files: Each model's, with the same findings.
    """
    if len(files) == 1:
        return files[0]
    found = [json.loads(file) for file in files]
    together: dict[str, dict[str, Any] | None] = {}
    for finding in found[0]:
        present = [PositionHistogram.from_dict(one[finding]) for one in found if one[finding]]
        together[finding] = None
        if present:
            centers = present[0].centers
            fractions = np.mean([position_scores(one, centers) for one in present], axis=0)
            n_slices = round(float(np.mean([one.n_slices for one in present])))
            mean = PositionHistogram(centers, tuple(fractions.tolist()), n_slices)
            together[finding] = mean.to_dict()
    return readable_json(together)
