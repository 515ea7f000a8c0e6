"""What an import was made from: its own record, and whether another fits into the same store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from examwise import __version__
from examwise.core.digests import readable_json
from examwise.core.errors import InputError
from examwise.core.identity import Identity
from examwise.core.manifest import BEGUN
from examwise.core.storage import Storage
from examwise.imaging.store_history import TAKE_BACK, StoreHistory
from examwise.ingest.delivery import Delivery

_SHARED = {"key_id": "key", "matrix": "matrix", "task": "task"}


@dataclass(frozen=True)
class ImportRecord:
    """One import of a store.

    Attributes:
        index: 0 is the first.
        configuration: Everything that determined what came in, the files apart.
        inputs: Role to digest of what went in.
        n_removed: How many exams had been withdrawn when it began.
        tool_version: Version of this package that began it.
    """

    index: int
    configuration: Mapping[str, Any]
    inputs: Mapping[str, str]
    n_removed: int
    tool_version: str

    @classmethod
    def of(
        cls, delivery: Delivery, index: int, identity: Identity, *, n_removed: int
    ) -> ImportRecord:
        """Return the record of importing a delivery as the given import."""
        # A folder may be delivered twice, with other labels: paths then have other pseudonyms.
        store_id = identity.store_id(f"{delivery.layout} {index}", delivery.listing.digest)
        configuration = delivery.configuration(identity, store_id=store_id)
        whole = {"configuration": configuration, "inputs": delivery.inputs(identity)}
        return cls(
            index=index,
            **json.loads(readable_json(whole)),
            n_removed=n_removed,
            tool_version=__version__,
        )

    @property
    def store_id(self) -> str:
        """Name of its crosswalk."""
        return str(self.configuration["store_id"])

    @property
    def content(self) -> dict[str, Any]:
        """What its file in the store holds."""
        return dict(vars(self))

    def same_delivery(self, other: ImportRecord) -> bool:
        """Tell whether two imports are of the same files and labels, with the same options."""
        return self.inputs == other.inputs and self._options == other._options

    @property
    def _options(self) -> dict[str, Any]:
        return {name: value for name, value in self.configuration.items() if name != "store_id"}

    def require_same(self, begun: ImportRecord, storage: Storage) -> None:
        """Raise unless an unfinished import is this one.

        Raises:
            InputError: Names the first difference.
        """
        if self.same_delivery(begun) and self.tool_version == begun.tool_version:
            return
        names = sorted({*self._options, *begun._options})
        other = next((n for n in names if self._options.get(n) != begun._options.get(n)), None)
        if other is not None:
            expected = (
                f"to go on with the addition begun with {other} = {begun._options.get(other)}"
            )
            got: object = self._options.get(other)
        elif self.inputs != begun.inputs:
            roles = sorted({*self.inputs, *begun.inputs})
            role = next(role for role in roles if self.inputs.get(role) != begun.inputs.get(role))
            expected, got = f"to go on with the addition that was begun ({role})", "other files"
        else:
            expected, got = f"examwise {begun.tool_version}, which began it", self.tool_version
        raise InputError(
            where=storage.url,
            expected=expected,
            got=got,
            remedy="finish the unfinished addition first, by the command that began it, or "
            + TAKE_BACK,
        )


def earlier_imports(
    storage: Storage, history: StoreHistory
) -> tuple[list[ImportRecord], ImportRecord | None]:
    """Return the finished imports of a store, the first one first, and the unfinished one."""
    first = json.loads(storage.read(BEGUN))
    later = [ImportRecord(**record) for record in history.imports]
    fields = ("configuration", "inputs", "tool_version")
    records = [ImportRecord(0, n_removed=0, **{name: first[name] for name in fields}), *later]
    return (records[:-1], records[-1]) if history.pending == "addition" else (records, None)


def require_fitting(wanted: ImportRecord, first: ImportRecord, storage: Storage) -> None:
    """Raise unless an import can share a store with the first one.

    Raises:
        InputError: If key, matrix or task differ; says which.
    """
    for name, what in _SHARED.items():
        theirs, own = first.configuration.get(name), wanted.configuration.get(name)
        if theirs is None and name == "task":
            continue  # made before tasks had names: all were of the same one
        if theirs != own:
            said = what in ("matrix",)
            raise InputError(
                where=storage.url,
                expected=f"the store's own {what}" + (f", {theirs}" if said else ""),
                got=own if said else "another",
                remedy="give the same as for the first import"
                if name != "key_id"
                else "give the identity folder used when the store was made (--identity)",
            )
