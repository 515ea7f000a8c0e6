"""Whether tests and intervals of AUCs keep their level, by simulation.

Run: python benchmarks/auc_tests.py [--sets N] [--bootstrap-sets N] [--curve-sets N]
[--band-sets N] [--auc A] [--patients N…] [--workers N]. Two learners score the same exams: their
scores are normal in either class, and correlated with each other; where patients have one to four
exams, these resemble each other in label and score. Prints shares in percent: how often the 95%
intervals hold the true AUC, and how often the tests reject though their null is true.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial

import joblib
import numpy as np
from scipy import special

from examwise.core.randomness import generator
from examwise.metrics.auc_variance import auc_difference, auc_estimates, auc_interval
from examwise.metrics.curve_bands import GRID, roc_band
from examwise.metrics.equal_curves import equal_curves_p
from examwise.metrics.non_inferiority import non_inferiority
from examwise.metrics.patient_bootstrap import bootstrap_auc, patient_counts, percentile_interval

MARGIN = 0.05
CORRELATION = 0.5
OF_PATIENT = 0.4
PREVALENCE = 0.4
REPLICATES = 1000
PERMUTATIONS = 199


@dataclass(frozen=True)
class Setting:
    """What sets are drawn from."""

    n_patients: int
    clustered: bool
    auc: float


@dataclass(frozen=True)
class Exams:
    """A set: labels, three learners' scores, patients. The third is worse by the margin."""

    labels: np.ndarray
    scores: np.ndarray
    patients: np.ndarray


def shift(auc: float) -> float:
    """Return the distance of two unit normals with this AUC."""
    return math.sqrt(2) * float(special.ndtri(auc))


def draw_set(setting: Setting, stream: np.random.Generator) -> Exams:
    """Draw a set of exams."""
    n = setting.n_patients
    n_exams = stream.integers(1, 5, n) if setting.clustered else np.ones(n, int)
    patients = np.repeat(np.arange(n), n_exams)
    chance = stream.beta(2 * PREVALENCE, 2 * (1 - PREVALENCE), n)
    labels = (stream.random(len(patients)) < chance[patients]).astype(int)

    def noise(size: int) -> np.ndarray:
        common = stream.normal(size=size)
        own = stream.normal(size=(2, size))
        return math.sqrt(CORRELATION) * common + math.sqrt(1 - CORRELATION) * own

    within, between = noise(len(patients)), noise(n)
    spread = math.sqrt(1 - OF_PATIENT) * within + math.sqrt(OF_PATIENT) * between[:, patients]
    good = spread + shift(setting.auc) * labels
    worse = spread[1] + shift(setting.auc - MARGIN) * labels
    return Exams(labels, np.vstack([good, worse]), patients)


def judge(
    setting: Setting, numbers: range, n_bootstrap: int, n_curves: int, n_bands: int
) -> Counter[str]:
    """Count what became of some sets, each a function of its number."""
    counts: Counter[str] = Counter()
    for number in numbers:
        kind = "clustered" if setting.clustered else "one_each"
        stream = generator(0, "auc_tests", kind, setting.n_patients, str(setting.auc), number)
        exams = draw_set(setting, stream)
        found = auc_estimates(exams.labels, exams.scores, exams.patients)
        if found is None:
            counts["one_class"] += 1
            continue
        lower, upper = auc_interval(found)
        counts["interval_n"] += 1
        counts["interval"] += lower is not None and lower <= setting.auc <= upper
        p = auc_difference(found, 0, 1).p
        counts["areas_n"] += 1
        counts["areas"] += p is not None and p <= 0.05
        verdict = non_inferiority(found, new=2, reference=0, margin=MARGIN)
        counts["inferior_n"] += 1
        counts["inferior"] += verdict.is_shown
        draw = partial(patient_counts, n_replicates=REPLICATES, generator=stream)
        if number < n_bootstrap:
            values = bootstrap_auc(exams.labels, exams.scores[0], exams.patients, draw=draw)
            limits = percentile_interval(values)
            counts["bootstrap_n"] += 1
            counts["bootstrap"] += (
                limits.lower is not None and limits.lower <= setting.auc <= limits.upper
            )
        if number < n_curves:
            p = equal_curves_p(
                exams.labels,
                exams.scores[0],
                exams.scores[1],
                exams.patients,
                n_permutations=PERMUTATIONS,
                generator=stream,
            )
            counts["curves_n"] += 1
            counts["curves"] += p <= 0.05
        if number < n_bands:
            band = roc_band(exams.labels, exams.scores[0], exams.patients, draw=draw)
            truth = true_curve(setting.auc)
            inner = slice(5, 96)
            if band is not None:
                counts["band_n"] += 1
                below = band.band_lower[inner] <= truth[inner] + 1e-9
                counts["band"] += bool(
                    (below & (truth[inner] <= band.band_upper[inner] + 1e-9)).all()
                )
                counts["at_20_n"] += 1
                counts["at_20"] += bool(band.lower[20] <= truth[20] <= band.upper[20])
    return counts


def true_curve(auc: float) -> np.ndarray:
    """Return the sensitivity behind the scores at the grid of 1 - specificity."""
    return np.asarray(special.ndtr(shift(auc) + special.ndtri(GRID)))


def main() -> None:
    """Simulate every setting and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=10_000)
    parser.add_argument("--bootstrap-sets", type=int, default=2_000)
    parser.add_argument("--curve-sets", type=int, default=2_000)
    parser.add_argument("--band-sets", type=int, default=200)
    parser.add_argument("--auc", type=float, default=0.85)
    parser.add_argument("--patients", type=int, nargs="+", default=[50, 100, 200, 500, 1000])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    columns = {
        "interval": "variance",
        "bootstrap": "bootstrap",
        "areas": "areas 5%",
        "curves": "curves 5%",
        "inferior": "inferior 2.5%",
        "band": "band",
        "at_20": "at 0.2",
    }
    sys.stdout.write(f"AUC {options.auc}; share in percent, and its standard error\n")
    sys.stdout.write(f"{'patients':>10}{'exams each':>12}")
    sys.stdout.write("".join(f"{name:>16}" for name in columns.values()) + "\n")
    for clustered in (False, True):
        for n_patients in options.patients:
            setting = Setting(n_patients, clustered, options.auc)
            pieces = joblib.Parallel(options.workers)(
                joblib.delayed(judge)(
                    setting,
                    range(start, min(start + 100, options.sets)),
                    options.bootstrap_sets,
                    options.curve_sets,
                    options.band_sets,
                )
                for start in range(0, options.sets, 100)
            )
            counts: Counter[str] = sum(pieces, Counter())
            sys.stdout.write(f"{n_patients:>10}{'1-4' if clustered else '1':>12}")
            for name in columns:
                n = counts[f"{name}_n"]
                share = counts[name] / n if n else math.nan
                error = math.sqrt(share * (1 - share) / n) if n else math.nan
                sys.stdout.write(f"{100 * share:>10.2f} ±{100 * error:.2f}")
            sys.stdout.write("\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
