"""What happened to a store since its first import: what was added, what was withdrawn.

Every change begins with a record of its own, made exclusively, and ends with a manifest that names
it, so that an unfinished change is known by what the manifest does not say yet. No two changes are
under way at once: each begins only where all earlier ones are finished.

- ``imports/<index>.json``: an addition; 1 is the first after the import that made the store. Until
  it is finished, readers see the tables and the manifest as they were.
- ``removed/<exam_id>.json``: a withdrawn exam, with the rows that account for its files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from examwise.core.commits import CommitRecord
from examwise.core.digests import readable_json
from examwise.core.errors import InputError, IntegrityError
from examwise.core.manifest import BEGUN, MANIFEST, begun_kind, read_manifest
from examwise.core.storage import Storage

IMPORTS = "imports"
"""Folder of the records of additions."""

REMOVED = "removed"
"""Folder of the records of withdrawn exams."""

TAKE_BACK = "take it back: examwise remove STORE --unfinished-addition"
"""The other way to end an unfinished addition."""


@dataclass(frozen=True)
class Tombstone:
    """That an exam was withdrawn.

    Attributes:
        exam_id: The exam.
        patient_key: Its patient.
        whole_patient: Whether all of the patient was withdrawn, so that no later exam of the
            patient comes in either.
        files: Columns of :data:`~examwise.core.schemas.store.FILES`: its files, left out.
        study_id: Its study, where that is on record.
    """

    exam_id: str
    patient_key: str
    whole_patient: bool
    files: Mapping[str, Sequence[Any]]
    study_id: str | None = None


class StoreHistory:
    """The changes of one store, as its records say them.

    Args:
        storage: The store.
        n_imports: Only the first so many additions; all if None.

    Example:
        >>> StoreHistory(Storage("memory://no-history")).imports
        ()
    """

    def __init__(self, storage: Storage, *, n_imports: int | None = None) -> None:
        self._storage, self._n_imports = storage, n_imports

    @cached_property
    def imports(self) -> tuple[dict[str, Any], ...]:
        """Records of additions, the first one first."""
        found = [self._read(key) for key in self._storage.list(IMPORTS)]
        return tuple(sorted(found, key=lambda record: int(record["index"])))[: self._n_imports]

    @cached_property
    def removed(self) -> tuple[str, ...]:
        """Sorted identifiers of withdrawn exams."""
        keys = self._storage.list(REMOVED)
        return tuple(key.removeprefix(f"{REMOVED}/").removesuffix(".json") for key in keys)

    @cached_property
    def tombstones(self) -> tuple[Tombstone, ...]:
        """Records of withdrawn exams, sorted by exam."""
        found = (self._read(tombstone_key(exam_id)) for exam_id in self.removed)
        return tuple(
            Tombstone(**{k: record[k] for k in Tombstone.__dataclass_fields__ if k in record})
            for record in found
        )

    @property
    def manifest_fields(self) -> dict[str, Any]:
        """What the manifest of a finished store says of them; nothing where there is none."""
        fields = {"imports": list(self.imports), "removed": list(self.removed)}
        return {name: value for name, value in fields.items() if value}

    @property
    def pending(self) -> str:
        """The change that is not finished: ``import``, ``addition``, ``removal``, or empty."""
        storage = self._storage
        # An addition says how many exams had been withdrawn when it began.
        latest = self.imports[-1] if self.imports else {"n_removed": 0}
        if storage.exists(MANIFEST):
            known = json.loads(storage.read(MANIFEST))
            if len(known.get("imports", ())) < len(self.imports):
                return "addition"
            return "removal" if {*self.removed} != {*known.get("removed", ())} else ""
        if len(self.removed) > latest["n_removed"]:
            return "removal"
        return "addition" if self.imports else "import"

    def _read(self, key: str) -> dict[str, Any]:
        try:
            record = json.loads(self._storage.read(key))
            # Reading what callers rely on tells a record from anything else.
            known = (record["index"], record["n_removed"]) if "index" in record else record["files"]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                where=f"{self._storage.url}/{key}",
                expected="a record of a change",
                got="something else",
                remedy="restore it from a copy of the store",
            ) from error
        del known
        return dict(record)


def import_key(index: int) -> str:
    """Return the key of an addition's record.

    Example:
        >>> import_key(1)
        'imports/1.json'
    """
    return f"{IMPORTS}/{index}.json"


def tombstone_key(exam_id: str) -> str:
    """Return the key of the record that an exam was withdrawn.

    Example:
        >>> tombstone_key("e12")
        'removed/e12.json'
    """
    return f"{REMOVED}/{exam_id}.json"


def import_of(record: CommitRecord) -> int:
    """Return which import wrote a commit record; 0 is the first.

    Example:
        >>> import_of(CommitRecord("labels/2", {}, {"files": {}}))
        2
    """
    if record.item.startswith("labels/"):
        return int(record.item.removeprefix("labels/"))
    return int(max(record.payload.get("files", {}).get("import_index", ()), default=0))


def write_tombstone(storage: Storage, tombstone: Tombstone, *, again: bool = False) -> None:
    """Record that an exam is withdrawn; a record that is there stays unless written ``again``."""
    write = storage.write if again else storage.create
    write(tombstone_key(tombstone.exam_id), readable_json(vars(tombstone)))


def require_changeable(storage: Storage, *, allowed: str = "") -> StoreHistory:
    """Return the history of a store that can be changed now.

    Args:
        storage: The store.
        allowed: The kind of unfinished change that may be gone on with.

    Raises:
        InputError: If there is no store of this schema version, or another change of it is
            unfinished; names the command that finishes it.
    """
    history = StoreHistory(storage)
    if begun_kind(storage.url) != "exam-store":
        raise InputError(
            where=storage.url,
            expected="an exam store",
            got="none" if not storage.exists(BEGUN) else "a directory of another kind",
            remedy="check the path",
        )
    if storage.exists(MANIFEST):
        read_manifest(storage.url, kind="exam-store")
    pending = history.pending
    if pending not in ("", allowed):
        raise InputError(
            where=storage.url,
            expected="a store whose last change is finished",
            got=f"one with an unfinished {pending}",
            remedy=_FINISH[pending],
        )
    return history


_FINISH = {
    "import": "run the ingest command that began it again; it goes on where it was",
    "addition": "run the ingest command with --append that began it again; it goes on where it was"
    f"; or {TAKE_BACK}",
    "removal": "run examwise remove STORE with the same exams or patient again; it goes on where "
    "it was",
}
