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
from examwise.core.manifest import BEGUN, MANIFEST
from examwise.core.schemas.manifest import SCHEMA_VERSIONS
from examwise.core.storage import Storage

PROVENANCE = "provenance.json"


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

    @property
    def finished(self) -> bool:
        """Whether the directory is complete."""
        return self.storage.exists(MANIFEST)

    def finish(self, *, outputs: Sequence[str] = ()) -> None:
        """Write provenance and manifest; call when everything else is in place.

        Args:
            outputs: Keys of the files, small and few, that later stages rely on.
        """
        if self.finished:
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
        self.storage.write(MANIFEST, readable_json({**self._description, "outputs": digests}))


def _require_same(storage: Storage, description: Mapping[str, Any], *, renew: bool) -> None:
    try:
        begun = dict(json.loads(storage.read(BEGUN)))
    except (ValueError, TypeError) as error:
        raise SchemaError(
            where=f"{storage.url}/{BEGUN}",
            expected="JSON",
            got=str(error),
            remedy="choose another directory",
        ) from error
    if begun.get("kind") != description["kind"]:
        raise InputError(
            where=storage.url,
            expected=f"a new directory, or one of kind {description['kind']}",
            got=f"one of kind {begun.get('kind')}",
            remedy="choose another directory",
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
    path = different[0]
    if path[0] == "inputs":
        raise InputError(
            where=storage.url,
            expected=f"the input with which it was begun ({'.'.join(path[1:])})",
            got="another, or one that has changed since",
            remedy="restore the input, or choose another directory",
        )
    raise InputError(
        where=storage.url,
        expected=f"to go on with {'.'.join(path)} = {_at(begun, path)}",
        got=_at(description, path),
        remedy="use the same options as before, or choose another directory",
    )


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
