"""One trial: a run with its own values of the options that are searched."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from typing import Any

from examwise.core.errors import InputError, IntegrityError
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.run import CHECKPOINT
from examwise.core.storage import Storage
from examwise.core.tracking import without_paths
from examwise.imaging.joined_stores import JoinedStores
from examwise.studies.tuning.config import TuningConfig
from examwise.studies.tuning.objective import objective_of
from examwise.studies.tuning.options import with_values
from examwise.studies.tuning.records import TrialRecords, run_folder
from examwise.studies.tuning.trial_training import TrialTraining
from examwise.studies.tuning.trial_watch import StoppedError, TrialWatch
from examwise.training.trackers import make_trackers
from examwise.training.trackers.follow import follow_directory
from examwise.training.trackers.isolation import IsolatedTracker, Trackers


@dataclass(frozen=True)
class TrialWork:
    """What every trial needs to know.

    Attributes:
        out: The tuning directory.
        stores: The exam stores.
        config: The search.
        training: The options that all trials have in common.
    """

    out: str
    stores: tuple[str, ...]
    config: TuningConfig
    training: TrialTraining

    def run(self, number: int) -> None:
        """Train a planned trial's run, or go on with it, and put on record what became of it.

        Options that cannot be trained with (a loss that is no longer finite, too large a model)
        make a failed trial, with the reason on record.

        Args:
            number: The trial's number.

        Raises:
            InputError: If it is not for the trial's own options that there is no run.
            IntegrityError: If stored pixels, or a file of the run, are damaged.
        """
        import torch

        storage = Storage(self.out)
        records = TrialRecords(storage)
        if records.is_finished(number):
            return
        stored = JoinedStores(self.stores)
        try:
            outcome = self._train(number, stored, records)
        except (torch.OutOfMemoryError, MemoryError) as error:
            outcome = _without_run("failed", reason=f"{type(error).__name__}: too large a model")
        except StoppedError as stopped:
            outcome = _without_run("stopped", steps=stopped.step)
        except IntegrityError:
            raise
        except InputError as error:
            self.training.plan(JoinedStores(self.stores))
            outcome = _without_run("failed", reason=_reason(error))
        if outcome["state"] != "done":
            folder = storage.child(run_folder(number)).local
            if folder is not None:
                shutil.rmtree((folder / CHECKPOINT).parent, ignore_errors=True)
        records.finish(number, outcome)

    def _train(self, number: int, stored: JoinedStores, records: TrialRecords) -> dict[str, Any]:
        values = records.values(number)
        if values is None:
            raise ValueError(f"trial {number} is not planned")
        training = with_values(self.training, values)
        out = f"{self.out}/{run_folder(number)}"
        everyone = range(self.config.trials) if self.config.stop_early else range(0)
        watch = TrialWatch(number, records, others=records.known(everyone, finished_only=True))
        watching = IsolatedTracker("tuning", watch, say=watch.say)
        own = make_trackers(training.tracking, folder=out)
        trackers = Trackers([*own, watching])
        was_finished = Storage(out).exists(MANIFEST)
        summary = training.train(stored, out=out, trackers=trackers, progress=watch)
        if watching.fault is not None:
            raise watching.fault
        if was_finished:
            # Perhaps it was interrupted between its end and the last that trackers are told.
            follow_directory(own, out)
        value = objective_of(
            out, stored, training, objective=self.config.objective, best_step=summary.best_step
        )
        if not math.isfinite(value):
            raise InputError(where="objective", expected="a finite number", got=value)
        return {
            "state": "done",
            "objective": value,
            "run_id": summary.run_id,
            "best_step": summary.best_step,
            "steps": summary.steps,
            "reason": _untold(own),
        }


def _without_run(
    state: str, *, steps: int | None = None, reason: str | None = None
) -> dict[str, Any]:
    nothing = {"objective": None, "run_id": None, "best_step": None}
    return {"state": state, "steps": steps, "reason": reason, **nothing}


def _untold(trackers: Trackers) -> str | None:
    failed = [f"{name} ({type(fault).__name__})" for name, fault in trackers.faults.items()]
    return f"not tracked by {', '.join(failed)}; examwise track sends it later" if failed else None


def _reason(error: InputError) -> str:
    """Return an error's words; paths have no place in a table."""
    where, expected, got = (
        without_paths(part) for part in (error.where, error.expected, error.got)
    )
    return f"{where}: expected {expected}, got {got}"
