"""Whether ratios of labels cover the truth, and claims keep their level, in simulated studies.

Run: python benchmarks/ratio_coverage.py [--studies N] [--claims N] [--workers N] [--only NAME…].
A study has two learners whose expected AUC at every budget is known. Every run adds the luck of
its labels, a mean over the exams that it drew from the pool (so that nested budgets, and repeats
that share exams, are as alike as what they share), and luck of training; its scores of the test
exams, normal in either class, share a part with those of all other runs. ``--studies`` is the
number over all scenarios. Prints for each, in percent with standard errors: how often the 95%
interval holds the true ratio, of all intervals and of those closed on both sides; how often it
holds that of the true curves at the budgets alone (what the interpolation aims at); how often the
truth is below a lower limit or above an upper one (2.5% is aimed at); how often there is no
interval, or one open to a side; how often the curves' intervals hold the true AUC. Then, for
claims in fixed order at the edge of their null, how often a false one is made (2.5% at most), and
how often the replicates' quantile in place of their standard error would have rejected.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import joblib
import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import optimize, special

from examwise.core.analysis_protocol import RatioClaim
from examwise.core.randomness import generator
from examwise.core.schemas.study import BUDGETED
from examwise.evaluation.budget_curve import budget_curve
from examwise.evaluation.budget_replicates import BudgetReplicates, CurveKey, learner_curve
from examwise.evaluation.label_ratio import label_ratios, ratio_ranges
from examwise.evaluation.needed_amount import monotone_curve, needed_amounts
from examwise.evaluation.ratio_claims import ratio_claims
from examwise.evaluation.repeat_draws import RepeatDraws
from examwise.evaluation.test_set import TestSet
from examwise.metrics.patient_bootstrap import patient_counts

Floats = npt.NDArray[np.float64]
Curve = Callable[[float], float]

SLICES = 30
"""Slice labels of an exam: what the strong learner's budgets are multiples of."""

ARMS = {"strong": ("whole_exam", "slice", SLICES), "weak": ("exam", "exam", 1)}


def power(top: float, drop: float, rate: float) -> Curve:
    """Return a power law with an asymptote."""
    return lambda labels: top - drop * labels**-rate


def exponential(top: float, drop: float, scale: float) -> Curve:
    """Return a curve that nears its asymptote exponentially in a power of the labels."""
    return lambda labels: top - drop * math.exp(-((labels / scale) ** 0.6))


def sigmoid(low: float, top: float, middle: float, steepness: float) -> Curve:
    """Return a curve that rises late: a logistic one in the logarithm."""
    return lambda labels: (
        low + (top - low) * float(special.expit(steepness * math.log(labels / middle)))
    )


def two_steps(first: Curve, second: Curve) -> Curve:
    """Return the mean of two curves, one early and one late: flat in between."""
    return lambda labels: (first(labels) + second(labels)) / 2


@dataclass(frozen=True)
class Scenario:
    """What studies are drawn from.

    Attributes:
        strong: Expected AUC by slice labels.
        weak: Expected AUC by exam labels.
        target: AUC to reach.
        exams: Exams that the budgets buy, of both arms.
        n_repeats: Repeats of every budget.
        n_tests: Test exams.
        pool: Exams to draw from.
        blocks: Whether repeats start at far places of one circle, or draw at random.
        luck: Standard deviation of a run's AUC that one exam's labels would have.
        training: The same of training alone.
        shared: Share of a score's variance that is the exam's, alike in all runs.
    """

    strong: Curve
    weak: Curve
    target: float
    exams: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512, 1024)
    n_repeats: int = 10
    n_tests: int = 500
    pool: int = 20_000
    blocks: bool = True
    luck: float = 0.2
    training: float = 0.008
    shared: float = 0.85


_POWER = power(0.93, 0.55, 0.45)


def _later(curve: Curve) -> Curve:
    """Return the curve of a learner that needs 25 times as many labels."""
    return lambda labels: curve(labels / 25)


_BASE = Scenario(_later(_POWER), _POWER, 0.82)
SCENARIOS = {
    "power law, ratio 25": _BASE,
    "three repeats": replace(_BASE, n_repeats=3),
    "five repeats": replace(_BASE, n_repeats=5),
    "few test exams (100)": replace(_BASE, n_tests=100),
    "many test exams (800)": replace(_BASE, n_tests=800),
    "runs unlike": replace(_BASE, shared=0.4),
    "overlap to 0.4": replace(_BASE, pool=2560, blocks=False),
    "circle, overlap to 0.4": replace(_BASE, pool=2560),
    "exponential": replace(
        _BASE,
        strong=_later(exponential(0.92, 0.4, 90)),
        weak=exponential(0.92, 0.4, 60),
        target=0.82,
    ),
    "late rise": replace(
        _BASE, strong=sigmoid(0.55, 0.94, 1200, 1.2), weak=sigmoid(0.6, 0.92, 60, 1.5), target=0.8
    ),
    "two steps": replace(
        _BASE,
        strong=two_steps(sigmoid(0.5, 0.9, 400, 3), sigmoid(0.5, 0.95, 4000, 3)),
        weak=_POWER,
        target=0.78,
    ),
    "crossing below target": replace(
        _BASE, strong=power(0.97, 0.9, 0.25), weak=power(0.86, 0.6, 0.6), target=0.82
    ),
    "strong never there": replace(_BASE, strong=power(0.8, 0.6, 0.35), target=0.84),
    "weak never there": replace(_BASE, weak=power(0.8, 0.6, 0.6), target=0.84),
    "strong just there": replace(_BASE, strong=_later(power(0.895, 0.55, 0.42)), target=0.865),
    "neither there": replace(
        _BASE, strong=power(0.8, 0.6, 0.35), weak=power(0.8, 0.6, 0.6), target=0.88
    ),
}


def true_amount(curve: Curve, target: float) -> float:
    """Return where a curve reaches a target; infinite where it never does."""
    low, high = 1e-3, 1e12
    if curve(high) < target:
        return math.inf
    found = optimize.brentq(lambda log: curve(math.exp(log)) - target, *np.log([low, high]))
    return math.exp(float(found))


def drawn_exams(scenario: Scenario, draw: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return each repeat's order of buying, shape (repeats, largest budget)."""
    n, most = scenario.pool, scenario.exams[-1]
    if not scenario.blocks:
        return np.stack([draw.permutation(n)[:most] for _ in range(scenario.n_repeats)])
    order = draw.permutation(n)
    starts = [int(n * _van_der_corput(repeat)) for repeat in range(scenario.n_repeats)]
    return np.stack([np.roll(order, -start)[:most] for start in starts])


def _van_der_corput(number: int) -> float:
    value, width = 0.0, 0.5
    while number:
        value += width * (number & 1)
        number, width = number >> 1, width / 2
    return value


def simulate(name: str, scenario: Scenario, *, seed: int, n_replicates: int) -> BudgetReplicates:
    """Return a study's replicates as the evaluation would have them.

    Args:
        name: The scenario's name: each has draws of its own.
        scenario: What it is drawn from.
        seed: Of the study.
        n_replicates: Bootstrap replicates.
    """
    draw = generator(seed, "simulated_study", name)
    bought = drawn_exams(scenario, draw)
    sizes = np.array(scenario.exams)
    held = np.zeros((len(bought), scenario.pool))
    overlaps = {}
    for size in sizes.tolist():
        held[:] = 0
        np.put_along_axis(held, bought[:, :size], 1.0, axis=1)
        total = np.square(held.sum(axis=0)).sum() / size
        n = len(bought)
        overlaps[size] = (total - n) / (n * (n - 1))
    labels = (np.arange(scenario.n_tests) < 0.4 * scenario.n_tests).astype(np.int8)
    of_exams = draw.normal(size=scenario.n_tests)
    patients = np.vstack(
        [
            np.ones((1, scenario.n_tests), dtype=np.int64),
            patient_counts(scenario.n_tests, n_replicates=n_replicates, generator=draw),
        ]
    )
    draws = RepeatDraws(range(scenario.n_repeats), n_replicates=n_replicates, seed=seed)
    both = draw.normal(size=scenario.pool)
    curves, frames, aucs = {}, [], []
    for learner, (way, kind, each) in ARMS.items():
        of_pool = math.sqrt(0.5) * (both + draw.normal(size=scenario.pool))
        chosen = np.cumsum(of_pool[bought], axis=1)[:, sizes - 1] / sizes
        luck = scenario.luck * chosen + scenario.training * draw.normal(size=chosen.shape)
        truth = [getattr(scenario, learner)(float(size * each)) for size in sizes]
        expected = np.clip(np.array(truth) + luck, 0.02, 0.995)
        distance = math.sqrt(2) * special.ndtri(expected).ravel()
        noise = draw.normal(size=(distance.size, scenario.n_tests))
        scores = math.sqrt(scenario.shared) * of_exams + math.sqrt(1 - scenario.shared) * noise
        own = weighted_aucs(labels, scores + distance[:, None] * labels, patients)
        repeat, place = np.divmod(np.arange(distance.size), len(sizes))
        runs = pl.DataFrame(
            {
                "learner": [learner] * distance.size,
                "label_kind": [kind] * distance.size,
                "budget": sizes[place] * each,
                "repeat": repeat,
                "n_training_labels": sizes[place] * each,
                "n_validation_labels": np.zeros(distance.size, dtype=np.int64),
                "n_exams_opened": sizes[place],
                "reader_actions": sizes[place],
            }
        )
        key = CurveKey(learner, BUDGETED, way)
        curves[key] = learner_curve(
            key,
            runs,
            own,
            draws,
            units=["labels", "actions"],
            overlaps={size * each: found for size, found in overlaps.items()},
        )
        frames.append(runs)
        aucs.append(own)
    test_set = TestSet("simulated", labels, np.arange(scenario.n_tests), {})
    return BudgetReplicates("any", curves, test_set, pl.concat(frames), np.vstack(aucs), draws)


def weighted_aucs(
    labels: npt.NDArray[np.int8], scores: Floats, weights: npt.NDArray[np.int64]
) -> Floats:
    """Return AUCs of scores without ties in reweighted samples, all pairs at once.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Shape (runs, n).
        weights: Shape (samples, n).

    Returns:
        Shape (runs, samples); NaN where a class has no weight.
    """
    positive = labels == 1
    of_positives = weights[:, positive].astype(np.float32)
    of_negatives = weights[:, ~positive].astype(np.float32)
    pairs = of_positives.sum(axis=1) * of_negatives.sum(axis=1)
    result = np.empty((len(scores), len(weights)))
    for row, values in enumerate(scores):
        wins = (values[positive][:, None] > values[~positive][None, :]).astype(np.float32)
        result[row] = np.einsum("sn,sn->s", of_positives @ wins, of_negatives)
    with np.errstate(invalid="ignore"):
        return np.asarray(result / pairs)


def judge_ratio(name: str, seeds: range, n_replicates: int) -> Counter[str]:
    """Count how studies of a scenario come out.

    Args:
        name: The scenario.
        seeds: Of the studies.
        n_replicates: Bootstrap replicates.
    """
    scenario = SCENARIOS[name]
    needed = {arm: true_amount(getattr(scenario, arm), scenario.target) for arm in ARMS}
    between = ratio_between_budgets(scenario)
    truth = math.nan if all(map(math.isinf, needed.values())) else needed["strong"] / needed["weak"]
    counts: Counter[str] = Counter()
    for seed in seeds:
        replicates = simulate(name, scenario, seed=seed, n_replicates=n_replicates)
        row = label_ratios(replicates, target_auc=scenario.target).row(0, named=True)
        counts["studies"] += 1
        counts[row["interval"]] += 1
        if row["interval"] != "not_estimable":
            low = 0.0 if row["ratio_lower"] is None else row["ratio_lower"]
            high = math.inf if row["ratio_upper"] is None else row["ratio_upper"]
            covered = low <= truth <= high
            counts["intervals"] += 1
            counts["covered"] += covered
            counts["closed_covered"] += covered and row["interval"] == "closed"
            counts["lower"] += low > 0
            counts["below"] += truth < low
            counts["upper"] += math.isfinite(high)
            counts["above"] += truth > high
            counts["covered_between"] += low <= between[1] and between[0] <= high
        for point in budget_curve(replicates).to_dicts():
            expected = getattr(scenario, point["learner"])(float(point["budget"]))
            if point["auc_lower"] is not None:
                counts["points"] += 1
                counts["points_covered"] += point["auc_lower"] <= expected <= point["auc_upper"]
    return counts


def ratio_between_budgets(scenario: Scenario) -> tuple[float, float]:
    """Return the range of the ratio that studies without any chance would find."""
    found = []
    for arm, (_, _, each) in ARMS.items():
        amounts = np.array([[float(size * each) for size in scenario.exams]])
        curve = np.array([[getattr(scenario, arm)(amount) for amount in amounts[0]]])
        found.append(needed_amounts(monotone_curve(curve), amounts, scenario.target))
    low, high = ratio_ranges(*found)[0].tolist()
    return low, high


MARGIN = 0.04
CLAIM_BUDGETS = (10, 20, 40, 80, 160, 320, 640)
CLAIMED_AT = 160
_FLAT = power(0.9, 0.9, 0.5)


def _edge(ratio: float) -> Curve:
    """Return a weak curve that is worse by just the margin than so many times as many slices."""
    level = _FLAT(ratio * CLAIMED_AT) - MARGIN
    return lambda labels: level + 0.03 * math.log(labels / CLAIMED_AT)


_CLAIM = Scenario(_FLAT, _edge(10), 0.8, exams=CLAIM_BUDGETS, luck=0.15, n_tests=500, pool=20_000)
CLAIMS = {
    "edge at 2": (replace(_CLAIM, weak=_edge(2)), 2.0),
    "edge at 10": (_CLAIM, 10.0),
    "edge at 35": (replace(_CLAIM, weak=_edge(35)), 35.0),
    "edge at 2, three repeats": (replace(_CLAIM, weak=_edge(2), n_repeats=3), 2.0),
    "edge at 2, 60 test exams": (replace(_CLAIM, weak=_edge(2), n_tests=60), 2.0),
    "edge at 2, overlap": (replace(_CLAIM, weak=_edge(2), pool=1600, blocks=False), 2.0),
    "as good": (replace(_CLAIM, weak=power(0.9, 0.0, 1.0)), math.inf),
}


def judge_claim(name: str, seeds: range, n_replicates: int) -> Counter[str]:
    """Count what is claimed in studies of a scenario.

    Args:
        name: The scenario.
        seeds: Of the studies.
        n_replicates: Bootstrap replicates.
    """
    scenario, edge = CLAIMS[name]
    counts: Counter[str] = Counter()
    for seed in seeds:
        replicates = simulate(name, scenario, seed=seed, n_replicates=n_replicates)
        claims = ratio_claims(replicates, RatioClaim(MARGIN, (2, 5, 10, 20, 35), CLAIMED_AT))
        at_edge = claims.filter(pl.col("ratio") == edge)
        counts["studies"] += 1
        counts["false"] += claims.filter("is_shown", pl.col("ratio") >= edge).height > 0
        counts["any"] += bool(claims["is_shown"].any())
        counts["flat"] += not (claims["reason"] == "no_plateau").any()
        counts["rejected"] += at_edge.filter(pl.col("p") <= 0.025).height
        counts["percentile"] += _percentile_rejects(replicates, edge)
    return counts


def _percentile_rejects(replicates: BudgetReplicates, ratio: float) -> bool:
    """Tell whether the replicates' 2.5% quantile would have rejected."""
    if math.isinf(ratio):
        return False
    strong = replicates.curves[CurveKey("strong", BUDGETED, "whole_exam")]
    weak = replicates.curves[CurveKey("weak", BUDGETED, "exam")]
    fitted = monotone_curve(strong.auc_replicates)
    logs, wanted = np.log(strong.mean_costs["labels"]), math.log(ratio * CLAIMED_AT)
    there = np.array([np.interp(wanted, logs, row) for row in fitted])
    place = weak.budgets.tolist().index(CLAIMED_AT)
    gaps = weak.auc_replicates[:, place] - there
    return bool(np.quantile(gaps, 0.025) > -MARGIN)


def _counted(
    judge: Callable[[str, range, int], Counter[str]],
    names: list[str],
    n: int,
    n_replicates: int,
    parallel: joblib.Parallel,
) -> dict[str, Counter[str]]:
    step = 25
    tasks = [
        (name, range(start, min(start + step, n))) for name in names for start in range(0, n, step)
    ]
    found = parallel(joblib.delayed(judge)(name, seeds, n_replicates) for name, seeds in tasks)
    totals: dict[str, Counter[str]] = {name: Counter() for name in names}
    for (name, _), counts in zip(tasks, found, strict=True):
        totals[name] += counts
    return totals


def _percent(part: int, whole: int) -> str:
    if not whole:
        return f"{'-':>14}"
    share = part / whole
    return f"{100 * share:>8.1f} ±{100 * math.sqrt(share * (1 - share) / whole):>4.1f}"


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=5000)
    parser.add_argument("--claims", type=int, default=2000)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=None)
    options = parser.parse_args()
    parallel = joblib.Parallel(options.workers)
    wanted = [name for name in SCENARIOS if options.only is None or name in options.only]
    head = ("covers", "closed cover", "cover budgets", "below lower", "above upper")
    head = (*head, "no interval", "open", "curve points")
    sys.stdout.write(
        f"{'scenario':<28}{'studies':>8}" + "".join(f"{name:>15}" for name in head) + "\n"
    )
    everything: Counter[str] = Counter()
    for name in wanted:
        n = max(1, options.studies // len(wanted))
        counts = _counted(judge_ratio, [name], n, options.replicates, parallel)[name]
        everything += counts
        _say_ratio(name, counts)
    _say_ratio("all", everything)
    wanted = [name for name in CLAIMS if options.only is None or name in options.only]
    head = ("false claims", "edge rejected", "by percentile", "any claim", "flat")
    sys.stdout.write(
        f"{'claims':<28}{'studies':>8}" + "".join(f"{name:>15}" for name in head) + "\n"
    )
    for name in wanted if options.claims else ():
        n = max(1, options.claims // len(wanted))
        counts = _counted(judge_claim, [name], n, options.replicates, parallel)[name]
        shown = ("false", "rejected", "percentile", "any", "flat")
        studies = counts["studies"]
        parts = "".join(f" {_percent(counts[key], studies)}" for key in shown)
        sys.stdout.write(f"{name:<28}{studies:>8}{parts}\n")
        sys.stdout.flush()


def _say_ratio(name: str, counts: Counter[str]) -> None:
    studies, intervals = counts["studies"], counts["intervals"]
    parts = [
        _percent(counts["covered"], intervals),
        _percent(counts["closed_covered"], counts["closed"]),
        _percent(counts["covered_between"], intervals),
        _percent(counts["below"], counts["lower"]),
        _percent(counts["above"], counts["upper"]),
        _percent(counts["not_estimable"], studies),
        _percent(counts["open_above"] + counts["open_below"], studies),
        _percent(counts["points_covered"], counts["points"]),
    ]
    sys.stdout.write(f"{name:<28}{studies:>8}" + "".join(f" {part}" for part in parts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
