"""What a stage's directory is: its manifest, and the files that it vouches for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examwise import __version__
from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.manifest import (
    MANIFEST_KEYS,
    MIGRATED_FROM,
    SCHEMA_VERSIONS,
    STORE_MANIFEST_KEYS,
)
from examwise.core.storage import Storage

MANIFEST = "manifest.json"
"""Written last: a directory without it is unfinished."""

BEGUN = "stage.json"
"""Written first."""

MIGRATE = "bring it to this version: examwise migrate STORE"
"""What to do about a store of an older schema."""

_RESTORE = "restore it, or make the directory again"


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
        outputs: Key to SHA-256 of the files that later stages rely on, where there are few.
        imports: What was added to a store since its first import, in this order; each as its
            record ``imports/<index>.json`` says.
        removed: Exams that were withdrawn from a store.
    """

    kind: str
    schema_version: int
    tool_version: str
    configuration: Mapping[str, Any]
    inputs: Mapping[str, str]
    seed: int | None
    outputs: Mapping[str, str]
    imports: tuple[Mapping[str, Any], ...] = ()
    removed: tuple[str, ...] = ()

    def read_output(self, storage: Storage, key: str) -> bytes:
        """Read a file of the directory that must be the one once written.

        Raises:
            InputError: If the file is gone.
            IntegrityError: If it has changed.
        """
        where = f"{storage.url}/{key}"
        try:
            data = storage.read(key)
        except FileNotFoundError:
            raise InputError(
                where=where, expected="a file of this directory", got="none", remedy=_RESTORE
            ) from None
        if sha256_hex(data) != self.outputs.get(key):
            raise IntegrityError(
                where=where, expected="the file once written", got="another", remedy=_RESTORE
            )
        return data


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
        fields |= {key: tuple(found.get(key, ())) for key in STORE_MANIFEST_KEYS}
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
            remedy=MIGRATE
            if found["schema_version"] in MIGRATED_FROM.get(kind, ())
            else f"make the directory again with examwise {__version__}, "
            f"or use the version that wrote it ({found['tool_version']})",
        )
    return Manifest(**fields)
