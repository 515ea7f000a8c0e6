"""What a store's task says of a model, where the user says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from examwise.core.errors import InputError
from examwise.core.task import Task
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_task import stored_task


def common_task(stores: Sequence[StoredExams]) -> Task:
    """Return the task that stores were made for.

    Raises:
        InputError: If they have several.
    """
    tasks = {store.name: stored_task(store.manifest) for store in stores}
    task = next(iter(tasks.values()))
    if any(other != task for other in tasks.values()):
        raise InputError(
            where=", ".join(tasks),
            expected="stores of one task",
            got=", ".join(other.name for other in tasks.values()) + ", store by store",
            remedy="ingest all archives with the same task",
        )
    return task


def model_defaults(task: Task, prefix: str) -> dict[str, Any]:
    """Return default options of a model: the task's findings and window.

    Where a finding sums up the others it stands alone; otherwise there are all of them.

    Args:
        task: The task.
        prefix: Where the model's options stand among those of the command.

    Example:
        >>> task = Task("head_fracture", ("fracture",), 500, 2500)
        >>> model_defaults(task, "model")["model.findings"]
        ('fracture',)
    """
    findings = (task.summary_finding,) if task.summary_finding else task.findings
    return {
        f"{prefix}.findings": findings,
        f"{prefix}.window_center_hu": float(task.window_center),
        f"{prefix}.window_width_hu": float(task.window_width),
    }
