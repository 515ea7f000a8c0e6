"""``plan.json``: every run of a study, and what it was planned for, before the first starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from examwise.core.digests import readable_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.store import SPLITS
from examwise.core.storage import Storage
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.studies.arm_config import ArmConfig
from examwise.studies.budgets import SettledArm
from examwise.studies.plan import PlannedRun

PLAN = "plan.json"

_NEW = "restore what has changed, or run the study in a new directory"


@dataclass(frozen=True)
class WrittenPlan:
    """A plan on record.

    Attributes:
        inputs: Digests of the stores that labels come from.
        external: Digests of the external stores, in order.
        fine_tuning: How encoders are trained on, in plain values; None where they are not.
        arms: Arms as they were settled, in plain values.
        runs: Every run.
        rounds: What the study began with (``runs``, ``external``: how many), then what each
            extension added.
        grid: The grid whose arms these are, in plain values; None without one.
    """

    inputs: Mapping[str, Any]
    external: Sequence[Mapping[str, Any]]
    fine_tuning: Mapping[str, Any] | None
    arms: Sequence[Mapping[str, Any]]
    runs: Sequence[PlannedRun]
    rounds: Sequence[Mapping[str, int]]
    grid: Mapping[str, Any] | None = None

    @property
    def settled(self) -> tuple[ArmConfig, ...]:
        """The arms, every budget in numbers."""
        return tuple(
            ArmConfig(
                arm["learner"],
                arm["acquisition"],
                tuple(arm["budgets"]),
                repeats=None if arm["repeats"] is None else tuple(arm["repeats"]),
            )
            for arm in self.arms
        )

    def to_json(self) -> bytes:
        """Return the file's text."""
        return readable_json(
            {
                "inputs": self.inputs,
                "external": list(self.external),
                "fine_tuning": self.fine_tuning,
                "arms": list(self.arms),
                "runs": [run.to_dict() for run in self.runs],
                "rounds": list(self.rounds),
                "grid": self.grid,
            }
        )


def write_plan(
    storage: Storage,
    plan: Sequence[PlannedRun],
    arms: Sequence[SettledArm],
    stored: JoinedStores,
    external: Sequence[StoredExams],
    *,
    fine_tuning: Mapping[str, Any] | None = None,
    grid: Mapping[str, Any] | None = None,
) -> WrittenPlan:
    """Write the plan, or add to the one with which the study began.

    Args:
        storage: The study's directory.
        plan: Every run.
        arms: Every arm.
        stored: The stores that labels come from.
        external: Stores that are tested on and nothing else, in order.
        fine_tuning: How encoders are trained on, in plain values.
        grid: The grid that the arms come from, in plain values.

    Raises:
        InputError: If stores, splits or a run differ from those with which the study began, or
            runs or external stores are missing.
    """
    written = WrittenPlan(
        inputs={"stores": [_digests(store) for store in stored.stores]},
        external=[_digests(store) for store in external],
        fine_tuning=fine_tuning,
        arms=[arm.to_dict() for arm in arms],
        runs=tuple(plan),
        rounds=[{"runs": len(plan), "external": len(external)}],
        grid=grid,
    )
    if storage.exists(PLAN):
        written = _extended(read_plan(storage), written, where=f"{storage.url}/{PLAN}")
    storage.write(PLAN, written.to_json())
    return written


def read_plan(storage: Storage) -> WrittenPlan:
    """Return the plan of a study.

    Raises:
        InputError: If the plan is gone, or no plan.
    """
    try:
        found = json.loads(storage.read(PLAN))
        return WrittenPlan(
            inputs=dict(found["inputs"]),
            external=list(found["external"]),
            fine_tuning=found["fine_tuning"],
            arms=list(found["arms"]),
            runs=tuple(PlannedRun(**run) for run in found["runs"]),
            rounds=list(found["rounds"]),
            grid=found.get("grid"),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            where=f"{storage.url}/{PLAN}",
            expected="the plan of this study",
            got=type(error).__name__,
            remedy="restore it, or run the study in a new directory",
        ) from error


def _extended(old: WrittenPlan, new: WrittenPlan, *, where: str) -> WrittenPlan:
    """Return the new plan with the old one's history, if it holds all of the old one."""
    if json.loads(readable_json(old.inputs)) != json.loads(readable_json(new.inputs)):
        raise InputError(
            where=where,
            expected="the stores and the splits with which the study began",
            got="others",
            remedy=_NEW,
        )
    n_known = len(old.external)
    if [*old.external] != [*new.external[:n_known]]:
        raise InputError(
            where=where,
            expected=f"the {n_known} external stores with which the study was made, first and in "
            "their order",
            got=f"{len(new.external)}"
            + (", others among them" if len(new.external) >= n_known else ""),
            remedy=_NEW,
        )
    tuned = json.loads(readable_json({"fine_tuning": new.fine_tuning}))["fine_tuning"]
    if old.fine_tuning is not None and old.fine_tuning != tuned:
        raise InputError(
            where=where,
            expected="study.fine_tuning as it was when the study began, but for more budgets and "
            "repeats",
            got="another" if tuned else "none",
            remedy=_NEW,
        )
    by_name = {run.run_id: run for run in new.runs}
    gone = [run.run_id for run in old.runs if by_name.get(run.run_id) != run]
    if gone:
        raise InputError(
            where=where,
            expected=f"the {len(old.runs)} runs with which the study began, and perhaps more",
            got=f"{len(gone)} missing or others, {gone[0]} among them",
            remedy="keep its arms, budgets and repeats, and add to them, or run the study in a "
            "new directory",
        )
    added = {
        "runs": len(new.runs) - len(old.runs),
        "external": len(new.external) - n_known,
    }
    rounds = [*old.rounds, added] if any(added.values()) else old.rounds
    return replace(new, rounds=rounds)


def _digests(store: StoredExams) -> dict[str, str | None]:
    has_splits = store.storage.exists(SPLITS.file)
    return {
        "store": sha256_hex(store.storage.read(MANIFEST)),
        "splits": sha256_hex(store.storage.read(SPLITS.file)) if has_splits else None,
    }
