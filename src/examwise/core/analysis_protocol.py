"""What an analysis was to be, put on record before its first result: ``protocol.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from examwise.core.digests import canonical_json, readable_json, sha256_hex
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.storage import Storage

PROTOCOL = "protocol.json"

LARGEST_MARGIN = 0.5
"""A learner worse by this much may know nothing at all."""

_RESTORE = "restore it, or run the study in a new directory"


def require_margin(margin: float, *, where: str) -> None:
    """Refuse a margin of non-inferiority that is none.

    Raises:
        InputError: Unless it is between 0 and 0.5.

    Example:
        >>> require_margin(0.03, where="margin")
    """
    if not 0 < margin < LARGEST_MARGIN:
        raise InputError(
            where=where,
            expected="an AUC difference between 0 and 0.5 that would not matter to patients",
            got=f"{margin:g}",
            remedy="0.03 to 0.05 is usual; choose it before there are results",
        )


@dataclass(frozen=True)
class RatioClaim:
    """Exam labels do as well as so many times as many slice labels.

    Attributes:
        margin: AUC by which they may do worse and still count as no worse.
        ratios: How many times as many, in the order of testing.
        weak_budget: Number of exam labels; the largest budget if None.
    """

    margin: float
    ratios: tuple[float, ...]
    weak_budget: int | None = None


@dataclass(frozen=True)
class AnalysisProtocol:
    """The confirmatory part of an analysis; everything else describes.

    Attributes:
        finding: What is to be found.
        margin: AUC by which the new learner may be worse and still count as no worse; None where
            that is not tested.
        primary_archive: Archive tested first; of several its joint name.
        archives: The primary one, then those that are tested only after it.
        target_auc: Exam AUC at which needs of labels are compared.
        budgets: Arm to its numbers of labels.
        seeds: What is drawn to its seed.
        new_learner: Learner that is to be no worse.
        reference_learner: Than this one.
        alpha: One-sided level of each test.
        claim: Which ratios of labels are claimed, if shown; None where none is.

    Raises:
        InputError: If the margin or the level is none, or the primary archive is not the first.
    """

    finding: str
    margin: float | None
    primary_archive: str
    archives: tuple[str, ...]
    target_auc: float
    budgets: Mapping[str, tuple[int, ...]]
    seeds: Mapping[str, int]
    new_learner: str = "weak"
    reference_learner: str = "strong"
    alpha: float = 0.025
    claim: RatioClaim | None = None

    def __post_init__(self) -> None:
        if self.margin is not None:
            require_margin(self.margin, where="analysis protocol, margin")
        if not 0 < self.alpha < 0.5:
            raise InputError(
                where="analysis protocol, alpha", expected="between 0 and 0.5", got=self.alpha
            )
        if self.archives[:1] != (self.primary_archive,):
            raise InputError(
                where="analysis protocol, archives",
                expected=f"the primary archive ({self.primary_archive}) first",
                got=", ".join(self.archives) or "none",
            )

    @property
    def sha256(self) -> str:
        """Digest of everything in it.

        Example:
            >>> protocol = AnalysisProtocol("any", 0.03, "a", ("a",), 0.8, {}, {})
            >>> protocol.sha256 == AnalysisProtocol("any", 0.04, "a", ("a",), 0.8, {}, {}).sha256
            False
        """
        return sha256_hex(canonical_json(asdict(self)))

    def to_json(self) -> bytes:
        """Return ``protocol.json``: the fields, and their digest as ``sha256``."""
        return readable_json({**asdict(self), "sha256": self.sha256})

    @classmethod
    def read(cls, storage: Storage) -> AnalysisProtocol:
        """Read a study's protocol.

        Args:
            storage: The study's directory.

        Raises:
            InputError: If there is none.
            SchemaError: If it is no protocol.
            IntegrityError: If its fields are not those of its digest.
        """
        where = f"{storage.url}/{PROTOCOL}"
        try:
            found = json.loads(storage.read(PROTOCOL))
            digest = found.pop("sha256")
            protocol = cls(**_fields(found))
        except FileNotFoundError:
            raise InputError(
                where=where, expected="the analysis protocol", got="no file", remedy=_RESTORE
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SchemaError(
                where=where,
                expected="the fields of an analysis protocol",
                got=type(error).__name__,
                remedy=_RESTORE,
            ) from error
        if protocol.sha256 != digest:
            raise IntegrityError(
                where=where,
                expected="the protocol as it was frozen",
                got="another",
                remedy=_RESTORE,
            )
        return protocol

    def freeze(self, storage: Storage, *, begun: bool) -> None:
        """Write it, or see that it is the one on record.

        A study that was extended has more budgets and archives than are on record: they were
        chosen when results were known.

        Args:
            storage: The study's directory.
            begun: Whether the study's runs may have begun: nothing is written any more then.

        Raises:
            InputError: If runs may have begun by another protocol, or by none.
        """
        if begun and (not storage.exists(PROTOCOL) or not self._extends(storage)):
            raise InputError(
                where=f"{storage.url}/{PROTOCOL}",
                expected="the protocol that was frozen before the first run",
                got="another" if storage.exists(PROTOCOL) else "none",
                remedy=_RESTORE,
            )
        if not begun:
            storage.write(PROTOCOL, self.to_json())

    def _extends(self, storage: Storage) -> bool:
        """Tell whether the protocol on record is this one, but for what was added later."""
        recorded = AnalysisProtocol.read(storage)
        same = replace(self, budgets=recorded.budgets, archives=recorded.archives) == recorded
        return (
            same
            and self.archives[: len(recorded.archives)] == recorded.archives
            and all(
                set(numbers) <= set(self.budgets.get(arm, ()))
                for arm, numbers in recorded.budgets.items()
            )
        )


def _fields(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **found,
        "margin": None if found["margin"] is None else float(found["margin"]),
        "claim": None
        if found.get("claim") is None
        else RatioClaim(**{**found["claim"], "ratios": tuple(found["claim"]["ratios"])}),
        "archives": tuple(found["archives"]),
        "budgets": {arm: tuple(numbers) for arm, numbers in found["budgets"].items()},
    }
