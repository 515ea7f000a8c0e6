"""Whether forecasts of learning curves hold the truth, by simulation.

Run: python benchmarks/curve_families.py [--studies N] [--replicates N] [--budgets N…]
[--workers N].
Studies are made up: a true curve of AUC over labels, from the families that are fitted and from
others; budgets in geometric order; repeats, whose chance shrinks with labels; test patients, whose
chance is shared by all budgets. Each study's replicates are drawn about its values with the same
chance. Prints for each truth how often, in percent, the 95% interval holds it between the budgets
and at 2, 4 and 10 times the largest, with mean widths; then the mean absolute error of the average
of families, of the curve that stays at its last value, and of each family by itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import joblib
import numpy as np
from scipy import special

from examwise.core.randomness import generator
from examwise.metrics.learning_curves.comparison import compare_families
from examwise.metrics.learning_curves.families import FAMILIES, LAST_VALUE
from examwise.metrics.learning_curves.fitting import fit_family
from examwise.metrics.learning_curves.forecasting import forecast_draws

TIMES = (2.0, 4.0, 10.0)
BETWEEN = "between"
COLUMNS = (BETWEEN, *(f"{times:g}x" for times in TIMES))


@dataclass(frozen=True)
class Course:
    """What a true curve is made of: where it begins, where it ends, how far it has come.

    Attributes:
        start: AUC at the smallest budget.
        end: AUC with labels without end.
        left: Share of the rise that is left at the largest budget.
        bend: A second number of the form, between 0 and 1.
        range: Largest budget in units of the smallest.
    """

    start: float
    end: float
    left: float
    bend: float
    range: float


Truth = Callable[[Course, np.ndarray], np.ndarray]


def falling(course: Course, decay: np.ndarray) -> np.ndarray:
    """Return the curve of a decay that is 1 at the smallest budget."""
    return course.end - (course.end - course.start) * decay


def power(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise by a power law."""
    return falling(course, m ** (np.log(course.left) / np.log(course.range)))


def shifted_power(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise by a power law that begins late."""
    late = 10.0**course.bend
    rate = np.log(course.left) / np.log((course.range + late) / (1 + late))
    return falling(course, ((m + late) / (1 + late)) ** rate)


def exponential(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise by an exponential."""
    return falling(course, np.exp(np.log(course.left) * (m - 1) / (course.range - 1)))


def weibull(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise by a stretched exponential."""
    bend = 0.2 + 0.7 * course.bend
    share = (m**bend - 1) / (course.range**bend - 1)
    return falling(course, np.exp(np.log(course.left) * share))


def log_logistic(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise by a logistic in the logarithm of labels."""
    steep = 0.5 + 1.5 * course.bend
    # The middle at which the largest budget leaves what it should.
    size = course.range * (course.left / (1 - course.left)) ** (1 / steep)
    return course.end - (course.end - course.start) / (1 + (m / size) ** steep)


def inverse_logarithm(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise as the inverse of a logarithm."""
    late = 2.0 + 8.0 * course.bend
    return falling(course, np.log(late) / np.log(late * m))


def probit_power(course: Course, m: np.ndarray) -> np.ndarray:
    """Let the distance of two normal classes rise by a power law."""
    start, end = special.ndtri(course.start), special.ndtri(course.end)
    return special.ndtr(end - (end - start) * m ** (np.log(course.left) / np.log(course.range)))


def to_a_ceiling(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise with the logarithm to a ceiling, which lies from half to 20 times the largest budget."""
    ceiling = np.log(course.range) + np.log(0.5) + course.bend * np.log(40.0)
    return falling(course, np.maximum(1 - np.log(m) / ceiling, 0.0))


def falls_again(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise by a power law, and lose 0.005 with each doubling after the largest budget."""
    return power(course, np.minimum(m, course.range)) - 0.005 * np.log2(
        np.maximum(m / course.range, 1.0)
    )


def rises_again(course: Course, m: np.ndarray) -> np.ndarray:
    """Rise to a plateau, then by 0.04 more about four times the largest budget."""
    second = 0.04 / (1 + (4 * course.range / m) ** 3)
    return np.minimum(exponential(course, m) - 0.02 + second, 1.0)


TRUTHS: dict[str, Truth] = {
    "power": power,
    "shifted_power": shifted_power,
    "exponential": exponential,
    "weibull": weibull,
    "log_logistic": log_logistic,
    "inverse_logarithm": inverse_logarithm,
    "probit_power": probit_power,
    "to_a_ceiling": to_a_ceiling,
    "falls_again": falls_again,
    "rises_again": rises_again,
}


@dataclass(frozen=True)
class Scored:
    """One study's forecasts at the amounts of ``COLUMNS``."""

    holds: np.ndarray
    width: np.ndarray
    errors: dict[str, np.ndarray]


def score_study(truth: str, study: int, *, n_budgets: int, n_replicates: int, seed: int) -> Scored:
    """Draw a study, forecast it and compare it with its truth."""
    draw = generator(seed, "study", truth, n_budgets, study)
    course = Course(
        start=draw.uniform(0.52, 0.72),
        end=draw.uniform(0.78, 0.99),
        left=draw.uniform(0.03, 0.5),
        bend=draw.uniform(),
        range=float(np.exp(draw.uniform(np.log(30), np.log(1500)))),
    )
    m = np.geomspace(1.0, course.range, n_budgets)
    amounts = np.array([np.sqrt(m[-1] * m[-2]), *(times * m[-1] for times in TIMES)])
    curve = partial(TRUTHS[truth], course)
    level = draw.uniform(0.005, 0.03)
    of_repeats = draw.uniform(0.005, 0.03) * m**-0.25
    first = draw.uniform(4.0, 50.0)

    def chance(n: int) -> np.ndarray:
        # Patients move all budgets together, and small ones against large ones a little.
        tilt = draw.normal(0, 0.25 * level, (n, 1)) * np.linspace(1, -1, n_budgets)
        repeats = of_repeats * draw.normal(size=(n, n_budgets))
        return draw.normal(0, level, (n, 1)) + tilt + repeats

    values = np.clip(curve(m) + chance(1)[0], 0, 1)
    replicates = np.clip(values + chance(n_replicates), 0, 1)
    scores = compare_families(first * m, values, replicates)
    draws = forecast_draws(first * m, replicates, scores, first * amounts, generator=draw)
    lower, upper = np.percentile(draws, (2.5, 97.5), axis=0)
    true = curve(amounts)
    errors = {"average": np.abs(draws.mean(axis=0) - true)}
    errors[LAST_VALUE] = np.abs(values[-1] - true)
    for family in FAMILIES:
        fit = fit_family(family, first * m, values, 1 / scores.form_variance)
        errors[family.name] = np.abs(fit.at(first * amounts)[0] - true)
    return Scored((lower <= true) & (true <= upper), upper - lower, errors)


def write(*cells: str) -> None:
    """Write one row of a table."""
    sys.stdout.write(f"{cells[0]:<20}" + "".join(f"{cell:>16}" for cell in cells[1:]) + "\n")


def main() -> None:
    """Score all truths and print what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--studies", type=int, default=500, help="for each truth")
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--budgets", type=int, nargs="+", default=[4, 6])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for n_budgets in options.budgets:
        score = partial(
            score_study,
            n_budgets=n_budgets,
            n_replicates=options.replicates,
            seed=options.seed,
        )
        scored = joblib.Parallel(n_jobs=options.workers)(
            joblib.delayed(score)(truth, study)
            for truth in TRUTHS
            for study in range(options.studies)
        )
        write(f"{n_budgets} budgets", *COLUMNS)
        rows = {
            truth: scored[place * options.studies : (place + 1) * options.studies]
            for place, truth in enumerate(TRUTHS)
        }
        for truth, own in {**rows, "all": scored}.items():
            holds = np.mean([one.holds for one in own], axis=0)
            width = np.mean([one.width for one in own], axis=0)
            pairs = zip(holds, width, strict=True)
            write(truth, *(f"{100 * held:.1f} ({wide:.3f})" for held, wide in pairs))
        write("absolute error", *COLUMNS)
        for name in scored[0].errors:
            error = np.mean([np.broadcast_to(one.errors[name], 4) for one in scored], axis=0)
            write(name, *(f"{value:.4f}" for value in error))
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
