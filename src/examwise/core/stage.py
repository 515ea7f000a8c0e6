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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examwise import __version__
from examwise.core.digests import readable_json
from examwise.core.errors import InputError, SchemaError
from examwise.core.schemas.manifest import MANIFEST_KEYS, SCHEMA_VERSIONS
from examwise.core.storage import Storage

MANIFEST = "manifest.json"
PROVENANCE = "provenance.json"
BEGUN = "stage.json"


@dataclass(frozen=True)
class Manifest:
    """What a finished directory is, and what it was made from.

    Attributes:
        kind: A key of :data:`examwise.core.schemas.manifest.SCHEMA_VERSIONS`.
        schema_version: Version of the directory's files.
        tool_version: Version of this package that wrote it.
        configuration: Everything that determined the content, seed apart.
        inputs: Role to digest of every input.
        seed: The seed, or None where nothing was random.
    """

    kind: str
    schema_version: int
    tool_version: str
    configuration: Mapping[str, Any]
    inputs: Mapping[str, str]
    seed: int | None


class Stage:
    """A directory that one stage writes.

    Example:
        >>> stage = Stage.begin("memory://stage-example", kind="predictions",
        ...                     configuration={"a": 1}, inputs={}, seed=0)
        >>> stage.finished
        False
        >>> stage.finish()
        >>> read_manifest("memory://stage-example", kind="predictions").configuration
        {'a': 1}
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
    ) -> Stage:
        """Begin a directory, or go on with one begun by the same configuration and inputs.

        Raises:
            InputError: If the directory holds something else, or was begun differently.
        """
        storage = Storage(url)
        description = json.loads(
            readable_json(
                {
                    "kind": kind,
                    "schema_version": SCHEMA_VERSIONS[kind],
                    "configuration": configuration,
                    "inputs": inputs,
                    "seed": seed,
                }
            )
        )
        if storage.exists(BEGUN):
            _require_same(storage, description)
        elif keys := storage.list():
            raise InputError(
                where=storage.url,
                expected="an empty or new directory",
                got=f"{len(keys)} files that this stage did not write",
                remedy="choose another directory",
            )
        else:
            storage.write(BEGUN, readable_json(description))
        return cls(storage, description)

    @property
    def finished(self) -> bool:
        """Whether the directory is complete."""
        return self.storage.exists(MANIFEST)

    def finish(self) -> None:
        """Write provenance and manifest; call when everything else is in place."""
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
        self.storage.write(
            MANIFEST, readable_json({**self._description, "tool_version": __version__})
        )


def begun_kind(url: str | Path) -> str | None:
    """Return the kind of a directory that a stage has begun; None for any other folder.

    Example:
        >>> begun_kind("memory://no-such-directory") is None
        True
    """
    storage = Storage(url)
    if not storage.exists(BEGUN):
        return None
    try:
        return str(json.loads(storage.read(BEGUN))["kind"])
    except (ValueError, KeyError, TypeError):
        return None


def describe_command(argv: list[str]) -> list[str]:
    """Return a command line with everything that may be a path taken out.

    Folder names may hold patients' names, so only options and plain words are kept.

    Example:
        >>> describe_command(["/usr/bin/examwise", "ingest", "rsna", "/data/DOE^JOHN", "--seed=1"])
        ['examwise', 'ingest', 'rsna', '<path>', '--seed=1']
    """
    words = [Path(argv[0]).name if argv else ""]
    for word in argv[1:]:
        option, equals, value = word.partition("=")
        named = equals and option.startswith("-")
        text = value if named else word
        # A plain word (a command's or a choice's name, a number) has none of these.
        if (
            not text.replace("-", "").replace("_", "").replace(".", "").isalnum()
            or Path(text).exists()
        ):
            text = "<path>" if not word.startswith("-") or named else word
        words.append(f"{option}={text}" if named else text)
    return words


def read_manifest(url: str | Path, *, kind: str) -> Manifest:
    """Read and check the manifest of a finished directory.

    Raises:
        InputError: If there is no finished stage of this kind at ``url``.
        SchemaError: If the directory was written in another schema version.
    """
    storage = Storage(url)
    if not storage.exists(MANIFEST):
        unfinished = storage.exists(BEGUN)
        raise InputError(
            where=storage.url,
            expected=f"a finished {kind} directory",
            got="an unfinished one" if unfinished else f"no {MANIFEST}",
            remedy="run the command that makes it again; it goes on where it was"
            if unfinished
            else "check the path",
        )
    where = f"{storage.url}/{MANIFEST}"
    try:
        found = json.loads(storage.read(MANIFEST))
        fields = {key: found[key] for key in MANIFEST_KEYS}
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(
            where=where,
            expected="JSON with the fields " + ", ".join(MANIFEST_KEYS),
            got=f"{type(error).__name__}: {error}",
        ) from error
    if found["kind"] != kind:
        raise InputError(
            where=storage.url,
            expected=f"a directory of kind {kind}",
            got=f"one of kind {found['kind']}",
            remedy="check the path",
        )
    if found["schema_version"] != SCHEMA_VERSIONS[kind]:
        raise SchemaError(
            where=where,
            expected=f"schema version {SCHEMA_VERSIONS[kind]}",
            got=found["schema_version"],
            remedy=f"make the directory again with examwise {__version__}, "
            f"or use the version that wrote it ({found['tool_version']})",
        )
    return Manifest(**fields)


def _require_same(storage: Storage, description: Mapping[str, Any]) -> None:
    try:
        begun = json.loads(storage.read(BEGUN))
    except ValueError as error:
        raise SchemaError(
            where=f"{storage.url}/{BEGUN}",
            expected="JSON",
            got=str(error),
            remedy="choose another directory",
        ) from error
    different = sorted(
        path
        for path in _paths(begun) | _paths(description)
        if _at(begun, path) != _at(description, path)
    )
    if different:
        path = different[0]
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
