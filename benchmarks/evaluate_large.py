"""How long evidence takes on many exams, part by part, and how much memory.

Run: python benchmarks/evaluate_large.py [--exams 100000] [--slices 30] [--replicates 2000]
[--processes 2]. Two made-up learners of the same exams, some patients with several: AUCs with
both intervals and their difference by the variance, slice AUCs and verdicts against position,
sequences and free response. Learners are evaluated in processes of their own, as runs are; making
them up is not timed, and nothing is read or written. Memory is the sum of the processes' peaks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import expit

from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.evaluation.exams import exam_metrics
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.free_response import froc_points
from examwise.evaluation.position_verdicts import position_verdicts
from examwise.evaluation.sequences import run_length_recall, sequence_metrics
from examwise.evaluation.slices import slice_metrics
from examwise.metrics.auc_variance import auc_difference, auc_estimates
from examwise.metrics.position import PositionHistogram

FINDING = "any"
THRESHOLD = FittedThreshold(0.5, "validation", slice_threshold=0.5)
RUNS = ("strong", "weak")
BINS = 20


class Seconds(NamedTuple):
    """How long something takes by the clock, and of a processor, which others' work spares."""

    clock: float
    processor: float


def made_up_truth(n_exams: int, n_slices: int) -> dict[str, np.ndarray]:
    """Return exams of which three in ten have one run of positive slices, and their patients."""
    draw = np.random.default_rng(0)
    labels = draw.random(n_exams) < 0.3
    first = draw.integers(n_slices // 4, n_slices // 2, n_exams)
    length = draw.integers(1, n_slices // 3, n_exams)
    index = np.arange(n_slices)
    inside = (index >= first[:, None]) & (index < (first + length)[:, None]) & labels[:, None]
    return {
        "exam_label": labels.astype(np.int8),
        "slice_label": inside.astype(np.int8).ravel(),
        "patient": draw.integers(0, max(1, int(0.8 * n_exams)), n_exams),
    }


def made_up_run(run_id: str, n_exams: int, n_slices: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a run's ``PREDICTED_EXAMS`` and ``PREDICTED_SLICES``; the weak one attends."""
    truth = made_up_truth(n_exams, n_slices)
    attends = run_id == "weak"
    draw = np.random.default_rng(1 + RUNS.index(run_id))
    names = np.char.mod("exam-%08d", np.arange(n_exams))
    exam_logit = 2.0 * truth["exam_label"] - 1 + draw.normal(size=n_exams)
    # Neighbours of a slice look like it.
    noise = draw.normal(size=(n_exams, n_slices))
    noise[:, 1:] += 0.8 * noise[:, :-1]
    slice_logit = 4.0 * truth["slice_label"] - 3 + noise.ravel()
    weights = np.exp(slice_logit.reshape(n_exams, n_slices))
    weights /= weights.sum(axis=1, keepdims=True)
    n = n_exams * n_slices
    exams = PREDICTED_EXAMS.validate(
        pl.DataFrame(
            {
                "exam_id": names,
                "patient_key": np.char.mod("patient-%08d", truth["patient"]),
                "archive": ["here"] * n_exams,
                "split": ["test"] * n_exams,
                "run_id": [run_id] * n_exams,
                "learner": [run_id] * n_exams,
                "finding": [FINDING] * n_exams,
                "exam_logit": exam_logit,
                "exam_probability": expit(exam_logit),
                "calibrated_probability": pl.Series([None] * n_exams, dtype=pl.Float64),
                "exam_label": truth["exam_label"],
            }
        )
    )
    nothing = pl.Series([None], dtype=pl.Float64).new_from_index(0, n)
    slices = PREDICTED_SLICES.validate(
        pl.DataFrame(
            {
                "exam_id": np.repeat(names, n_slices),
                "run_id": pl.Series([run_id]).new_from_index(0, n),
                "finding": pl.Series([FINDING]).new_from_index(0, n),
                "slice_index": np.tile(np.arange(n_slices, dtype=np.int32), n_exams),
                "relative_position": np.tile(np.linspace(0, 1, n_slices), n_exams),
                "slice_logit": slice_logit,
                "slice_probability": expit(slice_logit),
                "attention_logit": slice_logit if attends else nothing,
                "attention_weight": weights.ravel() if attends else nothing,
                "slice_label": truth["slice_label"],
            }
        )
    )
    return exams, slices


def evaluated(run_id: str, options: argparse.Namespace) -> tuple[dict[str, Seconds], int]:
    """Return the seconds that each part of one run takes, and the peak of memory."""
    exams, slices = made_up_run(run_id, options.exams, options.slices)
    centers = (np.arange(BINS) + 0.5) / BINS
    usual = PositionHistogram(
        tuple(centers), tuple(0.3 * np.exp(-(((centers - 0.45) / 0.2) ** 2))), 1000
    )
    histograms = {run_id: {FINDING: usual}}
    fitted = {run_id: {FINDING: THRESHOLD}}
    thresholds = {run_id: {FINDING: THRESHOLD.threshold}}
    parts: dict[str, Callable[[], object]] = {
        "exam metrics, both intervals": lambda: exam_metrics(
            exams, thresholds, n_replicates=options.replicates, seed=0
        ),
        "slice AUCs": lambda: slice_metrics(slices, exams, histograms),
        "verdicts against position": lambda: position_verdicts(slices, exams, histograms),
        "sequences": lambda: sequence_metrics(slices, exams, histograms, fitted),
        "recall by run length": lambda: run_length_recall(slices, exams, histograms, fitted),
        "free response": lambda: froc_points(slices, exams, histograms),
    }
    took = {f"{run_id}: {name}": seconds(part) for name, part in parts.items()}
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def seconds(work: Callable[[], object]) -> Seconds:
    """Return how long a piece of work takes."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return Seconds(time.perf_counter() - clock, time.process_time() - processor)


def main() -> None:
    """Time all parts and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exams", type=int, default=100_000)
    parser.add_argument("--slices", type=int, default=30)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    if options.processes > 1:
        # Started afresh: a process that has used threads must not be forked.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(options.processes, mp_context=context) as pool:
            found = list(pool.map(evaluated, RUNS, [options] * len(RUNS)))
    else:
        found = [evaluated(run_id, options) for run_id in RUNS]
    truth = made_up_truth(options.exams, options.slices)
    draw = np.random.default_rng(9)
    logits = 2.0 * truth["exam_label"] + draw.normal(size=(2, options.exams))

    def compare() -> None:
        estimates = auc_estimates(truth["exam_label"], logits, truth["patient"])
        if estimates is not None:
            auc_difference(estimates)

    compared = seconds(compare)
    together = max if options.processes > 1 else sum
    for part, took in (item for parts, _ in found for item in parts.items()):
        print(f"{took.clock:8.2f} s by the clock {took.processor:8.2f} s of a processor  {part}")
    print(f"{compared.clock:8.2f} s by the clock  both: difference by the variance")
    for name in Seconds._fields:
        total = together(sum(getattr(took, name) for took in parts.values()) for parts, _ in found)
        total += getattr(compared, name)
        print(f"{total:8.2f} s ({name}) from first to last, {options.processes} processes")
    peaks = [peak for _, peak in found]
    peak = sum(peaks) if options.processes > 1 else max(peaks)
    print(f"{peak / 2**20:8.2f} GiB peak memory of what evaluates")


if __name__ == "__main__":
    main()
