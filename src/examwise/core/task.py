"""A task: which findings are looked for, in which series, through which window."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from examwise.core.checked_yaml import load_yaml
from examwise.core.errors import InputError

Kernel = Literal["soft", "bone", "any"]
"""Which convolution kernel an exam's series must have."""

_SHIPPED = resources.files("examwise.core") / "tasks"
_DEFAULT = "head_ich"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAME_WORDS = "small letters, digits and underscores (40 at most), a letter first"
_TAKEN = frozenset({"exam_id", "path", "row"})
_REQUIRED = ("name", "findings", "window_center", "window_width")
_LARGEST_FILE = 1 << 16


@dataclass(frozen=True)
class SeriesRule:
    """What a task wants of a series; None leaves it to the options of the import.

    Attributes:
        kernel: Of soft tissue, of bone, or any.
        select: ``one`` series of each study, or ``every`` one.
        min_slices: Fewest different positions of a series that can be an exam.
        wanted_thickness_mm: Of several series the one nearest to it is taken.
        min_thick_mm: Slices at least as thick are thick.
        average_thin_to_mm: Average thinner slices to about this thickness.
    """

    kernel: Kernel = "soft"
    select: Literal["one", "every"] | None = None
    min_slices: int | None = None
    wanted_thickness_mm: float | None = None
    min_thick_mm: float | None = None
    average_thin_to_mm: float | None = None

    def __post_init__(self) -> None:
        if self.kernel not in get_args(Kernel):
            raise _wrong("series.kernel", f"one of {', '.join(get_args(Kernel))}", self.kernel)
        if self.min_slices is not None and not (_is_whole(self.min_slices) and self.min_slices > 0):
            raise _wrong("series.min_slices", "a whole number above 0", self.min_slices)
        if self.select not in (None, "one", "every"):
            raise _wrong("series.select", "one or every", self.select)
        for name in ("wanted_thickness_mm", "min_thick_mm", "average_thin_to_mm"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value > 0):
                raise _wrong(f"series.{name}", "a number above 0", value)

    def given(self) -> dict[str, Any]:
        """Return what the rule states.

        Example:
            >>> SeriesRule(kernel="bone").given()
            {'kernel': 'bone'}
        """
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Task:
    """What is looked for, and where.

    Attributes:
        name: Name of the task.
        findings: What may be found in an exam, in the order in which every file lists them.
        window_center: Centre of the window that shows the findings, in HU.
        window_width: Its width in HU.
        summary_finding: The finding that is positive exactly where one of the others is; None if
            the findings stand for themselves. It is the first of them.
        series: Which series can be an exam.
        modality: ``CT``; no other can be read.

    Raises:
        InputError: If one of these cannot be.

    Example:
        >>> task = Task("head_fracture", ("fracture",), 500, 2500)
        >>> task.kinds, task.unknown
        ((), (None,))
    """

    name: str
    findings: tuple[str, ...]
    window_center: float
    window_width: float
    summary_finding: str | None = None
    series: SeriesRule = field(default_factory=SeriesRule)
    modality: str = "CT"

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and _NAME.fullmatch(self.name)):
            raise _wrong("name", _NAME_WORDS, self.name)
        _require_findings(self.findings)
        if self.summary_finding is not None and self.summary_finding != self.findings[0]:
            raise _wrong(
                "summary_finding", "the first of the findings, or nothing", self.summary_finding
            )
        if self.summary_finding is not None and len(self.findings) == 1:
            raise _wrong("summary_finding", "nothing where there is one finding", "that finding")
        for key in ("window_center", "window_width"):
            value = getattr(self, key)
            if not _is_number(value):
                raise _wrong(key, "a number of HU", value)
        if self.window_width <= 0:
            raise _wrong("window_width", "a number of HU above 0", self.window_width)
        if self.modality != "CT":
            raise InputError(
                where="modality",
                expected="CT",
                got=self.modality,
                remedy=f"images of modality {self.modality} cannot be read: "
                "nobody has written their reader yet",
            )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The findings that the summary finding sums up; none where there is no such."""
        return self.findings[1:] if self.summary_finding else ()

    @property
    def unknown(self) -> tuple[None, ...]:
        """Nothing known of any finding."""
        return (None,) * len(self.findings)


def load_task(task: str | Path) -> Task:
    """Read a task from its YAML file, or one that comes with the package by its name.

    Args:
        task: A path, or a name from :func:`shipped_tasks`.

    Raises:
        InputError: If there is none, or the file does not say what a task must.

    Example:
        >>> load_task("head_ich").summary_finding
        'any'
    """
    if isinstance(task, str) and task in shipped_tasks():
        return _parse((_SHIPPED / f"{task}.yaml").read_text(), task)
    path = Path(task)
    if not path.is_file():
        raise InputError(
            where=f"task {task}",
            expected=f"a YAML file, or one of {', '.join(shipped_tasks())}",
            got="a folder" if path.is_dir() else "no file of that name",
            remedy="check the path",
        )
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(
                where=path, expected="a short YAML file", got=f"{path.stat().st_size} bytes"
            )
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InputError(
            where=path,
            expected="a task in YAML, as UTF-8 text",
            got=getattr(error, "strerror", None) or "other bytes",
            remedy="check the path",
        ) from None
    return _parse(text, str(path))


def shipped_tasks() -> list[str]:
    """Return the names of the tasks that come with the package.

    Example:
        >>> "head_ich" in shipped_tasks()
        True
    """
    names = (entry.name for entry in _SHIPPED.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


@cache
def default_task() -> Task:
    """Return the task that is used where none is named: haemorrhage on head CT."""
    return load_task(_DEFAULT)


def _parse(text: str, where: str) -> Task:
    try:
        tree = load_yaml(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(
            where=f"{where}, line {mark.line + 1}" if mark else where,
            expected="YAML",
            got=getattr(error, "problem", None) or type(error).__name__,
            remedy="correct the file",
        ) from None
    try:
        return _task(tree)
    except InputError as error:
        raise InputError(
            where=f"{where}, {error.where}",
            expected=error.expected,
            got=error.got,
            remedy=error.remedy or "correct the file",
        ) from None


def _task(tree: object) -> Task:
    values = _mapping(tree, "task", Task)
    if missing := [name for name in _REQUIRED if name not in values]:
        raise _wrong(missing[0], "a value", "none")
    if not isinstance(values["findings"], list):
        raise _wrong("findings", "a list of names", values["findings"])
    values["findings"] = tuple(values["findings"])
    if values.get("series") is None:
        values.pop("series", None)
    else:
        values["series"] = SeriesRule(**_mapping(values["series"], "series", SeriesRule))
    return Task(**values)


def _mapping(tree: object, where: str, kind: type) -> dict[str, Any]:
    allowed = [part.name for part in fields(kind)]
    if not isinstance(tree, Mapping):
        raise _wrong(where, f"keys among {', '.join(allowed)}", type(tree).__name__)
    if strange := [key for key in tree if key not in allowed]:
        raise _wrong(where, f"only keys among {', '.join(allowed)}", strange[0])
    return dict(tree)


def _require_findings(findings: tuple[str, ...]) -> None:
    if not findings:
        raise _wrong("findings", "at least one name", "none")
    for finding in findings:
        if not (isinstance(finding, str) and _NAME.fullmatch(finding)):
            raise _wrong("findings", f"names of {_NAME_WORDS}", finding)
        if finding in _TAKEN:
            raise _wrong("findings", f"names other than {', '.join(sorted(_TAKEN))}", finding)
    if len(set(findings)) < len(findings):
        raise _wrong("findings", "different names", "one of them twice")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(where: str, expected: str, got: object) -> InputError:
    return InputError(where=where, expected=expected, got=got)
