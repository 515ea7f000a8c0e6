"""Running a study: every run is an item with its commit record, so that none is done twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.digests import readable_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.store import SPLITS
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.joined_splits import read_joined_splits
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_labels import exam_labels, require_finding
from examwise.prediction.predict import predict_store
from examwise.studies.acquisition import Draw, draw_labels, order_purchases
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.config import StudyConfig
from examwise.studies.plan import PlannedRun, plan_runs
from examwise.training.augmentations.choose import augmentation_digest, recorded_name
from examwise.training.find_learner import reads_features
from examwise.training.run_plan import require_labels
from examwise.training.train import train_run

PLAN = "plan.json"
FEATURES = "features"
"""Where a frozen encoder's features are kept, computed once for all runs."""
TEST_SPLIT = "test"


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
    augmentation = config.training.augmentation
    described["training"]["augmentation"] = recorded_name(augmentation)
    inputs = {}
    if digest := augmentation_digest(augmentation):
        inputs["augmentation"] = digest
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
    executor: Executor,
    progress: Progress | None = None,
) -> StudySummary:
    """Train and apply every run of the plan that is not finished yet.

    Labels are drawn from the training patients of all stores together. Leaves ``plan.json``,
    ``runs/``, ``predictions/`` (of the test patients, a directory a run, or one a run and store
    where there are several), a commit record a run, and ``runs.parquet``.

    Args:
        stage: The study's directory, from :func:`begin_study`.
        config: The study.
        stores: The exam store, or several of one key, with splits.
        executor: Where runs run.
        progress: Where to report to.

    Raises:
        InputError: If a budget needs more labels than there are, the stores cannot be joined, or
            one has changed since the study began.
    """
    progress = progress or SilentProgress()
    plan = plan_runs(config)
    stored = JoinedStores(stores)
    splits = read_joined_splits(stored.urls)
    tested = _tested(stored, splits)
    if stage.finished:
        _require_all_there(stage.storage, plan, tested)
        return StudySummary(n_runs=len(plan), n_done_before=len(plan))
    require_finding(stored, config.finding)
    for way in sorted({run.acquisition for run in plan}):
        require_labels(stored, [config.finding], ACQUISITION_KINDS[way])
    _require_both_classes(stored, splits, config.finding)
    draws = draw_all(stored, splits, config, plan)
    _write_plan(stage.storage, plan, stored)
    log = CommitLog(stage.storage)
    missing = [run for run in plan if f"runs/{run.run_id}" not in log]
    work = partial(
        _run_one, out=stage.storage.url, stores=stored.urls, tested=tested, config=config
    )
    _prepare_features(stage.storage, config, stored, missing, progress)
    with progress.track("Training and testing", len(missing)) as advance:
        for _ in executor.map(work, [(run, draws[run.run_id]) for run in missing]):
            advance()
    rows = [dict(log.read(f"runs/{run.run_id}").payload) for run in plan]
    RUNS.write(stage.storage, RUNS.frame(rows).sort("learner", "budget", "repeat"))
    stage.finish()
    return StudySummary(n_runs=len(plan), n_done_before=len(plan) - len(missing))


def _tested(stored: JoinedStores, splits: pl.DataFrame) -> dict[str, str]:
    """Return where each store's predictions go within those of a run; stores to be tested only."""
    tests = splits.filter(pl.col("split") == TEST_SPLIT)
    with_tests = [
        store.storage.url
        for store in stored.stores
        if store.exams.join(tests, on="exam_id", how="semi").height
    ]
    if len(with_tests) == 1:
        return {with_tests[0]: ""}
    return {url: f"/{number}" for number, url in enumerate(with_tests, 1)}


def _require_all_there(storage: Storage, plan: list[PlannedRun], tested: Mapping[str, str]) -> None:
    folders = [
        folder
        for run in plan
        for folder in (
            f"runs/{run.run_id}",
            *(f"predictions/{run.run_id}{within}" for within in tested.values()),
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


def _require_both_classes(stored: JoinedStores, splits: pl.DataFrame, finding: str) -> None:
    tests = splits.filter(pl.col("split") == TEST_SPLIT)
    labels = tests.join(exam_labels(stored, finding), on="exam_id")["exam_label"]
    counts = {value: int((labels == value).sum()) for value in (0, 1)}
    if not all(counts.values()):
        raise InputError(
            where=f"{stored.name}, test patients",
            expected=f"exams with and without the finding '{finding}'",
            got=f"{counts[1]} positive and {counts[0]} negative ones",
            remedy="give a label file (source.labels), label more exams, or use a larger test part",
        )


def draw_all(
    stored: JoinedStores, splits: pl.DataFrame, config: StudyConfig, plan: list[PlannedRun]
) -> dict[str, Draw]:
    """Draw the labels of every run; the same exams, configuration and plan give the same."""
    draws: dict[str, Draw] = {}
    ways = sorted({(run.acquisition, run.repeat) for run in plan})
    for way, repeat in ways:
        train, validation = (
            order_purchases(
                stored,
                splits,
                part=part,
                way=way,
                finding=config.finding,
                seed=config.seed,
                repeat=repeat,
            )
            for part in ("train", "validation")
        )
        for run in plan:
            if (run.acquisition, run.repeat) == (way, repeat):
                draws[run.run_id] = draw_labels(
                    train,
                    validation,
                    budget=run.budget,
                    validation_fraction=config.validation_fraction,
                    validation_from=config.validation_from,
                )
    return draws


def _prepare_features(
    storage: Storage,
    config: StudyConfig,
    stored: JoinedStores,
    missing: Sequence[PlannedRun],
    progress: Progress,
) -> None:
    """Compute features before runs begin side by side, each of which would compute them."""
    if not any(reads_features(run.learner, config.model, config.training) for run in missing):
        return
    from examwise.models.threads import cpu_threads
    from examwise.training.stored_features import compute_features

    with cpu_threads(config.training.n_threads):
        compute_features(
            f"{storage.url}/{FEATURES}",
            config.model,
            config.training,
            stored,
            accelerator=config.trainer.accelerator,
            progress=progress,
        )


def _write_plan(storage: Storage, plan: list[PlannedRun], stored: JoinedStores) -> None:
    inputs = [
        {
            "store": sha256_hex(store.storage.read(MANIFEST)),
            "splits": sha256_hex(store.storage.read(SPLITS.file)),
        }
        for store in stored.stores
    ]
    of_stores = inputs[0] if len(inputs) == 1 else {"stores": inputs}
    text = readable_json({**of_stores, "runs": [run.to_dict() for run in plan]})
    if storage.exists(PLAN) and storage.read(PLAN) != text:
        raise InputError(
            where=f"{storage.url}/{PLAN}",
            expected="the plan, the store and the splits with which the study began",
            got="others",
            remedy="restore the store, or run the study in a new directory",
        )
    storage.write(PLAN, text)


def _run_one(
    item: tuple[PlannedRun, Draw],
    *,
    out: str,
    stores: Sequence[str],
    tested: Mapping[str, str],
    config: StudyConfig,
) -> str:
    run, draw = item
    directory = f"{out}/runs/{run.run_id}"
    cached = reads_features(run.learner, config.model, config.training)
    features = f"{out}/{FEATURES}" if cached else None
    trained = train_run(
        stores=stores,
        label_set=draw.label_set,
        learner=run.learner,
        model=config.model,
        training=replace(config.training, seed=run.seed),
        trainer=config.trainer,
        features=features,
        out=directory,
        run_id=run.run_id,
    )
    for store, within in tested.items():
        predict_store(
            run=directory,
            store=store,
            out=f"{out}/predictions/{run.run_id}{within}",
            split=TEST_SPLIT,
            features=features,
        )
    parts = draw.label_set.frame["part"]
    row = {
        "run_id": run.run_id,
        "learner": run.learner,
        "label_kind": run.label_kind,
        "acquisition": run.acquisition,
        "budget": run.budget,
        "repeat": run.repeat,
        "seed": run.seed,
        "n_training_labels": int((parts == "train").sum()),
        "n_validation_labels": int((parts == "validation").sum()),
        "n_positive_labels": draw.n_positive,
        "n_exams_opened": draw.n_exams_opened,
        "reader_actions": draw.effort.actions,
        "reader_hours": draw.effort.hours(config.costs) if config.costs else None,
        "steps": trained.steps,
        "best_step": trained.best_step,
    }
    CommitLog(Storage(out)).commit(f"runs/{run.run_id}", objects={}, payload=row)
    return run.run_id
