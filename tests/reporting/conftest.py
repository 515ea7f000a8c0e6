"""A small, complete study directory of made-up tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from examwise.core.digests import sha256_hex
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.evaluation import (
    BUDGET_CURVE,
    EXAM_METRICS,
    RATIOS,
    ROC_POINTS,
    SLICE_METRICS,
)
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.store import SPLITS
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER, Answer
from examwise.imaging.stored_exams import StoredExams

BUDGETS = {"strong": (30, 120, 480), "weak": (15, 40, 100)}
AUCS = {"strong": (0.71, 0.79, 0.86), "weak": (0.62, 0.7, 0.81)}
REPEATS = 2
HEADLINE = "To reach AUC 0.80, <b>slice</b> labels cost 1.9 times the hours & more."

StudyFactory = Callable[..., Path]


@pytest.fixture(scope="session")
def make_study(make_store: Callable[..., str]) -> StudyFactory:
    """Return a function that writes a finished and evaluated study and returns its directory."""

    def make(
        study: Path,
        *,
        hours: bool = True,
        reached: bool = True,
        one_class: bool = False,
        attention_auc: float = 0.66,
        source: dict[str, Any] | None = None,
        store: dict[str, Any] | None = None,
        finished: bool = True,
    ) -> Path:
        configuration = _configuration(hours, source)
        stage = Stage.begin(study, kind="study", configuration=configuration, inputs={}, seed=7)
        make_store(study / "store", n_exams=24, **{"n_slices": 7, **(store or {})})
        stored = StoredExams(study / "store")
        splits = _split(stored)
        SPLITS.write(stored.storage, splits)
        _write_runs(stage.storage, hours=hours)
        for run in _runs():
            _write_predictions(stage.storage, stored, splits, run)
        options = {"n_replicates": 200}
        inputs = {RUNS.file: "sha256:" + sha256_hex(stage.storage.read(RUNS.file))}
        evaluation = Stage.begin(
            f"{study}/evaluation", kind="evaluation", configuration=options, inputs=inputs, seed=0
        )
        _write_evaluation(
            evaluation.storage,
            hours=hours,
            reached=reached,
            one_class=one_class,
            attention_auc=attention_auc,
        )
        tables = (BUDGET_CURVE, EXAM_METRICS, RATIOS, SLICE_METRICS, ROC_POINTS)
        evaluation.finish(outputs=[ANSWER, *(table.file for table in tables)])
        if finished:
            stage.finish()
        return study

    return make


@pytest.fixture(scope="session")
def study(make_study: StudyFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that tests only read."""
    return make_study(tmp_path_factory.mktemp("study") / "study")


@pytest.fixture(scope="session")
def record() -> Callable[[Path], None]:
    """Return a function that lets a directory's manifest vouch for a file as it is now."""

    def record_file(path: Path) -> None:
        manifest = json.loads((path.parent / MANIFEST).read_text())
        manifest["outputs"][path.name] = sha256_hex(path.read_bytes())
        (path.parent / MANIFEST).write_text(json.dumps(manifest))

    return record_file


def _configuration(hours: bool, source: dict[str, Any] | None) -> dict[str, Any]:
    costs = {"seconds_per_exam": 60, "seconds_per_slice": 6, "seconds_per_action": 3}
    return {
        "source": source or {"kind": "phantom", "phantom": {"n_exams": 24, "matrix": 32}},
        "study": {
            "target_auc": 0.8,
            "repeats": REPEATS,
            "arms": [{"learner": name, "budgets": list(m)} for name, m in BUDGETS.items()],
            "costs": costs if hours else None,
            "model": {"encoder": "resnet10", "width": 8},
            "training": {"steps": 300, "learning_rate": 0.003},
        },
    }


def _runs() -> list[dict[str, Any]]:
    return [
        {
            "run_id": f"{learner}-{budget}-{repeat}",
            "learner": learner,
            "budget": budget,
            "repeat": repeat,
            "place": place,
        }
        for learner, budgets in BUDGETS.items()
        for place, budget in enumerate(budgets)
        for repeat in range(REPEATS)
    ]


def _split(stored: StoredExams) -> pl.DataFrame:
    parts = ["train", "validation", "test", "test", "test"]
    exams = stored.exams.select("exam_id", "patient_key")
    split = [parts[number % 5] for number in range(exams.height)]
    return SPLITS.validate(exams.with_columns(pl.Series("split", split)))


def _write_runs(storage: Storage, *, hours: bool) -> None:
    way = {"strong": "spread", "weak": "exam"}
    rows = [
        {
            "run_id": run["run_id"],
            "learner": run["learner"],
            "label_kind": "slice" if run["learner"] == "strong" else "exam",
            "acquisition": way[run["learner"]],
            "budget": run["budget"],
            "repeat": run["repeat"],
            "seed": 1000 + number,
            "n_training_labels": run["budget"] - run["budget"] // 5,
            "n_validation_labels": run["budget"] // 5,
            "n_positive_labels": run["budget"] // 3,
            "n_exams_opened": run["budget"],
            "reader_actions": run["budget"] + 3,
            "reader_hours": run["budget"] / 50 if hours else None,
            "steps": 300,
            "best_step": 300 if run["budget"] < 100 else 240,
        }
        for number, run in enumerate(_runs())
    ]
    RUNS.write(storage, RUNS.frame(rows))


def _write_predictions(
    storage: Storage, stored: StoredExams, splits: pl.DataFrame, run: dict[str, Any]
) -> None:
    generator = np.random.default_rng(run["budget"] * 10 + run["repeat"])
    exams, slices = [], []
    test = splits.filter(pl.col("split") == "test")
    for exam_id, patient_key in test.select("exam_id", "patient_key").rows():
        of_exam = stored.labels.filter(exam_id=exam_id, finding="any")
        labels = of_exam.sort("slice_start")["value"].to_numpy()
        logits = generator.normal(-1.2, 1.0, len(labels)) + 2.4 * labels
        attention = np.exp(logits - logits.max())
        attention /= attention.sum()
        weak = run["learner"] == "weak"
        exam_logit = float(logits @ attention if weak else logits.max())
        shared = {"exam_id": exam_id, "run_id": run["run_id"], "finding": "any"}
        exams.append(
            {
                **shared,
                "patient_key": patient_key,
                "archive": "test",
                "split": "test",
                "learner": run["learner"],
                "exam_logit": exam_logit,
                "exam_probability": float(1 / (1 + np.exp(-exam_logit))),
                "calibrated_probability": None,
                "exam_label": int(labels.max()),
            }
        )
        slices += [
            {
                **shared,
                "slice_index": index,
                "relative_position": index / (len(labels) - 1),
                "slice_logit": float(logits[index]),
                "slice_probability": float(1 / (1 + np.exp(-logits[index]))),
                "attention_logit": float(logits[index]) if weak else None,
                "attention_weight": float(attention[index]) if weak else None,
                "slice_label": int(labels[index]),
            }
            for index in range(len(labels))
        ]
    url = storage.child(f"predictions/{run['run_id']}").url
    stage = Stage.begin(url, kind="predictions", configuration={}, inputs={}, seed=None)
    PREDICTED_EXAMS.write(stage.storage, PREDICTED_EXAMS.frame(exams))
    PREDICTED_SLICES.write(stage.storage, PREDICTED_SLICES.frame(slices))
    stage.finish(outputs=[PREDICTED_EXAMS.file, PREDICTED_SLICES.file])


def _write_evaluation(
    storage: Storage, *, hours: bool, reached: bool, one_class: bool, attention_auc: float
) -> None:
    def auc(value: float | None, half: float = 0.06) -> dict[str, float | None]:
        if value is None:
            return {"auc": None, "auc_lower": None, "auc_upper": None}
        return {"auc": value, "auc_lower": value - half, "auc_upper": min(1.0, value + half)}

    exam_metrics, slice_metrics, roc = [], [], []
    for run in _runs():
        learner = run["learner"]
        named = {"run_id": run["run_id"], "learner": learner, "archive": "test", "finding": "any"}
        value = AUCS[learner][run["place"]]
        exam_metrics.append(
            {
                **named,
                "n_patients": 14,
                "n_exams": 14,
                "n_positive": 0 if one_class else 5,
                **auc(None if one_class else value),
                "threshold": 0.5,
                "sensitivity": None if one_class else 0.8,
                "specificity": 0.7,
            }
        )
        estimators = {"slice_probability": 0.9, "position_only": 0.72}
        if learner == "weak":
            estimators = {**estimators, "attention_weight": attention_auc}
        slice_metrics += [
            {**named, "estimator": name, "n_slices": 112, "n_positive": 10, **auc(score)}
            for name, score in estimators.items()
        ]
        if not one_class:
            steps = np.linspace(0, 1, 15)
            roc += [
                {**named, "false_positive_rate": float(x), "true_positive_rate": float(x**0.3)}
                for x in steps
            ]
    EXAM_METRICS.write(storage, EXAM_METRICS.frame(exam_metrics))
    SLICE_METRICS.write(storage, SLICE_METRICS.frame(slice_metrics))
    ROC_POINTS.write(storage, ROC_POINTS.frame(roc))
    curve = [
        {
            "learner": learner,
            "finding": "any",
            "label_kind": "slice" if learner == "strong" else "exam",
            "budget": budget,
            "n_repeats": REPEATS,
            "mean_exams_opened": budget * 0.9,
            "mean_reader_actions": budget + 3.0,
            "mean_reader_hours": budget / 50 if hours else None,
            "mean_auc": AUCS[learner][place],
            "auc_lower": AUCS[learner][place] - 0.07,
            "auc_upper": AUCS[learner][place] + 0.05,
        }
        for learner, budgets in BUDGETS.items()
        for place, budget in enumerate(budgets)
    ]
    BUDGET_CURVE.write(storage, BUDGET_CURVE.frame(curve))
    units = ("labels", "actions", "hours") if hours else ("labels", "actions")
    RATIOS.write(storage, RATIOS.frame([_ratio(unit, reached=reached) for unit in units]))
    cautions = ["Each budget was drawn twice.", "Hours are assumed costs."]
    answer = Answer(HEADLINE, finding="any", target_auc=0.8, table=(), cautions=cautions)
    storage.write(ANSWER, answer.to_json().encode())


def _ratio(unit: str, *, reached: bool) -> dict[str, Any]:
    amounts = {"labels": (151.5, 92.2), "actions": (154.2, 95.1), "hours": (3.04, 1.84)}
    strong, weak = amounts[unit]
    row = {
        "finding": "any",
        "target_auc": 0.8,
        "unit": unit,
        "strong": strong,
        "strong_at_most": False,
        "weak": weak,
        "weak_at_most": False,
        "ratio": strong / weak,
        "ratio_lower": 0.9,
        "ratio_upper": None,
        "interval": "open_above",
        "reached_strong": 0.9,
        "reached_weak": 0.8,
        "reached_neither": 0.0,
    }
    if not reached:
        row |= {"weak": None, "ratio": None, "ratio_lower": None, "interval": "not_estimable"}
    return row
