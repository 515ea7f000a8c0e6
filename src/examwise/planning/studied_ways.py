"""What a study knows of each way to label: its learning curve, and the work behind a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr, ndtri

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.randomness import generator
from examwise.core.schemas.budget_curves import CURVE_REPLICATES
from examwise.core.schemas.evaluation import EXAM_METRICS
from examwise.core.schemas.study import BUDGETED, FINE_TUNED, RUNS
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER, Answer
from examwise.evaluation.curve_fits import FittedCurve, fit_curves
from examwise.evaluation.curve_forecast import cost_at, predict

Floats = npt.NDArray[np.float64]

ARCHIVE_SPREAD = 0.25
"""Least standard deviation between archives, of the AUC on the probit scale: what one archive's
curve says of another's level. .85 may then be .75 or .92."""

WAY_SPREAD = 0.12
"""The same of how far one way of labelling is above another."""

_EDGE = 1e-4
_LEARNERS = ("strong", "weak")


@dataclass(frozen=True)
class StudiedWay:
    """One way to label, as a study tried it.

    Attributes:
        learner: Who learned from it.
        acquisition: How labels were drawn.
        mode: What its runs were for.
        labels: Labels of each budget, rising, shape (budgets,).
        exams: Exams opened for them, shape (budgets,).
        actions: Answers entered, shape (budgets,).
        curve: Its learning curve.
    """

    learner: str
    acquisition: str
    mode: str
    labels: Floats
    exams: Floats
    actions: Floats
    curve: FittedCurve

    @property
    def largest(self) -> float:
        """Labels of the largest budget that was tried."""
        return float(self.labels[-1])


@dataclass(frozen=True)
class StudiedWays:
    """What a study knows.

    Attributes:
        archive: Where its labels were bought.
        finding: What was to be found.
        prevalence: Share of positive exams among its test exams.
        ways: Every way to label that has a learning curve.
        archive_spread: Standard deviation between archives, of AUCs on the probit scale.
        way_spread: The same of differences between ways.
        seed: Seed of draws.
    """

    archive: str
    finding: str
    prevalence: float
    ways: tuple[StudiedWay, ...]
    archive_spread: float
    way_spread: float
    seed: int

    def draws(self, way: StudiedWay, labels: Sequence[float], *, is_local: bool) -> Floats:
        """Return draws of the expected AUC, shape (draws, labels), NaN rows left out.

        Draw r of every way comes from the same replicate of the study, and for another archive
        from the same shift of its level.

        Args:
            way: One of :attr:`ways`.
            labels: Numbers of labels, above 0.
            is_local: Whether the study is of the archive that is planned for.
        """
        drawn = predict(way.curve, labels)
        if not is_local:
            n_draws = len(drawn)
            level = generator(self.seed, "plan", "archive").standard_normal(n_draws)
            own = generator(self.seed, "plan", way.learner, way.acquisition).standard_normal(
                n_draws
            )
            shift = self.archive_spread * level + self.way_spread * own
            inside = np.clip(drawn, _EDGE, 1 - _EDGE)
            drawn = ndtr(ndtri(inside) + shift[:, None])
        return drawn


def read_study_ways(url: str) -> StudiedWays:
    """Read what a finished and evaluated study knows.

    Where encoders were trained on at two budgets or more, that curve counts for its way, and else
    the one of frozen features.

    Args:
        url: The study's directory.

    Raises:
        InputError: If it is not finished, or has no learning curve.
    """
    storage = Storage(url)
    read_manifest(url, kind="study")
    manifest = read_manifest(storage.child("evaluation").url, kind="evaluation")
    evaluation = storage.child("evaluation")
    answer = Answer.from_json(
        manifest.read_output(evaluation, ANSWER), where=f"{evaluation.url}/{ANSWER}"
    )
    runs = RUNS.read(storage)
    replicates = CURVE_REPLICATES.read(evaluation)
    archive = answer.internal.archive
    inside = replicates.filter(archive=archive, finding=answer.finding)
    seed = manifest.seed or 0
    fitted = fit_curves(inside, seed=seed).curves
    ways = [
        way
        for name, curve in fitted.items()
        if name.learner in _LEARNERS and (way := _way(runs, curve)) is not None
    ]
    chosen: dict[tuple[str, str], StudiedWay] = {}
    for way in sorted(ways, key=lambda one: one.mode == FINE_TUNED):
        chosen[way.learner, way.acquisition] = way
    if not chosen:
        raise InputError(
            where=url,
            expected="a study with a learning curve: two budgets or more of a learner",
            got="none",
            remedy="run it with more budgets",
        )
    metrics = EXAM_METRICS.read(evaluation).filter(archive=archive, finding=answer.finding)
    counts = metrics.select("n_positive", "n_exams").row(0)
    between = _spreads(replicates.filter(finding=answer.finding))
    return StudiedWays(
        archive=archive,
        finding=answer.finding,
        prevalence=counts[0] / counts[1],
        ways=tuple(chosen[key] for key in sorted(chosen)),
        archive_spread=max(ARCHIVE_SPREAD, between["level"]),
        way_spread=max(WAY_SPREAD, between["way"]),
        seed=seed,
    )


def _way(runs: pl.DataFrame, curve: FittedCurve) -> StudiedWay | None:
    name = curve.name
    if name.mode not in (BUDGETED, FINE_TUNED):
        return None
    own = runs.filter(learner=name.learner, mode=name.mode, acquisition=name.acquisition)
    amounts = (
        own.with_columns(
            (pl.col("n_training_labels") + pl.col("n_validation_labels")).alias("labels")
        )
        .group_by("budget")
        .agg(pl.col("labels", "n_exams_opened", "reader_actions").mean())
        .sort("budget")
    )
    return StudiedWay(
        learner=name.learner,
        acquisition=name.acquisition,
        mode=name.mode,
        labels=amounts["labels"].to_numpy(),
        exams=amounts["n_exams_opened"].to_numpy(),
        actions=amounts["reader_actions"].to_numpy(),
        curve=curve,
    )


def _spreads(replicates: pl.DataFrame) -> Mapping[str, float]:
    """Return how archives differ at every arm's largest budget, on the probit scale."""
    arm = ["learner", "mode", "acquisition"]
    last = (
        replicates.filter(pl.col("learner").is_in(_LEARNERS), replicate=0)
        .drop_nulls("auc")
        .filter(pl.col("budget") == pl.col("budget").max().over(arm))
    )
    if last["archive"].n_unique() < 2:
        return {"level": 0.0, "way": 0.0}
    probit = pl.Series("probit", ndtri(np.clip(last["auc"].to_numpy(), _EDGE, 1 - _EDGE)))
    table = last.with_columns(probit).with_columns(
        pl.col("probit").mean().over("archive").alias("level")
    )
    levels = table.group_by("archive").agg(pl.col("level").first())["level"].to_numpy()
    apart = table.with_columns((pl.col("probit") - pl.col("level")).alias("apart"))
    ways = apart.group_by(arm).agg(pl.col("apart").std(), pl.len())
    of_ways = ways.filter(pl.col("len") > 1)["apart"].drop_nulls().to_numpy()
    return {
        "level": float(np.std(levels, ddof=1)),
        "way": float(np.sqrt(np.mean(of_ways**2))) if len(of_ways) else 0.0,
    }


def exams_for(way: StudiedWay, labels: Floats) -> Floats:
    """Return how many exams numbers of labels open, as they did in the study."""
    return cost_at(way.labels, way.exams, labels)


def actions_for(way: StudiedWay, labels: Floats) -> Floats:
    """Return how many answers numbers of labels take, as they did in the study."""
    return cost_at(way.labels, way.actions, labels)
