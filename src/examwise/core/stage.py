"""A stage's directory: begun with a configuration, finished with a manifest.

``stage.json`` is written when the stage begins and ``manifest.json`` when everything else is in
place. A directory with the first alone is unfinished and can be gone on with by the same
configuration; any other use of it is refused.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from examwise import __version__
from examwise.core.command_line import describe_command
from examwise.core.digests import readable_json, sha256_hex
from examwise.core.errors import InputError, SchemaError
from examwise.core.manifest import BEGUN, MANIFEST, MIGRATE
from examwise.core.schemas.manifest import MIGRATED_FROM, SCHEMA_VERSIONS
from examwise.core.storage import Storage

PROVENANCE = "provenance.json"

_INPUTS = {
    "labels": "label file",
    "boxes": "box file",
    "masks": "masks and colours of masks",
    "files": "files of the source",
}
"""Role of an input to how messages name it."""

_FOLLOWS = (("inputs", "files"), ("configuration", "store_id"))
"""What differs where other things do: named last."""


class Stage:
    """A directory that one stage writes.

    Example:
        >>> stage = Stage.begin("memory://stage-example", kind="predictions",
        ...                     configuration={"a": 1}, inputs={}, seed=0)
        >>> stage.finished
        False
        >>> stage.finish()
        >>> stage.finished
        True
    """

    def __init__(self, storage: Storage, description: Mapping[str, Any]) -> None:
        self.storage = storage
        self._description = description
        self._started = time.time()

    @classmethod
    def begin(
        cls,
        url: str | Path,
        *,
        kind: str,
        configuration: Mapping[str, Any],
        inputs: Mapping[str, str],
        seed: int | None,
        renew: bool = False,
    ) -> Stage:
        """Begin a directory, or go on with one begun by the same configuration and inputs.

        Args:
            url: The directory.
            kind: What it is to be.
            configuration: Everything that determines its content, seed apart.
            inputs: Role to digest of every input.
            seed: The seed, or None where nothing is random.
            renew: Let a beginning of the same kind take other options, where nothing that
                depends on them has been written yet.

        Raises:
            InputError: If the directory holds something else, or was begun differently.
        """
        storage = Storage(url)
        description = json.loads(
            readable_json(
                {
                    "kind": kind,
                    "schema_version": SCHEMA_VERSIONS[kind],
                    "tool_version": __version__,
                    "configuration": configuration,
                    "inputs": inputs,
                    "seed": seed,
                }
            )
        )
        if not storage.exists(BEGUN) and (keys := storage.list()):
            raise InputError(
                where=storage.url,
                expected="an empty or new directory",
                got=f"{len(keys)} files that this stage did not write",
                remedy="choose another directory",
            )
        if not storage.create(BEGUN, readable_json(description)):
            _require_same(storage, description, renew=renew)
        return cls(storage, description)

    @classmethod
    def reopen(cls, url: str | Path) -> Stage:
        """Open a directory that was begun before, to finish it again after a change.

        Raises:
            SchemaError: If what says how it was begun cannot be read.
        """
        storage = Storage(url)
        return cls(storage, _read_begun(storage))

    @property
    def finished(self) -> bool:
        """Whether the directory is complete."""
        return self.storage.exists(MANIFEST)

    def finish(
        self,
        *,
        outputs: Sequence[str] = (),
        also: Mapping[str, Any] | None = None,
        again: bool = False,
    ) -> None:
        """Write provenance and manifest; call when everything else is in place.

        Args:
            outputs: Keys of the files, small and few, that later stages rely on.
            also: Further fields of the manifest.
            again: Write over the manifest that is there.
        """
        if self.finished and not again:
            return
        self.storage.sweep()
        self.storage.write(
            PROVENANCE,
            readable_json(
                {
                    "command": describe_command(sys.argv),
                    "finished_s": round(time.time(), 3),
                    "started_s": round(self._started, 3),
                    "platform": platform.platform(),
                    "python": platform.python_version(),
                }
            ),
        )
        digests = {key: sha256_hex(self.storage.read(key)) for key in outputs}
        whole = {**self._description, "outputs": digests, **(also or {})}
        self.storage.write(MANIFEST, readable_json(whole))


def _read_begun(storage: Storage) -> dict[str, Any]:
    try:
        return dict(json.loads(storage.read(BEGUN)))
    except (ValueError, TypeError) as error:
        raise SchemaError(
            where=f"{storage.url}/{BEGUN}",
            expected="JSON",
            got=str(error),
            remedy="choose another directory",
        ) from error


def require_begun(storage: Storage) -> None:
    """Raise if a directory that was begun is gone, such as with the disk that held it.

    What is written after that would come to lie where the disk was mounted.

    Raises:
        InputError: If it is gone.

    Example:
        >>> require_begun(Storage("memory://never-begun"))
        Traceback (most recent call last):
            ...
        examwise.core.errors.InputError: memory://never-begun: expected the directory once ...
    """
    if not storage.exists(BEGUN):
        raise InputError(
            where=storage.url,
            expected="the directory once begun",
            got="one without its first file",
            remedy="see that the disk is there (mounted), then run the same command again: it "
            "goes on where it was",
        )


def _require_same(storage: Storage, description: Mapping[str, Any], *, renew: bool) -> None:
    begun = _read_begun(storage)
    if begun.get("kind") != description["kind"]:
        raise InputError(
            where=storage.url,
            expected=f"a new directory, or one of kind {description['kind']}",
            got=f"one of kind {begun.get('kind')}",
            remedy="choose another directory",
        )
    kind, version = str(begun["kind"]), begun.get("schema_version")
    if storage.exists(MANIFEST) and version in MIGRATED_FROM.get(kind, ()):
        raise SchemaError(
            where=f"{storage.url}/{BEGUN}",
            expected=f"schema version {SCHEMA_VERSIONS[kind]}",
            got=version,
            remedy=MIGRATE,
        )
    if storage.exists(MANIFEST):
        # What is finished is only read: any version that knows its schema may do so.
        begun = {**begun, "tool_version": description["tool_version"]}
    different = sorted(
        path
        for path in _paths(begun) | _paths(description)
        if _at(begun, path) != _at(description, path)
    )
    if not different:
        return
    if renew:
        storage.write(BEGUN, readable_json(description))
        return
    path = min(different, key=_telling)
    if path[0] == "inputs":
        raise InputError(
            where=storage.url,
            expected=f"the {_INPUTS.get(path[-1], 'input')} with which it was begun "
            f"({'.'.join(path[1:])})",
            got="another, or one that has changed since",
            remedy="restore the input, or choose another directory",
        )
    raise InputError(
        where=storage.url,
        expected=f"to go on with {'.'.join(path)} = {_at(begun, path)}",
        got=_at(description, path),
        remedy="use the same options as before, or choose another directory",
    )


def _telling(path: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return _FOLLOWS.index(path) + 1 if path in _FOLLOWS else 0, path


def _paths(value: Any, prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if not isinstance(value, Mapping) or not value:
        return {prefix} if prefix else set()
    return set().union(*(_paths(child, (*prefix, key)) for key, child in value.items()))


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value
