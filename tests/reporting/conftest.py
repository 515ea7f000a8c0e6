"""Small, complete study directories of made-up tables: a plain one, and one of everything."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    WITHIN,
)
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.store import SPLITS
from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE, RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.evaluation.answer import ANSWER, Answer, ArchiveAnswer, Reading
from examwise.imaging.stored_exams import StoredExams

CHROMIUM = os.environ.get("EXAMWISE_CHROMIUM", "/usr/bin/chromium")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

REPEATS = 2
HEADLINE = "To reach AUC 0.80, <b>slice</b> labels cost 1.9 times the hours & more."
EXTERNAL = ("elsewhere", "far-away")

StudyFactory = Callable[..., Path]


def _sibling(name: str) -> Any:
    """Load a module beside this one; how pytest imports tests, they cannot import each other."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


evidence_frames = _sibling("evidence_frames").evidence_frames
slice_frames = _sibling("slice_frames")
curve_frames = _sibling("curve_frames").curve_frames


@dataclass(frozen=True)
class Point:
    """One point of a budget curve, in the internal archive."""

    learner: str
    acquisition: str
    label_kind: str
    mode: str
    budget: int
    auc: float
    repeats: int = REPEATS

    def run_id(self, repeat: int) -> str:
        tail = "-fine-tuned" if self.mode == FINE_TUNED else ""
        way = "-whole" if self.acquisition == "whole_exam" else ""
        return f"{self.learner}{way}-{self.budget}-{repeat}{tail}"

    @property
    def hours(self) -> float:
        return self.budget / (150 if self.acquisition == "whole_exam" else 50)


def _curve(learner: str, way: str, kind: str, aucs: dict[int, float]) -> list[Point]:
    return [Point(learner, way, kind, BUDGETED, budget, auc) for budget, auc in aucs.items()]


PLAIN = [
    *_curve("strong", "spread", "slice", {30: 0.71, 120: 0.79, 480: 0.86}),
    *_curve("weak", "exam", "exam", {15: 0.62, 40: 0.7, 100: 0.81}),
]
EVERYTHING = [
    *PLAIN,
    *_curve("strong", "whole_exam", "slice", {30: 0.66, 120: 0.75, 480: 0.84}),
    Point("strong", "spread", "slice", FINE_TUNED, 480, 0.9, 1),
    Point("weak", "exam", "exam", FINE_TUNED, 100, 0.85, 1),
    Point("pooled", "exam", "exam", BUDGETED, 100, 0.78),
    Point("position", "spread", "slice", BUDGETED, 480, 0.55),
    Point("pretext", "none", "none", LABEL_FREE, 0, 0.69, 1),
    Point("mean_hu", "none", "none", LABEL_FREE, 0, 0.58, 1),
]


FULL = [
    Point("strong", "spread", "slice", FINE_TUNED, 120, 0.85, 1),
    Point("weak", "exam", "exam", FINE_TUNED, 40, 0.79, 1),
]
"""What makes curves of the full answer out of its points."""


@pytest.fixture(scope="session")
def make_study(make_store: Callable[..., str]) -> StudyFactory:
    """Return a function that writes a finished and evaluated study and returns its directory.

    With ``everything`` it has two external archives, slices drawn both ways, fine-tuned runs,
    references and scores without labels.
    """

    def make(
        study: Path,
        *,
        everything: bool = False,
        hours: bool = True,
        reached: bool = True,
        one_class: bool = False,
        attention_auc: float = 0.66,
        source: dict[str, Any] | None = None,
        store: dict[str, Any] | None = None,
        finished: bool = True,
        evidence: bool = False,
        margin: float | None = 0.03,
        curves: bool = False,
    ) -> Path:
        points = [*(EVERYTHING if everything else PLAIN), *(FULL if curves else [])]
        configuration = _configuration(points, hours, source)
        stage = Stage.begin(study, kind="study", configuration=configuration, inputs={}, seed=7)
        make_store(study / "store", n_exams=24, **{"n_slices": 7, **(store or {})})
        stored = StoredExams(study / "store")
        splits = _split(stored)
        SPLITS.write(stored.storage, splits)
        external = EXTERNAL if everything else ()
        for number, archive in enumerate(external, 1):
            url = study / f"external/{number}/store"
            make_store(url, n_exams=9, archive=archive, seed=number, **(store or {}))
        _write_runs(stage.storage, points, hours=hours)
        outside = [
            (stage.storage.child(folder), StoredExams(study / folder / "store"))
            for folder in (f"external/{number}" for number in range(1, len(external) + 1))
        ]
        for run_id, point, repeat in _runs(points):
            test = splits.filter(pl.col("split") == "test")
            _write_predictions(stage.storage, stored, test, run_id, point, repeat)
            for folder, elsewhere in outside:
                _write_predictions(folder, elsewhere, elsewhere.exams, run_id, point, repeat)
            if everything:
                _write_model(stage.storage, run_id)
        options = {"n_replicates": 200, "strong": "strong", "weak": "weak"}
        inputs = {RUNS.file: "sha256:" + sha256_hex(stage.storage.read(RUNS.file))}
        evaluation = Stage.begin(
            f"{study}/evaluation", kind="evaluation", configuration=options, inputs=inputs, seed=0
        )
        _write_run_tables(
            evaluation.storage,
            points,
            external,
            one_class=one_class,
            attention_auc=attention_auc,
        )
        _write_answer(evaluation.storage, points, external, hours=hours, reached=reached)
        tables = (BUDGET_CURVE, EXAM_METRICS, RATIOS, SLICE_METRICS, ROC_POINTS)
        found = _evidence(points, external, margin=margin) if evidence else {}
        if curves:
            found |= curve_frames(points, ["test", *external], hours=hours)
            _write_plan(stage.storage, points)
        for schema, frame in found.items():
            schema.write(evaluation.storage, frame)
        evaluation.finish(outputs=[ANSWER, *(table.file for table in (*tables, *found))])
        if finished:
            stage.finish()
        return study

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Open a headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).is_file():
        pytest.skip(f"no chromium at {CHROMIUM}; EXAMWISE_CHROMIUM names another")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def study(make_study: StudyFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain study that tests only read: one archive, two arms."""
    return make_study(tmp_path_factory.mktemp("study") / "study")


@pytest.fixture(scope="session")
def full_study(make_study: StudyFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of everything that tests only read."""
    return make_study(tmp_path_factory.mktemp("full") / "study", everything=True)


@pytest.fixture(scope="session")
def curved_study(make_study: StudyFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of everything with tables that follow learners over budgets, to be read only."""
    return make_study(tmp_path_factory.mktemp("curved") / "study", everything=True, curves=True)


@pytest.fixture(scope="session")
def proven_study(make_study: StudyFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of everything with tables of evidence, that tests only read."""
    folder = tmp_path_factory.mktemp("proven")
    return make_study(folder / "study", everything=True, evidence=True)


@pytest.fixture(scope="session")
def explained_study(make_study: StudyFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with tables about slices, and maps of slices that have masks here, boxes there."""
    folder = tmp_path_factory.mktemp("explained")
    study = make_study(folder / "study", everything=True, evidence=True)
    runs = [("strong-480-0-fine-tuned", "strong"), ("weak-100-0-fine-tuned", "weak")]
    slice_frames.explain_study(study, runs, ["test", *EXTERNAL], ["masks", "boxes", ""])
    return study


@pytest.fixture(scope="session")
def record() -> Callable[[Path], None]:
    """Return a function that lets a directory's manifest vouch for a file as it is now."""

    def record_file(path: Path) -> None:
        manifest = json.loads((path.parent / MANIFEST).read_text())
        manifest["outputs"][path.name] = sha256_hex(path.read_bytes())
        (path.parent / MANIFEST).write_text(json.dumps(manifest))

    return record_file


def _evidence(
    points: list[Point], external: tuple[str, ...], *, margin: float | None
) -> dict[TableSchema, pl.DataFrame]:
    """Tables of evidence, of the first repeat at every arm's largest budget."""
    largest: dict[tuple[str, str, str], Point] = {}
    for point in points:
        largest[point.learner, point.acquisition, point.mode] = point
    shown = [(point.run_id(0), point.learner, point.auc) for point in largest.values()]
    weak, strong = (
        [run_id for run_id, learner, _ in shown if learner == wanted][-1]
        for wanted in ("weak", "strong")
    )
    pairs = [(weak, strong)]
    pairs += [(weak, run_id) for run_id, _, _ in shown if run_id not in (weak, strong)]
    return evidence_frames(shown, pairs, ["test", *external], margin=margin)


def _configuration(
    points: list[Point], hours: bool, source: dict[str, Any] | None
) -> dict[str, Any]:
    costs = {"seconds_per_exam": 60, "seconds_per_slice": 6, "seconds_per_action": 3}
    arms: dict[tuple[str, str], list[int]] = {}
    for point in points:
        if point.mode == BUDGETED:
            arms.setdefault((point.learner, point.acquisition), []).append(point.budget)
    tuned = any(point.mode == FINE_TUNED for point in points)
    return {
        "source": source or {"kind": "phantom", "phantom": {"n_exams": 24, "matrix": 32}},
        "study": {
            "target_auc": 0.8,
            "repeats": REPEATS,
            "arms": [
                {"learner": learner, "acquisition": way, "budgets": budgets}
                for (learner, way), budgets in arms.items()
            ],
            "costs": costs if hours else None,
            "model": {
                "encoder": "resnet10",
                "width": 8,
                "window_center_hu": 40.0,
                "window_width_hu": 80.0,
                "extra_windows": [[80.0, 200.0]],
                "frozen": ["all"] if tuned else [],
            },
            "training": {"steps": 300, "learning_rate": 0.003, "augmentation": "none"},
            "fine_tuning": {
                "training": {"steps": 120, "learning_rate": 0.0004, "augmentation": "flip"},
                "frozen": [],
            }
            if tuned
            else None,
        },
    }


def _runs(points: list[Point]) -> Iterator[tuple[str, Point, int]]:
    for point in points:
        for repeat in range(point.repeats):
            yield point.run_id(repeat), point, repeat


def _split(stored: StoredExams) -> pl.DataFrame:
    parts = ["train", "validation", "test", "test", "test"]
    exams = stored.exams.select("exam_id", "patient_key")
    split = [parts[number % 5] for number in range(exams.height)]
    return SPLITS.validate(exams.with_columns(pl.Series("split", split)))


def _write_runs(storage: Storage, points: list[Point], *, hours: bool) -> None:
    rows = [
        {
            "run_id": run_id,
            "learner": point.learner,
            "mode": point.mode,
            "label_kind": point.label_kind,
            "acquisition": point.acquisition,
            "budget": point.budget,
            "repeat": repeat,
            "seed": 1000 + number,
            "n_training_labels": point.budget - point.budget // 5,
            "n_validation_labels": point.budget // 5,
            "n_positive_labels": point.budget // 3,
            "n_exams_opened": point.budget,
            "reader_actions": point.budget + 3 if point.budget else 0,
            "reader_hours": point.hours if hours else None,
            "steps": 300 if point.budget else 0,
            "best_step": 0 if not point.budget else 300 if point.budget < 100 else 240,
        }
        for number, (run_id, point, repeat) in enumerate(_runs(points))
    ]
    RUNS.write(storage, RUNS.frame(rows))


def _write_model(storage: Storage, run_id: str) -> None:
    weights = {
        "source": "encoder",
        "digest": "sha256:0",
        "licence": "that of the package",
        "description": "an encoder pretrained without labels",
    }
    begun = {"weights": weights, "init": None}
    described = {"begins_from": begun, "data_terms": ["synthetic"]}
    storage.write(f"runs/{run_id}/model.json", json.dumps(described).encode())


def _write_predictions(
    storage: Storage,
    stored: StoredExams,
    test: pl.DataFrame,
    run_id: str,
    point: Point,
    repeat: int,
) -> None:
    generator = np.random.default_rng(point.budget * 10 + repeat)
    archives = dict(stored.exams.select("exam_id", "archive").rows())
    exams, slices = [], []
    for exam_id, patient_key in test.select("exam_id", "patient_key").rows():
        of_exam = stored.labels.filter(exam_id=exam_id, finding="any")
        labels = of_exam.sort("slice_start")["value"].to_numpy()
        logits = generator.normal(-1.2, 1.0, len(labels)) + 2.4 * labels
        attention = np.exp(logits - logits.max())
        attention /= attention.sum()
        weak = point.learner == "weak"
        exam_logit = float(logits @ attention if weak else logits.max())
        shared = {"exam_id": exam_id, "run_id": run_id, "finding": "any"}
        exams.append(
            {
                **shared,
                "patient_key": patient_key,
                "archive": archives[exam_id],
                "split": "test",
                "learner": point.learner,
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
    url = storage.child(f"predictions/{run_id}").url
    stage = Stage.begin(url, kind="predictions", configuration={}, inputs={}, seed=None)
    PREDICTED_EXAMS.write(stage.storage, PREDICTED_EXAMS.frame(exams))
    PREDICTED_SLICES.write(stage.storage, PREDICTED_SLICES.frame(slices))
    stage.finish(outputs=[PREDICTED_EXAMS.file, PREDICTED_SLICES.file])


def _auc(value: float | None, half: float = 0.06) -> dict[str, float | None]:
    if value is None:
        return {"auc": None, "auc_lower": None, "auc_upper": None}
    return {"auc": value, "auc_lower": value - half, "auc_upper": min(1.0, value + half)}


def _archives(external: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Archives, and how much lower AUCs are there."""
    yield "test", 0.0
    for number, archive in enumerate(external, 1):
        yield archive, 0.03 * number


def _write_run_tables(
    storage: Storage,
    points: list[Point],
    external: tuple[str, ...],
    *,
    one_class: bool,
    attention_auc: float,
) -> None:
    exam_metrics, slice_metrics, roc = [], [], []
    for archive, lower in _archives(external):
        for run_id, point, _ in _runs(points):
            named = {
                "run_id": run_id,
                "learner": point.learner,
                "archive": archive,
                "finding": "any",
            }
            exam_metrics.append(
                {
                    **named,
                    "n_patients": 14,
                    "n_exams": 14,
                    "n_positive": 0 if one_class else 5,
                    **_auc(None if one_class else point.auc - lower),
                    "analytic_lower": None if one_class else point.auc - lower - 0.055,
                    "analytic_upper": None if one_class else point.auc - lower + 0.05,
                    "variance": "delong",
                    "average_precision": None if one_class else point.auc - lower - 0.04,
                    "average_precision_lower": None if one_class else point.auc - lower - 0.1,
                    "average_precision_upper": None if one_class else point.auc - lower,
                    "threshold": 0.5,
                    "sensitivity": None if one_class else 0.8,
                    "specificity": 0.7,
                }
            )
            estimators = {"slice_probability": 0.9}
            if point.budget:
                estimators["position_only"] = 0.72
            if point.learner == "weak":
                estimators["attention_weight"] = attention_auc
            slice_metrics += [
                {
                    **named,
                    "estimator": name,
                    "within": within,
                    "n_patients": 14,
                    "n_slices": 112,
                    "n_positive": 10,
                    **_auc(score),
                }
                for name, score in estimators.items()
                for within in WITHIN
            ]
            if not one_class:
                steps = np.linspace(0, 1, 15)
                power = 1 / point.auc - 1
                roc += [
                    {
                        **named,
                        "false_positive_rate": float(x),
                        "true_positive_rate": float(x**power),
                    }
                    for x in steps
                ]
    EXAM_METRICS.write(storage, EXAM_METRICS.frame(exam_metrics))
    SLICE_METRICS.write(storage, SLICE_METRICS.frame(slice_metrics))
    ROC_POINTS.write(storage, ROC_POINTS.frame(roc))


def _write_plan(storage: Storage, points: list[Point]) -> None:
    runs = [
        {
            "run_id": run_id,
            "learner": point.learner,
            "mode": point.mode,
            "acquisition": point.acquisition,
            "budget": point.budget,
            "repeat": repeat,
        }
        for run_id, point, repeat in _runs(points)
    ]
    lost = {**runs[0], "run_id": "lost", "repeat": REPEATS}
    rounds = [{"runs": len(runs), "external": 1}, {"runs": 1, "external": 1}]
    storage.write("plan.json", json.dumps({"runs": [*runs, lost], "rounds": rounds}).encode())


def _write_answer(
    storage: Storage,
    points: list[Point],
    external: tuple[str, ...],
    *,
    hours: bool,
    reached: bool,
) -> None:
    full = any(point in FULL for point in points)
    curve = [
        {
            "archive": archive,
            "learner": point.learner,
            "mode": point.mode,
            "acquisition": point.acquisition,
            "finding": "any",
            "label_kind": point.label_kind,
            "budget": point.budget,
            "n_repeats": point.repeats,
            "mean_exams_opened": point.budget * 0.9,
            "mean_reader_actions": point.budget + 3.0 if point.budget else 0.0,
            "mean_reader_hours": point.hours if hours else None,
            "mean_auc": point.auc - lower,
            "auc_lower": point.auc - lower - 0.07,
            "auc_upper": point.auc - lower + 0.05,
            "between_share": 0.4 if point.repeats > 1 else None,
            "is_conditional": point.budget > 400,
        }
        for archive, lower in _archives(external)
        for point in points
    ]
    BUDGET_CURVE.write(storage, BUDGET_CURVE.frame(curve))
    units = ("labels", "actions", "hours") if hours else ("labels", "actions")
    ways = sorted({point.acquisition for point in points if point.learner == "strong"})
    ratios = [
        _ratio(archive, way, unit, reached=reached) | {"mode": mode}
        for archive, _ in _archives(external)
        for mode in ([BUDGETED, FINE_TUNED] if full else [BUDGETED])
        for way in (ways if mode == BUDGETED else ways[:1])
        for unit in units
    ]
    RATIOS.write(storage, RATIOS.frame(ratios))
    archives = tuple(
        _archive_answer(archive, list(reversed(units)), ways, is_external=number > 0, full=full)
        for number, (archive, _) in enumerate(_archives(external))
    )
    answer = Answer(
        HEADLINE,
        finding="any",
        target_auc=0.8,
        archives=archives,
        full_headline="With the encoder trained on as well, they tell." if full else None,
    )
    storage.write(ANSWER, answer.to_json().encode())


def _archive_answer(
    archive: str, units: list[str], ways: list[str], *, is_external: bool, full: bool
) -> ArchiveAnswer:
    readings = [
        Reading(
            way,
            f"In {archive}, slices drawn {way}: 3.04 against 1.84 hours.",
            dict.fromkeys(units, "weak" if way == "spread" else None),
        )
        for way in ways
    ]
    if full:
        cheaper = dict.fromkeys(units, "weak")
        readings.append(Reading(ways[0], "Fine-tuned, it is the same.", cheaper, FINE_TUNED))
    cautions = ["Each budget was drawn twice.", "Hours are assumed costs."]
    if is_external:
        cautions.append(f"There are few exams in {archive}.")
    return ArchiveAnswer(
        archive=archive,
        is_external=is_external,
        n_exams=9 if is_external else 14,
        n_positive=5,
        n_patients=9 if is_external else 14,
        readings=tuple(readings),
        table=(),
        cautions=tuple(cautions),
    )


def _ratio(archive: str, way: str, unit: str, *, reached: bool) -> dict[str, Any]:
    amounts = {"labels": (151.5, 92.2), "actions": (154.2, 95.1), "hours": (3.04, 1.84)}
    strong, weak = amounts[unit]
    strong = strong if way == "spread" else strong * 0.4
    row = {
        "archive": archive,
        "mode": BUDGETED,
        "acquisition": way,
        "finding": "any",
        "target_auc": 0.8,
        "unit": unit,
        "strong": strong,
        "strong_at_most": False,
        "weak": weak,
        "weak_at_most": False,
        "ratio": strong / weak,
        "ratio_lower": 0.9 if way == "spread" else 0.4,
        "ratio_upper": None if way == "spread" else 1.7,
        "interval": "open_above" if way == "spread" else "closed",
        "reached_strong": 0.9,
        "reached_weak": 0.8,
        "reached_neither": 0.0,
    }
    if not reached:
        row |= {"weak": None, "ratio": None, "interval": "not_estimable"}
        row |= {"ratio_lower": None, "ratio_upper": None}
    return row
