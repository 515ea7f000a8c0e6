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
    where = f"{MANIFEST}, configuration.task"
    return task_on_record(manifest.configuration.get("task"), where=where)


def task_on_record(found: object, *, where: str) -> Task:
    """Return a task from plain values, as JSON holds them; the default one for None.

    Args:
        found: What is on record.
        where: How to name its place in messages.

    Raises:
        SchemaError: If it is no task.

    Example:
        >>> task_on_record(None, where="model.json, task").name
        'head_ich'
    """
    if found is None:
        return default_task()
    try:
        if not isinstance(found, Mapping):
            raise TypeError(type(found).__name__)
        series = SeriesRule(**found.get("series", {}))
        return Task(**{**found, "findings": tuple(found["findings"]), "series": series})
    except (InputError, TypeError, KeyError) as error:
        raise SchemaError(
            where=where,
            expected="a task",
            got=error,
            remedy="make what it belongs to again",
        ) from error
