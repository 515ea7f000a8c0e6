"""Tuning: every trial is an item with its commit record, so that none is done twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from examwise.core.digests import canonical_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.extras import require
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.tuning import BEST, TRIALS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.tracking import without_paths
from examwise.core.writer_lock import sole_writer
from examwise.imaging.joined_stores import JoinedStores
from examwise.studies.tuning.config import TuningConfig
from examwise.studies.tuning.objective import require_objective
from examwise.studies.tuning.options import require_applicable, with_values
from examwise.studies.tuning.records import TrialRecords, run_folder
from examwise.studies.tuning.side_by_side import run_side_by_side
from examwise.studies.tuning.space import Space
from examwise.studies.tuning.suggestions import suggest
from examwise.studies.tuning.trial import TrialWork
from examwise.studies.tuning.trial_training import TrialTraining
from examwise.training.accelerator import require_accelerator
from examwise.training.run_plan import RunPlan

OUTPUTS = (TRIALS.file, BEST)
"""Files of a finished tuning that its manifest vouches for."""


@dataclass(frozen=True)
class TuningSummary:
    """What a tuning came to.

    Attributes:
        n_done: Trials that came to their end.
        n_stopped: Trials that were ended early.
        n_failed: Trials whose options could not be trained with.
        n_done_before: Trials that an earlier call had finished, of either kind.
        best_trial: Number of the best trial.
        best_objective: What it came to on the validation labels.
        best_options: Its values of the options that were searched.
        best_run: Directory of its run.
        best_config: The file with all its options.
        data_terms: Terms of use of the exams.
    """

    n_done: int
    n_stopped: int
    n_failed: int
    n_done_before: int
    best_trial: int
    best_objective: float
    best_options: dict[str, Any]
    best_run: str
    best_config: str
    data_terms: tuple[str, ...]


def tune(
    *,
    stores: Sequence[str],
    space: Space,
    config: TuningConfig,
    training: TrialTraining,
    out: str,
    n_workers: int = 1,
    progress: Progress | None = None,
) -> TuningSummary:
    """Search a space of options for those that do best on the validation labels.

    Leaves ``trials/<trial>/``, the run of each trial, ``trials.parquet`` and ``best.yaml``. An
    interrupted tuning goes on where it was, in a run from its checkpoint; with one worker it ends
    in the same trials as one that was not interrupted. A finished one is returned at once.

    Args:
        stores: The exam store, or several of one key, with splits.
        space: What is searched.
        config: How.
        training: The options that all trials have in common.
        out: The directory, on a local disk.
        n_workers: Trials at a time.
        progress: Where to report to.

    Raises:
        InputError: If the space does not fit the options, a run cannot be trained with those as
            they are, there is nothing on the validation side to compare by, no trial came to its
            end, or ``out`` holds something else or is being written to.
        IntegrityError: If stored pixels or a file that was written before are damaged.
    """
    progress = progress or SilentProgress()
    if Storage(out).local is None:
        raise InputError(
            where=out,
            expected="a directory on a local disk, where runs are trained",
            got="another kind of storage",
            remedy="tune into a local folder, and copy it when it is finished",
        )
    require("optuna")
    require_applicable(training, space, config.objective)
    if config.trials > space.size:
        raise InputError(
            where="tuning, trials",
            expected=f"at most {space.size:.0f}, the combinations that {space.where} has",
            got=config.trials,
            remedy="take fewer, or a larger space",
        )
    stored = JoinedStores(stores)
    plan = training.plan(stored)
    require_accelerator(plan.trainer.accelerator)
    require_objective(stored, plan.label_set, training, config.objective)
    with sole_writer(Storage(out)):
        stage = _begin(out, plan, space, config)
        records = TrialRecords(stage.storage)
        if stage.finished:
            summary = _summary(stage.storage, stored, n_done_before=config.trials)
            _require_all_there(stage.storage)
            return summary
        numbers = range(config.trials)
        missing = [number for number in numbers if not records.is_finished(number)]
        if missing:
            work = TrialWork(out, tuple(stores), config, training)
            with progress.track("Trials", len(missing)) as advance:
                run_side_by_side(
                    work.run,
                    _Next(records, space, config),
                    n_workers=n_workers,
                    on_gpu=training.trainer.accelerator != "cpu",
                    advance=advance,
                )
        table = TRIALS.frame([records.row(number) for number in numbers])
        best = _best(table, config)
        TRIALS.write(stage.storage, table)
        found = with_values(training, records.values(best["trial"]) or {})
        stage.storage.write(BEST, found.as_config().encode())
        stage.finish(outputs=OUTPUTS)
        return _summary(stage.storage, stored, n_done_before=config.trials - len(missing))


class _Next:
    """Returns the number of the next trial, with what it is to try on record, or None."""

    def __init__(self, records: TrialRecords, space: Space, config: TuningConfig) -> None:
        self._records = records
        self._space = space
        self._config = config
        self._waiting = [n for n in range(config.trials) if not records.is_finished(n)]

    def __call__(self) -> int | None:
        if not self._waiting:
            return None
        number = self._waiting.pop(0)
        if self._records.values(number) is None:
            known = self._records.known(range(self._config.trials))
            values = suggest(
                self._space,
                known,
                number=number,
                seed=self._config.seed,
                maximise=self._config.objective == "auc",
            )
            self._records.plan(number, values)
        return number


def _begin(out: str, plan: RunPlan, space: Space, config: TuningConfig) -> Stage:
    return Stage.begin(
        out,
        kind="tuning",
        configuration={
            "tuning": asdict(config),
            "space": without_paths(space.plain()),
            "training_seed": plan.training.seed,
            **plan.configuration,
        },
        inputs={**plan.inputs, "space": "sha256:" + sha256_hex(canonical_json(space.plain()))},
        seed=config.seed,
    )


def _best(table: pl.DataFrame, config: TuningConfig) -> dict[str, Any]:
    done = table.filter(pl.col("state") == "done")
    if not done.height:
        reasons = table["reason"].drop_nulls().to_list()
        raise InputError(
            where="tuning",
            expected="a trial that comes to its end",
            got=f"none of {table.height}; the first failed: {reasons[0]}" if reasons else "none",
            remedy="choose another space, and tune in a new directory",
        )
    # Of equals the first.
    order = done.sort(
        "objective", "trial", descending=[config.objective == "auc", False], maintain_order=True
    )
    return order.row(0, named=True)


def _require_all_there(storage: Storage) -> None:
    done = TRIALS.read(storage).filter(pl.col("state") == "done")
    folders = [run_folder(number) for number in done["trial"]]
    missing = [folder for folder in folders if not storage.exists(f"{folder}/{MANIFEST}")]
    if missing:
        raise InputError(
            where=storage.url,
            expected=f"the {len(folders)} runs of the finished tuning",
            got=f"{len(missing)} missing, {missing[0]} among them",
            remedy="restore them, or tune in a new directory",
        )


def _summary(storage: Storage, stored: JoinedStores, *, n_done_before: int) -> TuningSummary:
    manifest = read_manifest(storage.url, kind="tuning")
    for key in OUTPUTS:
        manifest.read_output(storage, key)
    table = TRIALS.read(storage)
    config = TuningConfig(**manifest.configuration["tuning"])
    best = _best(table, config)
    counts = {state: table.filter(pl.col("state") == state).height for state in _STATES}
    return TuningSummary(
        n_done=counts["done"],
        n_stopped=counts["stopped"],
        n_failed=counts["failed"],
        n_done_before=n_done_before,
        best_trial=best["trial"],
        best_objective=best["objective"],
        best_options=json.loads(best["options"]),
        best_run=storage.child(run_folder(best["trial"])).url,
        best_config=f"{storage.url}/{BEST}",
        data_terms=tuple(stored.data_terms),
    )


_STATES = ("done", "stopped", "failed")
