"""From a study's predictions to its evaluation directory, and to its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, SchemaError
from examwise.core.executors.protocol import Executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.manifest import BEGUN, MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER, Answer
from examwise.evaluation.archive_tables import ARCHIVE_TABLES, ArchiveTables
from examwise.evaluation.budget_tables import BUDGET_TABLES
from examwise.evaluation.evaluate import require_draws
from examwise.evaluation.metric_curves import metric_curve_rows
from examwise.evaluation.reading import EVALUATED_SPLITS
from examwise.evaluation.run_tables import RUN_TABLES, RunTables
from examwise.evaluation.shared_labels import SharedLabels
from examwise.evaluation.shown_runs import shown_runs
from examwise.evaluation.study_answer import StudyQuestion, answer_study
from examwise.evaluation.study_evidence import StudyEvidence
from examwise.evaluation.study_sites import JudgedSite, find_sites, judge_sites, site_inputs

_FILES = (*RUN_TABLES, *ARCHIVE_TABLES, *(table.file for table in BUDGET_TABLES), ANSWER)


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
    stores: Sequence[Sequence[str]] = (),
    n_permutations: int = 1000,
    renew: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Evaluate all runs of a study, and answer which way of labelling is cheaper.

    The internal archive and every external one are judged each for itself, by the same draws of
    repeats. Beside the tables of :func:`~examwise.evaluation.evaluate.evaluate_predictions` it
    writes those of :data:`~examwise.evaluation.budget_tables.BUDGET_TABLES` and ``answer.json``.
    Of one run for each curve, that of its largest budget and first repeat, everything is worked
    out; of others exams' AUCs and ROC curves, and what is followed over budgets. What the study
    has explained (``explanations/<run_id>/<number of the archive>/<method>/``) is evaluated, too.
    A finished evaluation of the same study (its predictions known by their manifests) is left as
    it is, and its answer returned. The number of workers changes nothing.

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
        stores: The internal archive's stores, then those of each external one; without them
            there are no subgroups and no flow of exams.
        n_permutations: Permutations behind each test of equal curves.
        renew: Let an evaluation of fewer runs, or by other options, make room for this one.
        executor: Where runs are evaluated; in this process if None.
        progress: Where to report; nowhere if None.

    Raises:
        InputError: If the study is incomplete or its runs cannot be compared.
        IntegrityError: If a file of the predictions or of the finished evaluation has changed.
    """
    progress = progress or SilentProgress()
    require_draws(n_replicates, n_permutations)
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
    evidence = StudyEvidence(study, runs, sites, stores, arms={"strong": strong, "weak": weak})

    def begin(*, renew: bool) -> Stage:
        return Stage.begin(
            out,
            kind="evaluation",
            configuration={
                "costs_given": costs_given,
                "data_terms": predicted.data_terms,
                "finding": finding,
                "n_permutations": n_permutations,
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
                **evidence.inputs,
            },
            seed=seed,
            renew=renew,
        )

    if found := _finished(Storage(out), begin, renew=renew):
        return Answer.from_json(found[ANSWER], where=f"{Storage(out).url}/{ANSWER}")
    judged = judge_sites(
        sites,
        evidence_of=shown_runs(runs),
        beside=evidence.beside(finding),
        splits=splits,
        n_replicates=n_replicates,
        seed=seed,
        executor=executor or SerialExecutor(),
        progress=progress,
    )

    def follow(site: JudgedSite, curve: pl.DataFrame) -> pl.DataFrame:
        return metric_curve_rows(
            site,
            runs,
            exam_curve=curve,
            finding=finding,
            overlaps=labels.overlaps(),
            explanations=evidence.followed(site.site.number),
            splits=splits,
            costs_given=costs_given,
            executor=executor,
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
            claim=None if evidence.protocol is None else evidence.protocol.claim,
        ),
        labels=labels,
        follow=follow,
    )
    tables = RunTables.of(run for site in judged for run in site.runs)
    together = ArchiveTables.of(
        evidence.hold_together(
            judged,
            finding=finding,
            n_replicates=n_replicates,
            n_permutations=n_permutations,
            seed=seed,
        )
    )
    # What cannot be answered is refused before anything is written, and can be mended.
    stage = begin(renew=renew)
    tables.write(stage.storage)
    together.write(stage.storage)
    for table in BUDGET_TABLES:
        table.write(stage.storage, answered.tables[table.file])
    stage.storage.write(ANSWER, answered.answer.to_json().encode())
    stage.finish(outputs=_FILES)
    return answered.answer


def _finished(
    storage: Storage, begin: Callable[..., Stage], *, renew: bool
) -> dict[str, bytes] | None:
    """Return the files of an evaluation that is finished; make room where it is another."""
    if not storage.exists(MANIFEST):
        return None
    try:
        begin(renew=False)
    except (InputError, SchemaError):
        if not renew or json.loads(storage.read(BEGUN)).get("kind") != "evaluation":
            raise
        storage.delete(MANIFEST)
        return None
    manifest = read_manifest(storage.url, kind="evaluation")
    return {key: manifest.read_output(storage, key) for key in _FILES}
