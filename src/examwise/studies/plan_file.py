"""``plan.json``: every run of a study, and what it was planned for, before the first starts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from examwise.core.digests import readable_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.studies.budgets import SettledArm
from examwise.studies.plan import PlannedRun

PLAN = "plan.json"


def write_plan(
    storage: Storage,
    plan: Sequence[PlannedRun],
    arms: Sequence[SettledArm],
    stored: JoinedStores,
    external: Sequence[StoredExams],
) -> None:
    """Write the plan, or see that it is the one with which the study began.

    Raises:
        InputError: If it is another.
    """
    inputs = [_digests(store) for store in stored.stores]
    of_stores = inputs[0] if len(inputs) == 1 else {"stores": inputs}
    text = readable_json(
        {
            **of_stores,
            "external": [_digests(store) for store in external],
            "arms": [arm.to_dict() for arm in arms],
            "runs": [run.to_dict() for run in plan],
        }
    )
    if storage.exists(PLAN) and storage.read(PLAN) != text:
        raise InputError(
            where=f"{storage.url}/{PLAN}",
            expected="the plan, the stores and the splits with which the study began",
            got="others",
            remedy="restore the stores, or run the study in a new directory",
        )
    storage.write(PLAN, text)


def read_plan(storage: Storage) -> tuple[list[PlannedRun], int]:
    """Return the runs of a study that has been planned, and its number of external stores.

    Raises:
        InputError: If the plan is gone, or no plan.
    """
    try:
        found = json.loads(storage.read(PLAN))
        return [PlannedRun(**run) for run in found["runs"]], len(found["external"])
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            where=f"{storage.url}/{PLAN}",
            expected="the plan of this study",
            got=type(error).__name__,
            remedy="restore it, or run the study in a new directory",
        ) from error


def _digests(store: StoredExams) -> dict[str, str | None]:
    has_splits = store.storage.exists(SPLITS.file)
    return {
        "store": sha256_hex(store.storage.read(MANIFEST)),
        "splits": sha256_hex(store.storage.read(SPLITS.file)) if has_splits else None,
    }
