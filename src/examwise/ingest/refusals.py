"""What an import refuses before it writes anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.manifest import begun_kind
from examwise.core.storage import Storage
from examwise.imaging.reasons import REASONS
from examwise.ingest.config import LET_IN


def require_places(source: Path, store: Storage, identity: Identity, executor: Executor) -> None:
    """Raise unless a source, a store and a key lie where they may.

    Raises:
        InputError: If the source is no folder, store or key lie in it, the key lies in a directory
            that may be passed on, or several workers cannot share the store.
    """
    if not source.is_dir():
        raise InputError(
            where=source,
            expected="the archive's folder",
            got="a file" if source.exists() else "a path that does not exist",
            remedy="check the path",
        )
    if executor.n_workers > 1 and not store.shared:
        raise InputError(
            where=store.url,
            expected="one worker, or a store that processes share",
            got=f"{executor.n_workers} workers and a store in one process's memory",
            remedy="use one worker, or a folder or another URL for the store",
        )
    _require_apart(source, store.local, "store")
    _require_apart(source, identity.folder, "identity folder")
    _require_kept_back(identity.folder.resolve(), store.local)


def nothing_usable(source: Path, reasons: Iterable[str]) -> InputError:
    """Return the refusal of a source without any exam.

    Args:
        source: The source.
        reasons: Why each file is part of none.
    """
    counted = Counter(reasons)
    found = ", ".join(f"{number} {reason}" for reason, number in sorted(counted.items()))
    commonest = max(counted, key=lambda reason: (counted[reason], reason), default="")
    return InputError(
        where=source,
        expected="at least one CT exam (DICOM series, or NIfTI where the layout has it)",
        got=f"files refused as: {found}" if counted else "no files",
        remedy=f"{commonest}: {REASONS[commonest]}{_let_in(commonest)}"
        if commonest
        else "check the path",
    )


def _let_in(reason: str) -> str:
    option = LET_IN.get(reason)
    return f" To take such series: {option}" if option else ""


def _require_kept_back(folder: Path, store: Path | None) -> None:
    """Refuse a key inside what is passed on; a study's own directory stays with whoever ran it."""
    inside = store is not None and folder.is_relative_to(store.resolve())
    kinds = (begun_kind(place) for place in (folder, *folder.parents))
    kind = "exam-store" if inside else next((kind for kind in kinds if kind), None)
    if kind not in (None, "study"):
        raise InputError(
            where=folder,
            expected="the identity folder to lie outside of every directory that may be passed on",
            got=f"a folder within one of kind {kind}",
            remedy="choose another folder; the key must never travel with what it hides",
        )


def _require_apart(source: Path, folder: Path | None, what: str) -> None:
    if folder is not None and folder.resolve().is_relative_to(source.resolve()):
        raise InputError(
            where=folder,
            expected=f"the {what} to lie outside the source",
            got="a folder within it",
            remedy="choose another folder",
        )
