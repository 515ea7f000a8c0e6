"""Reading explanations directories, and refusing those that don't go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, SchemaError
from examwise.core.manifest import MANIFEST, Manifest, read_manifest
from examwise.core.schemas.explanations import RANDOMISED, SALIENCY_SCORES, SLICE_VALUES
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema


@dataclass(frozen=True)
class Explanations:
    """What explanations directories hold together.

    Attributes:
        scores: ``SALIENCY_SCORES`` of all of them.
        randomised: ``RANDOMISED`` of all of them.
        values: ``SLICE_VALUES`` of all of them.
        inputs: Role to digest of every directory.
    """

    scores: pl.DataFrame = field(default_factory=lambda: SALIENCY_SCORES.frame([]))
    randomised: pl.DataFrame = field(default_factory=lambda: RANDOMISED.frame([]))
    values: pl.DataFrame = field(default_factory=lambda: SLICE_VALUES.frame([]))
    inputs: dict[str, str] = field(default_factory=dict)


def read_explanations(urls: Sequence[str]) -> Explanations:
    """Read explanations directories, in an order of their own.

    Args:
        urls: The directories; none is fine.

    Raises:
        InputError: If one is no finished explanations directory, or two explain the same slice of
            the same finding by the same run and method.
        IntegrityError: If a file in one is not the one once written.
        SchemaError: If a file in one breaks its schema.
    """
    found = sorted((_digest(url), url) for url in urls)
    inputs: dict[str, str] = {}
    parts: dict[str, list[pl.DataFrame]] = {}
    for digest, url in found:
        manifest = read_manifest(url, kind="explanations")
        for schema in (SALIENCY_SCORES, RANDOMISED, SLICE_VALUES):
            parts.setdefault(schema.file, []).append(_read(schema, manifest, Storage(url)))
        inputs[_role(manifest, taken=inputs)] = digest
    if not found:
        return Explanations()
    where = ", ".join(url for _, url in found)
    return Explanations(
        _together(SALIENCY_SCORES, parts, where),
        _together(RANDOMISED, parts, where),
        _together(SLICE_VALUES, parts, where),
        inputs,
    )


def _digest(url: str) -> str:
    read_manifest(url, kind="explanations")
    return "sha256:" + sha256_hex(Storage(url).read(MANIFEST))


def _read(schema: TableSchema, manifest: Manifest, storage: Storage) -> pl.DataFrame:
    """Return a table whose rows are of the run, method and finding that the manifest names."""
    manifest.read_output(storage, schema.file)
    table = schema.read(storage)
    names = ("run_id", "learner", "method", "finding")
    owner = tuple(manifest.configuration.get(name) for name in names)
    others = [row for row in table.select(names).unique().rows() if row != owner]
    if others:
        raise SchemaError(
            where=f"{storage.url}/{schema.file}",
            expected="one run, method and finding, those of the manifest",
            got=f"{len(others)} others",
            remedy="explain again",
        )
    return table


def _role(manifest: Manifest, *, taken: dict[str, str]) -> str:
    about = manifest.configuration
    role = f"explanations/{about['run_id']}/{about['method']}/{about['finding']}"
    number = sum(one == role or one.startswith(f"{role}/") for one in taken)
    return role if not number else f"{role}/{number + 1}"


def _together(
    schema: TableSchema, parts: dict[str, list[pl.DataFrame]], where: str
) -> pl.DataFrame:
    key = ["run_id", "method", *schema.key]
    table = pl.concat(parts[schema.file])
    if n_repeated := table.height - table.select(key).n_unique():
        raise InputError(
            where=where,
            expected="every slice once for each run, method and finding",
            got=f"{n_repeated} a second time in {schema.file}",
            remedy="name each explanations directory once, and one for each run and method",
        )
    return table.sort(key)
