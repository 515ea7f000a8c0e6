"""Following runs in experiment trackers: what a tracker is told, and what it is never told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import polars as pl

CURVES = {
    "roc": ("false_positive_rate", "true_positive_rate"),
    "precision_recall": ("recall", "precision"),
    "calibration": ("mean_probability", "positive_fraction"),
}
"""Last part of a table's name to the columns, across and up, that make a curve of each finding.

A tracker that can draw such a table does; the others keep it as the table that it is.
"""

_HIDDEN = "<path>"


@dataclass(frozen=True)
class TrackedRun:
    """What is followed.

    Attributes:
        run_id: The run's name, the same whenever the run is gone on with.
        kind: Kind of directory that it leaves: ``run``, ``predictions``, …
        configuration: Everything that determined it, nested.
        folder: Its directory, for trackers that write beside it; never sent.
    """

    run_id: str
    kind: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""

    def without_paths(self) -> TrackedRun:
        """Return the run as it may be sent.

        Example:
            >>> TrackedRun("a", "run", {"weights": "/home/doe/x.pth"}, "/data").without_paths()
            TrackedRun(run_id='a', kind='run', configuration={'weights': '<path>'}, folder='')
        """
        return replace(self, configuration=without_paths(self.configuration), folder="")


class Tracker(Protocol):
    """Keeps a run's figures, tables, pictures and files.

    Names are lower-case words; slashes group them (``test/roc``). What is sent holds pseudonyms
    only. Following a run again under the same ``run_id`` goes on with what is there: a metric
    that it has at a step is not kept twice.
    """

    def begin(self, run: TrackedRun) -> None:
        """Begin to follow a run, or go on with it."""

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Keep figures of one step; 0 for those of no step."""

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Keep a table of plain values."""

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Keep a picture."""

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Keep files together, as of one kind (``model``)."""

    def finish(self, *, failed: bool) -> None:
        """End, and let go of everything."""


def without_paths(value: Any) -> Any:
    r"""Return a configuration's value with everything that may be a path taken out.

    Folder names may hold names of patients and users, and URLs those of hosts.

    Example:
        >>> without_paths({"encoder": "my_package.nets:Tiny", "weights": "C:\\nets\\a.pth"})
        {'encoder': 'my_package.nets:Tiny', 'weights': '<path>'}
        >>> without_paths(["share/a.pth", 0.1, None])
        ['<path>', 0.1, None]
    """
    if isinstance(value, Mapping):
        return {str(key): without_paths(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(item) for item in value]
    if isinstance(value, Path):
        return _HIDDEN
    if isinstance(value, str):
        return _HIDDEN if "/" in value or "\\" in value or value.startswith("~") else value
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def flattened(configuration: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested configuration as dotted names to plain values.

    Example:
        >>> flattened({"model": {"width": 8, "findings": ["any"]}, "empty": {}})
        {'model.width': 8, 'model.findings': ['any']}
    """
    flat: dict[str, Any] = {}
    for key, value in configuration.items():
        name = f"{prefix}{key}"
        flat |= flattened(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat
