"""From predictions directories, or a whole study, to an evaluation directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER, Answer
from examwise.evaluation.judged_run import JudgedRun, judge_run
from examwise.evaluation.reading import (
    EVALUATED_SPLITS,
    RunPredictions,
    data_terms,
    read_runs,
)
from examwise.evaluation.run_tables import RUN_TABLES, RunTables
from examwise.evaluation.shared_labels import SharedLabels
from examwise.evaluation.store_labels import StoreLabels
from examwise.evaluation.study_answer import StudyQuestion, answer_study, shown_runs
from examwise.evaluation.study_sites import find_sites, judge_sites, site_inputs

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
    RunTables.of(_judged(runs, n_replicates=n_replicates, seed=seed, progress=progress)).write(
        stage.storage
    )
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
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Evaluate all runs of a study, and answer which way of labelling is cheaper.

    The internal archive and every external one are judged each for itself, by the same draws of
    repeats. Beside the tables of :func:`evaluate_predictions` it writes ``budget_curve.parquet``,
    ``ratios.parquet`` and ``answer.json``. Slices, which take most of the time, are evaluated of
    one run for each curve: that of its largest budget and first repeat. A finished evaluation of
    the same study (its predictions known by their manifests) is left as it is, and its answer
    returned. The number of workers changes nothing.

    Args:
        study_url: A directory with ``runs.parquet`` and ``predictions/<run_id>/``, or
            ``predictions/<run_id>/<number>/`` for several stores; of external archives
            ``external/<number>/predictions/<run_id>/``, numbered from 1.
        out: The evaluation directory to write.
        target_auc: Exam-level AUC to reach, between 0.5 and 1, set before the study.
        n_replicates: Bootstrap replicates behind each interval.
        seed: Seed of the bootstrap.
        finding: What is to be found.
        costs_given: Whether reader hours count; every run must then have some.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.
        splits: Splits whose exams are evaluated.
        executor: Where runs are evaluated; in this process if None.
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
    runs = RUNS.read(study)
    if runs.is_empty():
        raise InputError(
            where=f"{study.url}/{RUNS.file}",
            expected="at least one finished run",
            got="none",
            remedy="run the study again; it goes on where it was",
        )
    sites = find_sites(study, runs["run_id"].to_list())
    predicted = site_inputs(sites)
    labels = SharedLabels(study, runs)

    def begin() -> Stage:
        return Stage.begin(
            out,
            kind="evaluation",
            configuration={
                "costs_given": costs_given,
                "data_terms": predicted.data_terms,
                "finding": finding,
                "n_replicates": n_replicates,
                "splits": sorted(splits),
                "strong": strong,
                "target_auc": target_auc,
                "weak": weak,
            },
            inputs={
                RUNS.file: "sha256:" + sha256_hex(study.read(RUNS.file)),
                **predicted.digests,
                **labels.inputs,
            },
            seed=seed,
        )

    if Storage(out).exists(MANIFEST):
        found = _read_finished(begin().storage, _STUDY_FILES)
        return Answer.from_json(found[ANSWER], where=f"{Storage(out).url}/{ANSWER}")
    judged = judge_sites(
        sites,
        slices_of=shown_runs(runs),
        splits=splits,
        n_replicates=n_replicates,
        seed=seed,
        executor=executor or SerialExecutor(),
        progress=progress,
    )
    answered = answer_study(
        runs,
        judged,
        StudyQuestion(
            target_auc=target_auc,
            finding=finding,
            costs_given=costs_given,
            strong=strong,
            weak=weak,
            n_replicates=n_replicates,
            seed=seed,
        ),
        shared_labels=labels.of_curves(),
    )
    tables = RunTables.of(run for site in judged for run in site.runs)
    # What cannot be answered is refused before anything is written, and can be mended.
    stage = begin()
    tables.write(stage.storage)
    BUDGET_CURVE.write(stage.storage, answered.curve)
    RATIOS.write(stage.storage, answered.ratios)
    stage.storage.write(ANSWER, answered.answer.to_json().encode())
    stage.finish(outputs=_STUDY_FILES)
    return answered.answer


def _judged(
    runs: Sequence[RunPredictions], *, n_replicates: int, seed: int, progress: Progress
) -> Iterator[JudgedRun]:
    with progress.track("Evaluating runs", len(runs)) as advance:
        for run in runs:
            judged = judge_run(run, with_slices=True, n_replicates=n_replicates, seed=seed)
            judged.say_what_is_missing(progress)
            yield judged
            advance()


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
