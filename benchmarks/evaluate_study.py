"""Time and memory of a whole study's evaluation, on made-up predictions of a study's size.

Run: python benchmarks/evaluate_study.py [--out DIR] [--workers N] [--repeats N]. Predictions of
about 200 runs are made up for an internal archive of 420 test exams and two external ones of 100
and 60 exams, of about 27 slices each; none is read from a model.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from examwise.core.executors import make_executor
from examwise.core.randomness import generator
from examwise.core.schemas.predictions import (
    POSITION_HISTOGRAM,
    PREDICTED_EXAMS,
    PREDICTED_SLICES,
    THRESHOLDS,
)
from examwise.core.schemas.run import LABEL_SET
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.evaluate_study import evaluate_study
from examwise.metrics.position import position_histogram

ARCHIVES = {
    "inside": ("", 420),
    "outside-1": ("external/1/", 100),
    "outside-2": ("external/2/", 60),
}
SLICE_BUDGETS = (100, 400, 1_600, 4_000, 8_000, 16_000)
EXAM_BUDGETS = (20, 60, 150, 300, 600, 900)
SLICES_PER_EXAM = 27


@dataclass(frozen=True)
class Arm:
    """Made-up runs: the AUC rises with the logarithm of the budget."""

    learner: str
    acquisition: str
    budgets: tuple[int, ...]
    repeats: int
    start: float
    slope: float
    mode: str = "budgeted"

    @property
    def label_kind(self) -> str:
        """What is bought."""
        kinds = {"exam": "exam", "none": "none"}
        return kinds.get(self.acquisition, "slice")


def study_arms(repeats: int) -> list[Arm]:
    """Return arms of about the default study's shape."""
    return [
        Arm("strong", "spread", SLICE_BUDGETS, repeats, 0.66, 0.10),
        Arm("strong", "whole_exam", SLICE_BUDGETS, repeats, 0.58, 0.12),
        Arm("weak", "exam", EXAM_BUDGETS, repeats, 0.64, 0.11),
        Arm("pooled", "exam", EXAM_BUDGETS[-1:], repeats, 0.55, 0.09),
        Arm("position", "spread", SLICE_BUDGETS[-1:], repeats, 0.5, 0.02),
        Arm("strong", "spread", SLICE_BUDGETS[-1:], 1, 0.67, 0.11, "fine_tuned"),
        Arm("weak", "exam", EXAM_BUDGETS[-1:], 1, 0.65, 0.12, "fine_tuned"),
        Arm("pretext", "none", (0,), 1, 0.74, 0.0, "label_free"),
        Arm("mean_hu", "none", (0,), 1, 0.6, 0.0, "label_free"),
    ]


def write_predictions(url: Path, run_id: str, learner: str, archive: str, auc: float) -> None:
    """Write one run's made-up predictions of one archive."""
    n_exams = ARCHIVES[archive][1]
    # The same exams, and much of the same noise, for every run.
    truth = np.random.default_rng(n_exams)
    labels = truth.random(n_exams) < 0.4
    common = truth.normal(size=n_exams)
    own = generator(0, run_id, archive)
    distance = 2 * abs(auc - 0.5) * 1.9
    logits = 0.9 * common + 0.44 * own.normal(size=n_exams) + distance * labels
    exam_ids = [f"{archive}-{number:04d}" for number in range(n_exams)]
    exams = PREDICTED_EXAMS.frame(
        {
            "exam_id": exam_ids,
            "patient_key": [f"{archive}-p{number:04d}" for number in range(n_exams)],
            "archive": [archive] * n_exams,
            "split": ["test" if archive == "inside" else "unseen"] * n_exams,
            "run_id": [run_id] * n_exams,
            "learner": [learner] * n_exams,
            "finding": ["any"] * n_exams,
            "exam_logit": logits.tolist(),
            "exam_probability": (1 / (1 + np.exp(-logits))).tolist(),
            "calibrated_probability": [None] * n_exams,
            "exam_label": labels.astype(int).tolist(),
        }
    )
    index = np.tile(np.arange(SLICES_PER_EXAM), n_exams)
    is_positive = np.repeat(labels, SLICES_PER_EXAM) & (abs(index - 14) < 4)
    slice_logits = own.normal(size=len(index)) + is_positive
    weights = np.exp(slice_logits).reshape(n_exams, -1)
    attends = learner == "weak"
    attention = (weights / weights.sum(axis=1, keepdims=True)).ravel()
    slices = PREDICTED_SLICES.frame(
        {
            "exam_id": np.repeat(exam_ids, SLICES_PER_EXAM).tolist(),
            "run_id": [run_id] * len(index),
            "finding": ["any"] * len(index),
            "slice_index": index.tolist(),
            "relative_position": (index / (SLICES_PER_EXAM - 1)).tolist(),
            "slice_logit": slice_logits.tolist(),
            "slice_probability": (1 / (1 + np.exp(-slice_logits))).tolist(),
            "attention_logit": np.log(attention).tolist() if attends else [None] * len(index),
            "attention_weight": attention.tolist() if attends else [None] * len(index),
            "slice_label": is_positive.astype(int).tolist(),
        }
    )
    stage = Stage.begin(url, kind="predictions", configuration={}, inputs={}, seed=0)
    PREDICTED_EXAMS.write(stage.storage, exams)
    PREDICTED_SLICES.write(stage.storage, slices)
    fixed = {"any": {"threshold": 0.5, "source": "fixed"}}
    stage.storage.write(THRESHOLDS, json.dumps(fixed).encode())
    histogram = position_histogram(index / (SLICES_PER_EXAM - 1), is_positive)
    values = {"any": histogram.to_dict() if histogram and attends else None}
    stage.storage.write(POSITION_HISTOGRAM, json.dumps(values).encode())
    stage.finish(
        outputs=[PREDICTED_EXAMS.file, PREDICTED_SLICES.file, THRESHOLDS, POSITION_HISTOGRAM]
    )


def write_study(folder: Path, repeats: int) -> int:
    """Write a study of made-up runs; return how many."""
    rows = []
    for arm in study_arms(repeats):
        for budget in arm.budgets:
            for repeat in range(arm.repeats):
                run_id = f"{arm.learner}-{arm.acquisition}-m{budget:06d}-r{repeat:02d}-{arm.mode}"
                of_slices = arm.label_kind == "slice"
                n_exams = budget // (SLICES_PER_EXAM if arm.acquisition == "whole_exam" else 1)
                actions = budget // 5 if arm.acquisition == "whole_exam" else budget
                rows.append(
                    {
                        "run_id": run_id,
                        "learner": arm.learner,
                        "mode": arm.mode,
                        "label_kind": arm.label_kind,
                        "acquisition": arm.acquisition,
                        "budget": budget,
                        "repeat": repeat,
                        "seed": repeat,
                        "n_training_labels": budget,
                        "n_validation_labels": 0,
                        "n_positive_labels": budget // 5,
                        "n_exams_opened": n_exams,
                        "reader_actions": actions,
                        "reader_hours": (n_exams * (5 if of_slices else 60) + actions) / 3600,
                        "steps": 10,
                        "best_step": 10,
                    }
                )
                smallest = {"slice": SLICE_BUDGETS[0], "exam": EXAM_BUDGETS[0]}
                rise = math.log10(max(budget, 1) / smallest.get(arm.label_kind, 1))
                auc = arm.start + arm.slope * rise
                for archive, (where, _) in ARCHIVES.items():
                    url = folder / f"{where}predictions/{run_id}"
                    write_predictions(url, run_id, arm.learner, archive, min(auc, 0.97))
                if arm.mode != "label_free":
                    drawn = np.random.default_rng(repeat).permutation(2 * budget)[:budget]
                    names = [f"e{number}" for number in drawn]
                    labels = pl.DataFrame({"exam_id": names}).with_columns(
                        slice_index=pl.lit(None, pl.Int32), part=pl.lit("train")
                    )
                    LABEL_SET.write(Storage(folder / "runs" / run_id), labels)
    RUNS.write(Storage(folder), RUNS.frame(rows))
    return len(rows)


def main() -> None:
    """Make up a study, evaluate it, and once more when it is finished."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="new folder; a temporary one if left out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--replicates", type=int, default=1000)
    options = parser.parse_args()
    folder = options.out or Path(tempfile.mkdtemp(prefix="examwise-bench-")) / "study"
    if not (folder / RUNS.file).exists():
        n_runs = write_study(folder, options.repeats)
    else:
        n_runs = RUNS.read(Storage(folder)).height
    times = []
    for _ in range(2):
        started = time.monotonic()
        answer = evaluate_study(
            str(folder),
            str(folder / f"evaluation-{options.workers}"),
            target_auc=0.8,
            n_replicates=options.replicates,
            costs_given=True,
            executor=make_executor(options.workers),
        )
        times.append(round(time.monotonic() - started, 2))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "runs": n_runs,
        "archives": len(ARCHIVES),
        "workers": options.workers,
        "seconds": times[0],
        "seconds_when_finished": times[1],
        "peak_memory_of_this_process_mib": round(peak),
        "headline": answer.headline,
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
