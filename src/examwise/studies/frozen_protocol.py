"""Putting a study's confirmatory analysis on record before its first run."""

from __future__ import annotations

from collections.abc import Sequence

from examwise.core.analysis_protocol import PROTOCOL, AnalysisProtocol, RatioClaim
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.storage import Storage
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.studies.arm_config import ALL
from examwise.studies.budgets import SettledArm
from examwise.studies.config import STRONG, WEAK, StudyConfig
from examwise.studies.plan_file import PLAN


def freeze_protocol(
    storage: Storage,
    config: StudyConfig,
    arms: Sequence[SettledArm],
    stored: JoinedStores,
    external: Sequence[StoredExams],
) -> None:
    """Write ``protocol.json``, or see that it is the one with which the study began.

    Nothing is done for a study that is to show nothing.

    Args:
        storage: The study's directory; its plan is written after this, and so is every run.
        config: The study.
        arms: Its arms, every budget in numbers.
        stored: The stores whose labels are bought.
        external: Stores that are tested on and nothing else, in order.

    Raises:
        InputError: If the study began by another protocol, or an external store holds several
            archives.
    """
    if not protocol_outputs(config):
        return
    primary = " + ".join(stored.exams["archive"].unique().sort())
    protocol = AnalysisProtocol(
        finding=config.finding,
        margin=None if config.non_inferiority is None else config.non_inferiority.margin,
        primary_archive=primary,
        archives=(primary, *(_archive(store) for store in external)),
        target_auc=config.target_auc,
        budgets={
            f"{settled.arm.learner}, drawn by {settled.arm.acquisition}": settled.arm.numbers
            for settled in arms
        },
        seeds={"study": config.seed},
        new_learner=WEAK,
        reference_learner=STRONG,
        claim=_claim(config),
    )
    protocol.freeze(storage, begun=storage.exists(PLAN))


def protocol_outputs(config: StudyConfig) -> tuple[str, ...]:
    """Return the files of a protocol that a study's manifest vouches for."""
    nothing = config.non_inferiority is None and config.claims is None
    return () if nothing else (PROTOCOL,)


def require_frozen_protocol(storage: Storage, config: StudyConfig) -> None:
    """See that a finished study's protocol is the one that its manifest vouches for.

    Args:
        storage: The study's directory.
        config: The study.

    Raises:
        InputError: If it is gone.
        IntegrityError: If it has changed.
    """
    if storage.exists(MANIFEST):
        for key in protocol_outputs(config):
            read_manifest(storage.url, kind="study").read_output(storage, key)


def _claim(config: StudyConfig) -> RatioClaim | None:
    claims = config.claims
    if claims is None:
        return None
    budget = None if claims.weak_budget == ALL else claims.weak_budget
    return RatioClaim(claims.margin, claims.ratios, budget)


def _archive(store: StoredExams) -> str:
    names = store.exams["archive"].unique().sort().to_list()
    if len(names) != 1:
        raise InputError(
            where=store.name,
            expected="one archive, to be tested by itself",
            got=", ".join(names) or "no exam",
        )
    return str(names[0])
