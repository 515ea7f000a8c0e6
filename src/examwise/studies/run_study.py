"""Running a study: every run is an item with its commit record, so that none is done twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from examwise.core.commits import CommitLog
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress, SilentProgress
from examwise.core.progress_files import follow_files
from examwise.core.schemas.study import LABEL_FREE, RUNS
from examwise.imaging.joined_stores import JoinedStores
from examwise.studies.config import StudyConfig
from examwise.studies.frozen_protocol import (
    freeze_protocol,
    protocol_outputs,
    require_frozen_protocol,
)
from examwise.studies.one_run import FEATURES, PROGRESS, StudyWork, do_run, options_of
from examwise.studies.plan import PlannedRun
from examwise.studies.plan_file import write_plan
from examwise.studies.prepared_study import (
    FIRST,
    FULL,
    PreparedStudy,
    describe_fine_tuning,
)
from examwise.studies.run_engines import map_runs
from examwise.studies.run_tracking import require_trackers
from examwise.studies.settled_grid import describe_grid
from examwise.training.find_learner import reads_features

_N_EXTERNAL = "n_external"
"""Field of the manifest: on how many external stores all finished runs were tested."""

_ORDER = ("learner", "acquisition", "mode", "budget", "repeat")


@dataclass(frozen=True)
class StudySummary:
    """What a study did.

    Attributes:
        n_runs: Runs that were asked for, all finished.
        n_done_before: Runs that an earlier call had finished.
    """

    n_runs: int
    n_done_before: int


def run_study(
    study: PreparedStudy,
    *,
    answer: str | None = None,
    executor: Executor,
    progress: Progress | None = None,
) -> StudySummary:
    """Train and apply every run of the plan that is not finished yet.

    Leaves ``plan.json``, ``runs/``, ``predictions/`` (of the test patients, a directory a run, or
    one a run and store where there are several), ``external/1/predictions/`` and so on (of each
    external store in the order given), a commit record a run, ``runs.parquet``, and
    ``protocol.json`` where something is to be shown, before the plan. A finished study to which
    runs or external stores were added goes on; what it had is only read.

    Args:
        study: From :func:`~examwise.studies.prepared_study.prepare_study`.
        answer: The runs of one answer alone, ``first`` or ``full``; all if None.
        executor: Where runs run.
        progress: Where to report to.

    Raises:
        InputError: If a store has changed since the study began, what it had is gone, or a run
            fails.
    """
    progress = progress or SilentProgress()
    storage, config = study.stage.storage, study.config
    require_frozen_protocol(storage, config)
    _require_nothing_lost(study)
    freeze_protocol(storage, config, study.arms, study.stored, study.external)
    write_plan(
        storage,
        study.plan,
        study.arms,
        study.stored,
        study.external,
        fine_tuning=describe_fine_tuning(config),
        grid=describe_grid(config),
    )
    missing = study.missing(answer)
    if missing:
        require_trackers(config.tracking, storage.url, progress=progress)
        _prepare_features(study, missing, executor, progress)
        what = {FIRST: "Training and testing", FULL: "Training the encoder as well, and testing"}
        work = StudyWork(storage.url, study.stored.urls, study.sites, config)
        with (
            progress.track(what.get(answer or "", what[FIRST]), len(missing)) as advance,
            follow_files(Path(storage.url, PROGRESS), progress),
        ):
            items = [(run, study.draws.get(run.run_id)) for run in missing]
            for _ in map_runs(executor, partial(do_run, work=work), items, config):
                advance()
    log = CommitLog(storage)
    done = set(log.items())
    finished = [run for run in study.plan if f"runs/{run.run_id}" in done]
    rows = [dict(log.read(f"runs/{run.run_id}").payload) for run in finished]
    table = RUNS.frame(rows).sort(_ORDER)
    if missing or not study.stage.finished or not RUNS.read(storage).equals(table):
        RUNS.write(storage, table)
        study.stage.finish(
            outputs=protocol_outputs(config),
            also={_N_EXTERNAL: len(study.external)},
            again=True,
        )
    return StudySummary(n_runs=len(finished), n_done_before=len(finished) - len(missing))


def _require_nothing_lost(study: PreparedStudy) -> None:
    """See that everything is there that the study's manifest stands for."""
    storage = study.stage.storage
    if not study.stage.finished:
        return
    n_external = int(json.loads(storage.read(MANIFEST)).get(_N_EXTERNAL, 0))
    n_internal = len(study.sites) - len(study.external)
    known = study.sites[: n_internal + n_external]
    folders = [
        folder
        for run_id, mode in RUNS.read(storage).select("run_id", "mode").rows()
        for folder in (
            *(() if mode == LABEL_FREE else (f"runs/{run_id}",)),
            *(site.place(run_id) for site in known),
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


def _prepare_features(
    study: PreparedStudy,
    missing: Sequence[PlannedRun],
    executor: Executor,
    progress: Progress,
) -> None:
    """Compute features before runs begin side by side, each of which would compute them."""
    config: StudyConfig = study.config
    labelled = [run for run in missing if run.mode != LABEL_FREE]
    if not any(reads_features(run.learner, *options_of(run, config)[:2]) for run in labelled):
        return
    from examwise.training.stored_features import compute_features

    # Each store by itself: an archive that only tests may be of another key.
    for stored in (
        study.stored,
        *(JoinedStores([other.storage.url]) for other in study.external),
    ):
        compute_features(
            f"{study.stage.storage.url}/{FEATURES}",
            config.model,
            config.training,
            stored,
            accelerator=config.trainer.accelerator,
            progress=progress,
            executor=executor,
        )
