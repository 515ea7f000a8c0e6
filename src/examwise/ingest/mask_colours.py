"""What the colours of masks mean, and which image each mask belongs to: a small YAML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from examwise.core.checked_yaml import load_yaml
from examwise.core.errors import InputError
from examwise.core.schemas.annotations import MOST_MASK_FINDINGS
from examwise.core.task import Task
from examwise.imaging.colour_masks import Colour

MaskMatch = Literal["sop_instance_uid", "file_name", "list"]
"""How a mask names its image."""

NO_FINDING = ("background", "ignore")
"""What a colour may mean that is no finding; both come to the same."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_KEYS = ("colours", "match", "pattern", "list", "tolerance", "largest_unlisted_share")
_LARGEST_FILE = 1 << 16
_MOST_TOLERANCE = 100


@dataclass(frozen=True)
class MaskColours:
    """What the colours of masks mean, and which image each mask belongs to.

    Attributes:
        meanings: Colour to a finding of the task; None for a colour that is no finding.
        match: A mask is named like its image's SOPInstanceUID, like its image's file, or stands
            beside it in a list.
        pattern: Regular expression whose only group is that name within the mask's name without
            suffix; None if all of it is.
        list_file: The list, a CSV file with columns ``mask`` and ``path``.
        tolerance: Largest difference of red, green or blue from a colour of the list.
        largest_unlisted_share: A mask with a larger share of pixels of other colours is refused.
    """

    meanings: Mapping[Colour, str | None]
    match: MaskMatch = "sop_instance_uid"
    pattern: str | None = None
    list_file: Path | None = None
    tolerance: int = 0
    largest_unlisted_share: float = 0.001

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings that a colour stands for."""
        return tuple(dict.fromkeys(name for name in self.meanings.values() if name))


def read_mask_colours(path: Path, task: Task) -> MaskColours:
    """Read the file that says what colours mean.

    Args:
        path: The file.
        task: Whose findings they mean.

    Raises:
        InputError: If it does not say what it must.
    """
    tree = _tree(path)
    meanings = _meanings(path, tree.get("colours"), task)
    match = tree.get("match", "sop_instance_uid")
    if match not in get_args(MaskMatch):
        raise _wrong(path, "match", f"one of {', '.join(get_args(MaskMatch))}", match)
    tolerance = tree.get("tolerance", 0)
    if type(tolerance) is not int or not 0 <= tolerance <= _MOST_TOLERANCE:
        raise _wrong(path, "tolerance", f"a whole number, 0 to {_MOST_TOLERANCE}", tolerance)
    _require_apart(path, list(meanings), tolerance)
    share = tree.get("largest_unlisted_share", MaskColours.largest_unlisted_share)
    if type(share) not in (int, float) or not 0 <= share < 1:
        raise _wrong(path, "largest_unlisted_share", "a number from 0 to below 1", share)
    return MaskColours(
        meanings=meanings,
        match=match,
        pattern=_pattern(path, tree.get("pattern"), match),
        list_file=_list_file(path, tree.get("list"), match),
        tolerance=tolerance,
        largest_unlisted_share=float(share),
    )


def _tree(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise _wrong(path, "", "a short YAML file", f"{path.stat().st_size} bytes")
        tree = load_yaml(path.read_text("utf-8-sig"))
    except OSError as error:
        raise _wrong(path, "", "a YAML file", error.strerror) from None
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError) as error:
        problem = getattr(error, "problem", None) or type(error).__name__
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else ""
        raise _wrong(path, line, "YAML, as UTF-8 text", problem) from None
    if not isinstance(tree, dict) or "colours" not in tree:
        raise _wrong(path, "", "a key colours", "none")
    if strange := [key for key in tree if key not in _KEYS]:
        raise _wrong(path, "", f"only keys among {', '.join(_KEYS)}", strange[0])
    return tree


def _meanings(path: Path, colours: object, task: Task) -> dict[Colour, str | None]:
    if not isinstance(colours, dict) or not colours:
        raise _wrong(path, "colours", 'lines like "#ff0000": FINDING', colours)
    if len(task.findings) > MOST_MASK_FINDINGS:
        raise InputError(
            where=f"task {task.name}",
            expected=f"{MOST_MASK_FINDINGS} findings at most where there are masks",
            got=len(task.findings),
            remedy="leave the masks out, or name a task of fewer findings",
        )
    known = (*task.findings, *NO_FINDING)
    meanings: dict[Colour, str | None] = {}
    for colour, meaning in colours.items():
        if not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
            raise _wrong(path, "colours", 'colours as "#rrggbb", in quotation marks', colour)
        if meaning not in known:
            raise _wrong(path, f"colours, {colour}", f"one of {', '.join(known)}", meaning)
        red, green, blue = bytes.fromhex(colour[1:])
        if (red, green, blue) in meanings:
            raise _wrong(path, "colours", "different colours", f"{colour} twice")
        meanings[red, green, blue] = None if meaning in NO_FINDING else str(meaning)
    if not any(meanings.values()):
        raise _wrong(path, "colours", "a colour that stands for a finding", "none")
    return meanings


def _require_apart(path: Path, colours: list[Colour], tolerance: int) -> None:
    for index, one in enumerate(colours):
        for other in colours[:index]:
            apart = max(abs(a - b) for a, b in zip(one, other, strict=True))
            if apart <= 2 * tolerance:
                raise _wrong(
                    path,
                    "tolerance",
                    "less than half the difference of any two colours",
                    f"{tolerance}, where two are {apart} apart",
                )


def _pattern(path: Path, pattern: object, match: str) -> str | None:
    if pattern is None:
        return None
    try:
        groups = re.compile(pattern).groups if isinstance(pattern, str) else 0
    except re.error:
        groups = 0
    if groups != 1 or match == "list":
        expected = "a regular expression with one group, and no match: list beside it"
        raise _wrong(path, "pattern", expected, pattern)
    return str(pattern)


def _list_file(path: Path, name: object, match: str) -> Path | None:
    if (match == "list") != isinstance(name, str):
        raise _wrong(path, "list", "a CSV file where match is list, else nothing", name)
    return path.parent / name if isinstance(name, str) else None


def _wrong(path: Path, key: str, expected: str, got: object) -> InputError:
    where = f"{path}, {key}" if key else str(path)
    return InputError(where=where, expected=expected, got=got, remedy="correct the file")
