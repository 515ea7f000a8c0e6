"""What is on record of trials: what each is to try, how it goes, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from examwise.core.commits import CommitLog
from examwise.core.digests import canonical_json
from examwise.core.schemas.tuning import TRIAL_RUNS
from examwise.core.storage import Storage
from examwise.studies.tuning.suggestions import KnownTrial


class TrialRecords:
    """The records of a tuning directory.

    A trial is planned before it begins and done when its outcome is on record, so that whatever
    is interrupted is gone on with, with the same values, and nothing is done twice.

    Args:
        storage: The tuning directory.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._log = CommitLog(storage)

    def plan(self, number: int, values: Mapping[str, Any]) -> None:
        """Put on record what a trial is to try."""
        self._log.commit(_planned(number), objects={}, payload={"values": dict(values)})

    def values(self, number: int) -> dict[str, Any] | None:
        """Return what a trial is to try, None if it is not planned yet."""
        if _planned(number) not in self._log:
            return None
        return dict(self._log.read(_planned(number)).payload["values"])

    def finish(self, number: int, outcome: Mapping[str, Any]) -> None:
        """Put on record what became of a trial.

        Args:
            number: The trial's number.
            outcome: Its row of the table of trials but for number and options.
        """
        curve = self.curve(number)
        self._log.commit(
            _finished(number),
            objects={},
            payload={"outcome": dict(outcome), "curve": list(curve.items())},
        )

    def is_finished(self, number: int) -> bool:
        """Tell whether it is known what became of a trial."""
        return _finished(number) in self._log

    def row(self, number: int) -> dict[str, Any]:
        """Return a finished trial's row of the table of trials."""
        options = canonical_json(self.values(number)).decode()
        outcome = self._log.read(_finished(number)).payload["outcome"]
        return {"trial": number, "options": options, **outcome}

    def known(self, numbers: range, *, finished_only: bool = False) -> list[KnownTrial]:
        """Return those of some trials that have been planned, in order."""
        found = []
        for number in numbers:
            values = self.values(number)
            if values is None or (finished_only and not self.is_finished(number)):
                continue
            if not self.is_finished(number):
                found.append(KnownTrial(values, "running"))
                continue
            payload = self._log.read(_finished(number)).payload
            outcome = payload["outcome"]
            curve = {int(step): float(loss) for step, loss in payload["curve"]}
            found.append(KnownTrial(values, outcome["state"], outcome["objective"], curve))
        return found

    def add_to_curve(self, number: int, step: int, loss: float) -> None:
        """Put a running trial's validation loss on record."""
        curve = {**self.curve(number), step: loss}
        self._storage.write(_curve(number), canonical_json(sorted(curve.items())))

    def curve(self, number: int) -> dict[int, float]:
        """Return step to validation loss of a trial."""
        if not self._storage.exists(_curve(number)):
            return {}
        return {
            int(step): float(loss) for step, loss in json.loads(self._storage.read(_curve(number)))
        }


def trial_name(number: int) -> str:
    """Return a trial's name.

    Example:
        >>> trial_name(7)
        't0007'
    """
    return f"t{number:04d}"


def run_folder(number: int) -> str:
    """Return where a trial's run lies in the tuning directory.

    Example:
        >>> run_folder(7)
        'trials/t0007'
    """
    return f"{TRIAL_RUNS}/{trial_name(number)}"


def _planned(number: int) -> str:
    return f"planned/{trial_name(number)}"


def _finished(number: int) -> str:
    return f"trials/{trial_name(number)}"


def _curve(number: int) -> str:
    return f"curves/{trial_name(number)}.json"
