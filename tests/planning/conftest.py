"""A made-up study of every way to label, with curves that are known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from examwise.core.schemas.budget_curves import CURVE_REPLICATES
from examwise.evaluation.curve_fits import fit_curves
from examwise.planning.label_prices import LabelPrices, Price
from examwise.planning.studied_ways import StudiedWay, StudiedWays

PREVALENCE, RUNS_PER_POSITIVE = 0.4, 1.5

WAYS = {
    ("weak", "exam"): (np.array([10.0, 40, 160, 640]), 0.70),
    ("strong", "spread"): (np.array([100.0, 400, 1600, 6400]), 0.60),
    ("strong", "exam_first"): (np.array([22.0, 88, 352, 1408]), 0.65),
}
"""Learner and way to budgets, and the AUC at the smallest; all rise towards .92."""


def _replicates() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    shared = draw.normal(0, 0.02, (200, 1))
    frames = []
    for (learner, way), (labels, start) in WAYS.items():
        curve = 0.92 - (0.92 - start) * (labels / labels[0]) ** -0.5
        chance = shared + draw.normal(0, 0.005, (200, len(labels)))
        auc = np.vstack([curve, np.clip(curve + chance, 0, 1)])
        frames.append(
            CURVE_REPLICATES.frame(
                {
                    "archive": ["a"] * auc.size,
                    "learner": [learner] * auc.size,
                    "mode": ["budgeted"] * auc.size,
                    "acquisition": [way] * auc.size,
                    "finding": ["any"] * auc.size,
                    "budget": [int(m) for m in labels for _ in range(len(auc))],
                    "replicate": list(range(len(auc))) * len(labels),
                    "labels": np.repeat(labels, len(auc)).tolist(),
                    "actions": np.repeat(labels, len(auc)).tolist(),
                    "hours": [None] * auc.size,
                    "auc": auc.T.ravel().tolist(),
                }
            )
        )
    return pl.concat(frames)


@pytest.fixture(scope="session")
def studied() -> StudiedWays:
    fitted = fit_curves(_replicates()).curves
    per_exam = {"exam": 1.0, "spread": 5.0, "exam_first": 1 + 2 * RUNS_PER_POSITIVE * PREVALENCE}
    ways = tuple(
        StudiedWay(
            learner=name.learner,
            acquisition=name.acquisition,
            mode=name.mode,
            labels=curve.labels,
            exams=curve.labels / per_exam[name.acquisition],
            actions=curve.labels,
            curve=curve,
        )
        for name, curve in sorted(fitted.items())
    )
    return StudiedWays("a", "any", PREVALENCE, ways, 0.25, 0.12, seed=0)


@pytest.fixture(scope="session")
def prices() -> LabelPrices:
    return LabelPrices(Price(60.0), Price(6.0), Price(3.0))
