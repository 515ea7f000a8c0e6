"""The task that a store was made for."""

from __future__ import annotations

from collections.abc import Mapping

from examwise.core.errors import InputError, SchemaError
from examwise.core.manifest import MANIFEST, Manifest
from examwise.core.task import SeriesRule, Task, default_task


def stored_task(manifest: Manifest) -> Task:
    """Return the task in a store's manifest; the default one where none is on record.

    Raises:
        SchemaError: If what stands there is no task.
    """
    found = manifest.configuration.get("task")
    if found is None:
        return default_task()
    try:
        if not isinstance(found, Mapping):
            raise TypeError(type(found).__name__)
        series = SeriesRule(**found.get("series", {}))
        return Task(**{**found, "findings": tuple(found["findings"]), "series": series})
    except (InputError, TypeError, KeyError) as error:
        raise SchemaError(
            where=f"{MANIFEST}, configuration.task",
            expected="a task",
            got=error,
            remedy="ingest the archive again",
        ) from error
