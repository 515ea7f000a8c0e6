"""Small predictions and studies with a made-up truth."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from examwise.core.schemas.explanations import SALIENCY_SCORES
from examwise.core.schemas.predictions import (
    POSITION_HISTOGRAM,
    PREDICTED_EXAMS,
    PREDICTED_SLICES,
    THRESHOLDS,
)
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.metrics.position import position_histogram


def sigmoid(values):
    return 1 / (1 + np.exp(-np.asarray(values, float)))


def build_exams(labels, logits, *, run_id="r1", **columns):
    n = len(labels)
    plain = {
        "exam_id": [f"e{i:04d}" for i in range(n)],
        "patient_key": [f"p{i:04d}" for i in range(n)],
        "archive": "here",
        "split": "test",
        "run_id": run_id,
        "learner": "weak",
        "finding": "any",
        "exam_logit": np.asarray(logits, float),
        "exam_probability": sigmoid(logits),
        "calibrated_probability": None,
        "exam_label": list(labels),
    } | columns
    return PREDICTED_EXAMS.frame(
        {name: [v] * n if isinstance(v, str) or v is None else list(v) for name, v in plain.items()}
    )


def build_slices(exams, *, n_slices=5, attention=True, seed=0, label=True):
    """Positive exams are positive on their two middle slices, which score higher."""
    draw = np.random.default_rng(seed)
    rows = []
    for exam in exams.iter_rows(named=True):
        weights = draw.dirichlet(np.ones(n_slices))
        for index in range(n_slices):
            positive = int(bool(exam["exam_label"]) and index in (1, 2))
            logit = draw.normal() + 1.5 * positive
            rows.append(
                {
                    "exam_id": exam["exam_id"],
                    "run_id": exam["run_id"],
                    "finding": exam["finding"],
                    "slice_index": index,
                    "relative_position": index / (n_slices - 1),
                    "slice_logit": logit,
                    "slice_probability": float(sigmoid(logit)),
                    "attention_logit": float(np.log(weights[index])) if attention else None,
                    "attention_weight": float(weights[index]) if attention else None,
                    "slice_label": positive if label else None,
                }
            )
    return PREDICTED_SLICES.frame(rows)


def write_predictions(
    url,
    exams,
    slices=None,
    *,
    thresholds=None,
    histogram=True,
    contents=None,
    configuration=None,
):
    """Write a finished directory; ``contents`` are files' bytes in place of the usual ones."""
    slices = build_slices(exams) if slices is None else slices
    chosen = {"url": "made up", **(configuration or {})}
    stage = Stage.begin(str(url), kind="predictions", configuration=chosen, inputs={}, seed=0)
    PREDICTED_EXAMS.write(stage.storage, exams)
    PREDICTED_SLICES.write(stage.storage, slices)
    entry = {"threshold": 0.5, "source": "fixed"}
    if thresholds is None:
        thresholds = dict.fromkeys(exams["finding"].unique(), entry)
    stage.storage.write(THRESHOLDS, json.dumps(thresholds).encode())
    made = position_histogram([0.0, 0.25, 0.5, 1.0], [0, 1, 1, 0], n_bins=5, smoothing=0)
    values = {"any": made.to_dict() if histogram else None}
    stage.storage.write(POSITION_HISTOGRAM, json.dumps(values).encode())
    for key, data in (contents or {}).items():
        stage.storage.write(key, data)
    files = [PREDICTED_EXAMS.file, PREDICTED_SLICES.file, THRESHOLDS, POSITION_HISTOGRAM]
    stage.finish(outputs=files)
    return str(url)


def run_row(learner, budget, repeat, **columns):
    kind = "slice" if learner == "strong" else "exam"
    return {
        "run_id": f"{learner}-{budget}-{repeat}",
        "learner": learner,
        "mode": "budgeted",
        "label_kind": kind,
        "acquisition": "whole_exam" if kind == "slice" else "exam",
        "budget": budget,
        "repeat": repeat,
        "seed": repeat,
        "n_training_labels": budget,
        "n_validation_labels": 0,
        "n_positive_labels": budget // 3,
        "n_exams_opened": max(1, budget // 5) if kind == "slice" else budget,
        "reader_actions": max(1, budget // 4) if kind == "slice" else budget,
        "reader_hours": budget / 100 if kind == "slice" else budget / 20,
        "steps": 10,
        "best_step": 10,
    } | columns


class MadeUpStudy:
    """Runs whose true AUC rises linearly in log(labels), the strong arm ``ratio`` times later."""

    def __init__(
        self,
        *,
        ratio=5.0,
        n_exams=400,
        n_repeats=4,
        noise=0.01,
        seed=0,
        budgets=((50, 100, 200, 400, 800), (10, 20, 40, 80, 160)),
        start=0.65,
        slope=0.055,
        exams_per_patient=1,
    ):
        draw = np.random.default_rng(seed)
        labels = np.arange(n_exams) % 2
        base = draw.normal(size=n_exams)
        rows, frames = [], []
        for learner, own, shift in (("strong", budgets[0], ratio), ("weak", budgets[1], 1.0)):
            for repeat in range(n_repeats):
                luck = draw.normal(0, noise)
                for budget in own:
                    auc = start + slope * math.log(budget / shift / 10) + luck
                    row = run_row(learner, budget, repeat)
                    rows.append(row)
                    distance = math.sqrt(2) * norm.ppf(min(max(auc, 0.01), 0.99))
                    own_noise = 0.95 * base + math.sqrt(1 - 0.95**2) * draw.normal(size=n_exams)
                    frames.append(
                        build_exams(
                            labels,
                            own_noise + distance * labels,
                            run_id=row["run_id"],
                            learner=learner,
                            patient_key=[f"p{i // exams_per_patient:04d}" for i in range(n_exams)],
                        )
                    )
        self.runs = RUNS.frame(rows)
        self.exams = pl.concat(frames)
        self.start, self.slope = start, slope

    def write(self, folder):
        (folder / "predictions").mkdir(parents=True)
        for (run_id,), exams in self.exams.partition_by("run_id", as_dict=True).items():
            write_predictions(folder / "predictions" / run_id, exams)
        self.runs.write_parquet(folder / RUNS.file)
        return str(folder)


@pytest.fixture(scope="session")
def make_exams():
    return build_exams


@pytest.fixture
def make_slices():
    return build_slices


@pytest.fixture(scope="session")
def make_predictions():
    return write_predictions


@pytest.fixture(scope="session")
def make_run():
    return run_row


@pytest.fixture(scope="session")
def make_study():
    return MadeUpStudy


@pytest.fixture(scope="session")
def study():
    return MadeUpStudy()


def curve_row(learner, budget, auc, **columns):
    """A row of BUDGET_CURVE."""
    kind = "slice" if learner == "strong" else "exam"
    return {
        "archive": "here",
        "learner": learner,
        "mode": "budgeted",
        "acquisition": "whole_exam" if kind == "slice" else "exam",
        "finding": "any",
        "label_kind": kind,
        "budget": budget,
        "n_repeats": 5,
        "mean_exams_opened": 10.0,
        "mean_reader_actions": budget / 2,
        "mean_reader_hours": budget / 100,
        "mean_auc": auc,
        "auc_lower": auc - 0.05,
        "auc_upper": auc + 0.05,
        "between_share": 0.5,
        "is_conditional": False,
    } | columns


def ratio_row(unit, strong=300.0, weak=100.0, lower=2.0, upper=4.5, **columns):
    """A row of RATIOS; the acquisition is the slice arm's."""
    both = strong is not None and weak is not None
    kinds = {(1, 1): "closed", (1, 0): "open_above", (0, 1): "open_below", (0, 0): "not_estimable"}
    return {
        "archive": "here",
        "mode": "budgeted",
        "acquisition": "whole_exam",
        "finding": "any",
        "target_auc": 0.8,
        "unit": unit,
        "strong": strong,
        "strong_at_most": False,
        "weak": weak,
        "weak_at_most": False,
        "ratio": strong / weak if both else None,
        "ratio_lower": lower,
        "ratio_upper": upper,
        "interval": kinds[lower is not None, upper is not None],
        "reached_strong": 1.0,
        "reached_weak": 1.0,
        "reached_neither": 0.0,
    } | columns


@pytest.fixture(scope="session")
def make_curve_row():
    return curve_row


@pytest.fixture(scope="session")
def make_ratio_row():
    return ratio_row


def saliency_scores(*rows):
    """SALIENCY_SCORES of slices that differ from a plain one as each row says."""
    plain = {
        "run_id": "r1",
        "learner": "weak",
        "archive": "here",
        "exam_id": "e",
        "finding": "any",
        "method": "gradcam",
        "truth": "boxes",
        "kinds": [],
        "is_randomised": False,
        "truth_pixels": 4,
        "pixel_f1": 0.5,
        "intersection_over_union": None,
        "pointing_hit": None,
        "average_precision": None,
        "energy_inside": None,
    }
    owner = {"patient_key": "p0"}
    return SALIENCY_SCORES.frame(
        [plain | owner | {"slice_index": number} | row for number, row in enumerate(rows)]
    )


@pytest.fixture(scope="session")
def make_saliency_scores():
    return saliency_scores
