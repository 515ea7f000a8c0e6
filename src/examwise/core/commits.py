"""The commit protocol: data objects under their final keys first, then one small commit record.

What has no record does not exist: an interrupted stage leaves objects without a record, and the
next run writes them again. Tables are built from the records last. The protocol needs no rename
and holds on object stores as on disks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from examwise.core.digests import canonical_json, crc32c
from examwise.core.errors import IntegrityError
from examwise.core.storage import Storage

PREFIX = "commits"

_WRITERS = 8


@dataclass(frozen=True)
class CommitRecord:
    """That an item is finished, which objects it consists of, and its rows of the tables.

    Attributes:
        item: The item's name, unique within the directory.
        objects: Key to ``(length in bytes, CRC-32C)`` of every object of the item.
        payload: JSON-able content, such as the item's rows of the tables built last.
    """

    item: str
    objects: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)


class CommitLog:
    """The commit records of one directory.

    Example:
        >>> log = CommitLog(Storage("memory://commit-example"))
        >>> log.commit("exam-1", objects={"data/exam-1": b"pixels"}, payload={"slices": 3})
        >>> log.items(), log.read("exam-1").payload["slices"]
        (['exam-1'], 3)
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def commit(
        self, item: str, *, objects: Mapping[str, bytes], payload: Mapping[str, Any]
    ) -> None:
        """Write an item's objects, then the record that makes them exist."""
        # Most of a write is waiting for the disk or the network, and many files wait together.
        with ThreadPoolExecutor(max_workers=_WRITERS) as pool:
            for written in [pool.submit(self._storage.write, *one) for one in objects.items()]:
                written.result()
        written_objects = {key: (len(data), crc32c(data)) for key, data in objects.items()}
        self.rewrite(CommitRecord(item, written_objects, payload))

    def rewrite(self, record: CommitRecord) -> None:
        """Write a record anew, such as with other rows; its objects are there already."""
        content = {
            "item": record.item,
            "objects": {key: list(found) for key, found in record.objects.items()},
            "payload": record.payload,
        }
        self._storage.write(_record_key(record.item), canonical_json(content))

    def remove(self, item: str) -> None:
        """Delete an item's record, if it has one; its objects are deleted before."""
        self._storage.delete(_record_key(item))

    def items(self) -> list[str]:
        """Return the sorted names of all finished items."""
        return [
            key.removeprefix(f"{PREFIX}/").removesuffix(".json")
            for key in self._storage.list(PREFIX)
            if key.endswith(".json")
        ]

    def __contains__(self, item: str) -> bool:
        return self._storage.exists(_record_key(item))

    def read(self, item: str) -> CommitRecord:
        """Return one record.

        Raises:
            IntegrityError: If the record cannot be read as one.
        """
        key = _record_key(item)
        try:
            found = json.loads(self._storage.read(key))
            objects = {
                name: (int(size), int(crc)) for name, (size, crc) in found["objects"].items()
            }
            return CommitRecord(found["item"], objects, found["payload"])
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                where=key,
                expected="a commit record",
                got="something else",
                remedy="delete this record and run the stage again",
            ) from error

    def __iter__(self) -> Iterator[CommitRecord]:
        for item in self.items():
            yield self.read(item)


def _record_key(item: str) -> str:
    return f"{PREFIX}/{item}.json"
