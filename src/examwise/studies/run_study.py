"""Running a study: every run is an item with its commit record, so that none is done twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress, SilentProgress
from examwise.core.progress_files import follow_files
from examwise.core.schemas.study import FINE_TUNED, LABEL_FREE, RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.joined_splits import read_joined_splits
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, require_finding
from examwise.prediction.label_free import LABEL_FREE as LABEL_FREE_SCORES
from examwise.studies.acquisition import Draw
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.budgets import settle_budgets
from examwise.studies.config import StudyConfig
from examwise.studies.draws import count_labels, draw_all, open_sales
from examwise.studies.external_stores import require_external
from examwise.studies.frozen_protocol import (
    freeze_protocol,
    protocol_outputs,
    require_frozen_protocol,
)
from examwise.studies.one_run import (
    FEATURES,
    PROGRESS,
    StudyWork,
    do_run,
    options_of,
    require_run,
)
from examwise.studies.plan import PlannedRun, plan_runs
from examwise.studies.plan_file import PLAN as PLAN
from examwise.studies.plan_file import read_plan, write_plan
from examwise.studies.sites import (
    TEST_SPLIT,
    TestedStore,
    external_sites,
    internal_sites,
    require_both_classes,
)
from examwise.training.augmentations.choose import augmentation_digest, recorded_name
from examwise.training.find_learner import label_kind_of, reads_features
from examwise.training.run_plan import require_labels

_ORDER = ("learner", "acquisition", "mode", "budget", "repeat")


@dataclass(frozen=True)
class StudySummary:
    """What a study did.

    Attributes:
        n_runs: Runs of the plan, all finished.
        n_done_before: Runs that an earlier call had finished.
    """

    n_runs: int
    n_done_before: int


def begin_study(out: Path, config: StudyConfig, *, source: dict[str, Any]) -> Stage:
    """Begin a study's directory, or go on with one.

    The configuration is frozen when the plan is written, before the first run; until then a
    corrected one may take its place.

    Args:
        out: The directory.
        config: The study.
        source: Where the exams come from, in plain values without paths.

    Raises:
        InputError: If the directory was begun by another study.
    """
    described = asdict(config)
    inputs = {}
    trainings = {"augmentation": (described["training"], config.training)}
    if config.fine_tuning is not None:
        of_tuning = described["fine_tuning"]["training"]
        trainings["fine_tuning/augmentation"] = (of_tuning, config.fine_tuning.training)
    for role, (plain, training) in trainings.items():
        plain["augmentation"] = recorded_name(training.augmentation)
        if digest := augmentation_digest(training.augmentation):
            inputs[role] = digest
    if config.model.weights:
        # Where weights lie may change, and may hold names; what they are may not change.
        from examwise.models.encoder_weights import find_weights

        described["model"]["weights"] = ""
        found = find_weights(config.model.weights, encoder=config.model.encoder)
        inputs["weights"] = found.digest
    return Stage.begin(
        out,
        kind="study",
        configuration={"study": described, "source": source},
        inputs=inputs,
        seed=config.seed,
        renew=not Storage(out).exists(PLAN),
    )


def run_study(
    stage: Stage,
    config: StudyConfig,
    *,
    stores: Sequence[str],
    external: Sequence[str] = (),
    executor: Executor,
    progress: Progress | None = None,
) -> StudySummary:
    """Train and apply every run of the plan that is not finished yet.

    Labels are drawn from the training patients of all stores together. Leaves ``plan.json``,
    ``runs/``, ``predictions/`` (of the test patients, a directory a run, or one a run and store
    where there are several), ``external/1/predictions/`` and so on (of each external store in
    the order given), a commit record a run, ``runs.parquet``, and ``protocol.json`` where
    non-inferiority is tested, before the plan.

    Args:
        stage: The study's directory, from :func:`begin_study`.
        config: The study.
        stores: The exam store, or several of one key, with splits.
        external: Further stores, each an archive of its own, that are tested on and nothing else;
            all their exams, or the test part of one that has been split.
        executor: Where runs run.
        progress: Where to report to.

    Raises:
        InputError: If a budget needs more labels than there are, the stores cannot be joined, one
            has changed since the study began, an external one is no fair test, or a run cannot
            be trained as asked for.
    """
    progress = progress or SilentProgress()
    stored = JoinedStores(stores)
    splits = read_joined_splits(stored.urls)
    others = [StoredExams(url) for url in external]
    of_external = external_sites(others)
    sites = [*internal_sites(stored, splits), *of_external]
    if stage.finished:
        require_frozen_protocol(stage.storage, config)
        return _finished(stage.storage, sites, n_external=len(others))
    _require_usable(config, stored, splits)
    require_external(
        others, of_external, stored=stored, splits=splits, config=config, progress=progress
    )
    sales = open_sales(stored, splits, config)
    arms = settle_budgets(config, count_labels(sales))
    for settled in arms:
        if settled.left_out:
            progress.say(settled.said)
    settled_config = replace(config, arms=tuple(settled.arm for settled in arms))
    plan = plan_runs(settled_config)
    draws = draw_all(sales, settled_config, plan)
    if not stage.storage.exists(PLAN):
        _require_runs(plan, draws, stored, settled_config)
    freeze_protocol(stage.storage, config, arms, stored, others)
    write_plan(stage.storage, plan, arms, stored, others)
    log = CommitLog(stage.storage)
    done = set(log.items())
    missing = [run for run in plan if f"runs/{run.run_id}" not in done]
    # Each store by itself: an archive that only tests may be of another key.
    opened = [stored, *(JoinedStores([other.storage.url]) for other in others)]
    _prepare_features(stage.storage, config, opened, missing, executor, progress)
    if n_first := sum(run.mode == FINE_TUNED for run in missing):
        progress.say(f"{n_first} of {len(missing)} runs train the encoder as well; they come first")
    work = StudyWork(stage.storage.url, stored.urls, sites, settled_config)
    with (
        progress.track("Training and testing", len(missing)) as advance,
        follow_files(Path(stage.storage.url, PROGRESS), progress),
    ):
        items = [(run, draws.get(run.run_id)) for run in missing]
        for _ in executor.map(partial(do_run, work=work), items):
            advance()
    rows = [dict(log.read(f"runs/{run.run_id}").payload) for run in plan]
    RUNS.write(stage.storage, RUNS.frame(rows).sort(_ORDER))
    stage.finish(outputs=protocol_outputs(config))
    return StudySummary(n_runs=len(plan), n_done_before=len(plan) - len(missing))


def _finished(storage: Storage, sites: Sequence[TestedStore], *, n_external: int) -> StudySummary:
    """Return what a finished study did, if all of it is still there."""
    plan, n_planned = read_plan(storage)
    if n_external != n_planned:
        raise InputError(
            where=storage.url,
            expected=f"the {n_planned} external stores with which the study was made",
            got=n_external,
            remedy="give the same ones, or run the study in a new directory",
        )
    folders = [
        folder
        for run in plan
        for folder in (
            *(() if run.mode == LABEL_FREE else (f"runs/{run.run_id}",)),
            *(site.place(run.run_id) for site in sites),
        )
    ]
    missing = [folder for folder in folders if not storage.exists(f"{folder}/{MANIFEST}")]
    if missing:
        raise InputError(
            where=storage.url,
            expected=f"the {len(folders)} runs and predictions of the finished study",
            got=f"{len(missing)} missing, {missing[0]} among them",
            remedy="restore them, or run the study in a new directory",
        )
    return StudySummary(n_runs=len(plan), n_done_before=len(plan))


def require_arms(config: StudyConfig) -> None:
    """Refuse arms that nobody can train, before any exam is read.

    Raises:
        InputError: If there is no such learner, or it learns from labels of another kind than
            those that are drawn.
    """
    for arm in config.arms:
        try:
            kind = label_kind_of(arm.learner)
        except InputError as error:
            raise InputError(
                where=f"{arm.where}, learner",
                expected=error.expected,
                got=error.got,
                remedy=error.remedy,
            ) from error
        if kind != ACQUISITION_KINDS[arm.acquisition]:
            raise InputError(
                where=f"{arm.where}, acquisition",
                expected=f"a way to draw labels of the learner's kind ({kind})",
                got=arm.acquisition,
            )


def _require_usable(config: StudyConfig, stored: JoinedStores, splits: pl.DataFrame) -> None:
    require_finding(stored, config.finding)
    require_arms(config)
    for way in sorted({arm.acquisition for arm in config.arms}):
        require_labels(stored, [config.finding], ACQUISITION_KINDS[way])
    tests = splits.filter(pl.col("split") == TEST_SPLIT)
    require_both_classes(
        f"{stored.name}, test patients",
        tests.join(exam_labels(stored, config.finding), on="exam_id")["exam_label"],
        config.finding,
        remedy="give a label file (source.labels), label more exams, or use a larger test part",
    )
    for name in config.label_free:
        LABEL_FREE_SCORES.load(name)().require(config.model)


def _require_runs(
    plan: Sequence[PlannedRun],
    draws: Mapping[str, Draw],
    stored: JoinedStores,
    config: StudyConfig,
) -> None:
    """Check the first run of each arm and mode: others differ from it in labels and seed alone."""
    seen = set()
    for run in plan:
        kind = (run.learner, run.acquisition, run.mode)
        if run.mode != LABEL_FREE and kind not in seen:
            seen.add(kind)
            require_run(run, draws[run.run_id], stored=stored, config=config)


def _prepare_features(
    storage: Storage,
    config: StudyConfig,
    stores: Sequence[JoinedStores],
    missing: Sequence[PlannedRun],
    executor: Executor,
    progress: Progress,
) -> None:
    """Compute features before runs begin side by side, each of which would compute them."""
    labelled = [run for run in missing if run.mode != LABEL_FREE]
    if not any(reads_features(run.learner, *options_of(run, config)[:2]) for run in labelled):
        return
    from examwise.training.stored_features import compute_features

    for stored in stores:
        compute_features(
            f"{storage.url}/{FEATURES}",
            config.model,
            config.training,
            stored,
            accelerator=config.trainer.accelerator,
            progress=progress,
            executor=executor,
        )
