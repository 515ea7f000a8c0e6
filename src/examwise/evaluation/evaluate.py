"""From predictions directories, or a whole study, to an evaluation directory."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER, Answer, compose_answer
from examwise.evaluation.budget_curve import budget_curve
from examwise.evaluation.budget_replicates import BudgetReplicates, budget_replicates
from examwise.evaluation.label_ratio import label_ratios
from examwise.evaluation.reading import (
    EVALUATED_SPLITS,
    RunPredictions,
    data_terms,
    prediction_folders,
    read_runs,
)
from examwise.evaluation.run_tables import RUN_TABLES, write_run_tables
from examwise.evaluation.store_labels import StoreLabels
from examwise.evaluation.study_facts import StudyFacts

_STUDY_FILES = (*RUN_TABLES, BUDGET_CURVE.file, RATIOS.file, ANSWER)


def evaluate_predictions(
    urls: Sequence[str],
    out: str,
    *,
    n_replicates: int = 1000,
    seed: int = 0,
    splits: Sequence[str] = EVALUATED_SPLITS,
    stores: Sequence[str] = (),
    progress: Progress | None = None,
) -> None:
    """Evaluate predictions directories into ``exam_metrics``, ``slice_metrics``, ``roc_points``.

    Exams of several archives are evaluated archive by archive, and together. The order of the
    directories makes no difference. A finished evaluation of the same predictions is left as it
    is.

    Args:
        urls: Predictions directories, one a run and store.
        out: The evaluation directory to write.
        n_replicates: Bootstrap samples of patients behind each interval.
        seed: Seed of the bootstrap.
        splits: Splits whose exams are evaluated; others are left out, and counted.
        stores: The stores that were predicted, to look labels up in anew; with none, labels are
            those written into the predictions.
        progress: Where to report; nowhere if None.

    Raises:
        InputError: If a directory is no finished predictions directory, a run predicts an exam
            twice, or tests patients in one directory that are in a training or validation part in
            another, two runs label an exam or slice differently, the stores lack predicted exams
            or slices, or ``out`` holds something else.
        IntegrityError: If a file of the predictions or of the finished evaluation has changed.
    """
    progress = progress or SilentProgress()
    _require_replicates(n_replicates)
    labels = StoreLabels(stores) if stores else None
    runs = read_runs(urls, splits=splits, labels=labels)
    stage = Stage.begin(
        out,
        kind="evaluation",
        configuration={
            "n_replicates": n_replicates,
            "splits": sorted(splits),
            "data_terms": data_terms(runs),
        },
        inputs={**_inputs(runs), **(labels.inputs if labels else {})},
        seed=seed,
    )
    if stage.finished:
        _read_finished(stage.storage, RUN_TABLES)
        return
    write_run_tables(stage, runs, n_replicates=n_replicates, seed=seed, progress=progress)
    stage.finish(outputs=RUN_TABLES)


def evaluate_study(
    study_url: str,
    out: str,
    *,
    target_auc: float,
    n_replicates: int = 1000,
    seed: int = 0,
    finding: str = "any",
    costs_given: bool = False,
    strong: str = "strong",
    weak: str = "weak",
    splits: Sequence[str] = EVALUATED_SPLITS,
    progress: Progress | None = None,
) -> Answer:
    """Evaluate all runs of a study, and answer which way of labelling is cheaper.

    Beside the tables of :func:`evaluate_predictions` it writes
    ``budget_curve.parquet``, ``ratios.parquet`` and ``answer.json``. A finished evaluation of the
    same study is left as it is, and its answer returned.

    Args:
        study_url: A directory with ``runs.parquet`` and ``predictions/<run_id>/``, or
            ``predictions/<run_id>/<number>/`` for several stores.
        out: The evaluation directory to write.
        target_auc: Exam-level AUC to reach, between 0.5 and 1, set before the study.
        n_replicates: Bootstrap replicates behind each interval.
        seed: Seed of the bootstrap.
        finding: What is to be found.
        costs_given: Whether reader hours count; every run must then have some.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.
        splits: Splits whose exams are evaluated.
        progress: Where to report; nowhere if None.

    Raises:
        InputError: If the study is incomplete or its runs cannot be compared.
        IntegrityError: If a file of the predictions or of the finished evaluation has changed.
    """
    progress = progress or SilentProgress()
    _require_replicates(n_replicates)
    study = Storage(study_url)
    if study.exists(MANIFEST):
        read_manifest(study_url, kind="study")
    table = RUNS.read(study)
    if table.is_empty():
        raise InputError(
            where=f"{study.url}/{RUNS.file}",
            expected="at least one finished run",
            got="none",
            remedy="run the study again; it goes on where it was",
        )
    urls = [
        folder.url
        for run_id in table["run_id"].sort()
        for folder in prediction_folders(study, run_id)
    ]
    runs = read_runs(urls, splits=splits)
    replicates = budget_replicates(
        table,
        pl.concat([run.exams for run in runs]),
        finding=finding,
        n_replicates=n_replicates,
        seed=seed,
        costs_given=costs_given,
    )
    ratios = label_ratios(replicates, target_auc=target_auc, strong=strong, weak=weak)
    stage = Stage.begin(
        out,
        kind="evaluation",
        configuration={
            "costs_given": costs_given,
            "data_terms": data_terms(runs),
            "finding": finding,
            "n_replicates": n_replicates,
            "splits": sorted(splits),
            "strong": strong,
            "target_auc": target_auc,
            "weak": weak,
        },
        inputs={
            RUNS.file: "sha256:" + sha256_hex(study.read(RUNS.file)),
            **_inputs(runs),
        },
        seed=seed,
    )
    if stage.finished:
        found = _read_finished(stage.storage, _STUDY_FILES)
        return Answer.from_json(found[ANSWER], where=f"{stage.storage.url}/{ANSWER}")
    write_run_tables(stage, runs, n_replicates=n_replicates, seed=seed, progress=progress)
    curve = budget_curve(replicates)
    answer = compose_answer(
        curve,
        ratios,
        target_auc=target_auc,
        finding=finding,
        costs_given=costs_given,
        facts=_facts(replicates, runs[0], strong=strong),
        strong=strong,
        weak=weak,
    )
    BUDGET_CURVE.write(stage.storage, curve)
    RATIOS.write(stage.storage, ratios)
    stage.storage.write(ANSWER, answer.to_json().encode())
    stage.finish(outputs=_STUDY_FILES)
    return answer


def _inputs(runs: Sequence[RunPredictions]) -> dict[str, str]:
    return {role: digest for run in runs for role, digest in run.inputs.items()}


def _read_finished(storage: Storage, keys: Sequence[str]) -> dict[str, bytes]:
    manifest = read_manifest(storage.url, kind="evaluation")
    return {key: manifest.read_output(storage, key) for key in keys}


def _require_replicates(n_replicates: int) -> None:
    # With fewer, the 2.5% quantile lies beyond the smallest value.
    if n_replicates < 40:
        raise InputError(
            where="n_replicates",
            expected="at least 40, for 95% intervals",
            got=n_replicates,
            remedy="1000 is usual",
        )


def _facts(replicates: BudgetReplicates, run: RunPredictions, *, strong: str) -> StudyFacts:
    # One row an exam and slice, whatever the number of findings.
    slices = run.read_slices().select("exam_id", "slice_index").unique()
    curve = replicates.curves.get(strong)
    test_set = replicates.test_set
    unspent = [
        1 - float((other.mean_costs["labels"] / other.budgets).min())
        for other in replicates.curves.values()
    ]
    labels_per_exam = None
    if curve is not None:
        labels_per_exam = float(curve.mean_costs["labels"][-1] / curve.mean_exams_opened[-1])
    return StudyFacts(
        archive=test_set.archive,
        n_exams=test_set.n_exams,
        n_positive=test_set.n_positive,
        n_patients=test_set.n_patients,
        acquisition=None if curve is None else curve.acquisition,
        slices_per_exam=slices.height / slices["exam_id"].n_unique() if slices.height else None,
        labels_per_exam=labels_per_exam,
        largest_unspent_share=max(0.0, *unspent),
        n_runs=len(test_set.exam_logits),
        n_constant_runs=test_set.n_constant_runs,
        n_archives=test_set.n_archives,
    )
