"""Boxes of the BHX data set, which were drawn on images of CQ500 (Reis et al., 2020)."""

from __future__ import annotations

import ast
import math
import warnings
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from examwise.imaging.annotation_geometry import Box
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text
from examwise.ingest.image_boxes import ImageBox

BOX_FILE = "1_Initial_Manual_Labeling.csv"
"""The box file's name in the data set."""

_IMAGE, _DATA, _LABEL = "SOPInstanceUID", "data", "labelName"
_SERIES, _STUDY, _TYPE = "SeriesInstanceUID", "StudyInstanceUID", "labelType"
_DRAWN = "handdrawn"
_NAMES = {"x", "y", "width", "height"}
_LONGEST_LITERAL = 200
_KINDS = {
    "epidural": ("epidural", False),
    "intraparenchymal": ("intraparenchymal", False),
    "intraventricular": ("intraventricular", False),
    "subarachnoid": ("subarachnoid", False),
    "subdural": ("subdural", False),
    "chronic": ("subdural", True),
}


@dataclass(frozen=True)
class BoxFile:
    """What a box file says.

    Attributes:
        images: SOPInstanceUID to the boxes on that image, in the file's order.
        image_rows: SOPInstanceUID to the rows of the file that these came from.
        doubtful: SOPInstanceUID of images with a row that could not be understood.
        refused: Code of what is wrong to the rows of the file.
        n_rows: Rows of the file.
        series: SOPInstanceUID to the SeriesInstanceUID that each of its rows names, if it does.
        studies: SOPInstanceUID to the StudyInstanceUID that its rows name, if they do.
        other_types: Rows of boxes that are not said to be drawn by hand.
    """

    images: Mapping[str, tuple[ImageBox, ...]]
    image_rows: Mapping[str, tuple[int, ...]]
    doubtful: frozenset[str]
    refused: Mapping[str, tuple[int, ...]]
    n_rows: int
    series: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    studies: Mapping[str, str] = field(default_factory=dict)
    other_types: tuple[int, ...] = ()


def read_box_file(path: Path) -> BoxFile:
    """Read a box file; a row that cannot be understood is set aside with its number.

    Several boxes on an image are usual; a row that says the same again is passed over.

    Raises:
        InputError: If the file is no table, or lacks a column.
    """
    table = collect_csv_text(scan_csv_text(path, _IMAGE, _DATA, _LABEL), path).sort(ROW)
    images: dict[str, dict[ImageBox, int]] = defaultdict(dict)
    refused: dict[str, list[int]] = defaultdict(list)
    doubtful: set[str] = set()
    series: dict[str, list[str]] = defaultdict(list)
    studies: dict[str, str] = {}
    other_types: list[int] = []
    for row in table.iter_rows(named=True):
        number, image = int(row[ROW]), (row[_IMAGE] or "").strip()
        if study := (row.get(_STUDY) or "").strip():
            studies.setdefault(image, study)
        box = parse_box(row[_DATA] or "")
        kind = _KINDS.get((row[_LABEL] or "").strip().lower())
        if not image:
            refused["boxes_on_no_image"].append(number)
        elif box is None or kind is None:
            code = "boxes_malformed" if box is None else "boxes_of_unknown_kind"
            refused[code].append(number)
            doubtful.add(image)
        elif (found := ImageBox(box, *kind)) in images[image]:
            refused["boxes_repeated"].append(number)
        else:
            images[image][found] = number
            series[image].append((row.get(_SERIES) or "").strip())
            drawn = (row.get(_TYPE) or _DRAWN).replace(" ", "").replace("_", "").lower()
            if drawn != _DRAWN:
                other_types.append(number)
    kept = {image: found for image, found in images.items() if found}
    return BoxFile(
        images={image: tuple(found) for image, found in kept.items()},
        image_rows={image: tuple(found.values()) for image, found in kept.items()},
        doubtful=frozenset(doubtful),
        refused={code: tuple(rows) for code, rows in sorted(refused.items())},
        n_rows=table.height,
        series={image: tuple(found) for image, found in series.items()},
        studies=studies,
        other_types=tuple(other_types),
    )


def parse_box(text: str) -> Box | None:
    """Read a box written as a Python dict literal; None for anything else, which is never run.

    Example:
        >>> parse_box("{'x': 10.5, 'y': 20, 'width': 3.0, 'height': 4}")
        Box(x=10.5, y=20.0, width=3.0, height=4.0)
        >>> parse_box("__import__('os').getcwd()") is None
        True
    """
    if len(text) > _LONGEST_LITERAL:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would quote the text
            node = ast.parse(text.strip(), mode="eval").body
            value = ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if not isinstance(node, ast.Dict) or len(node.keys) != len(_NAMES) or value.keys() != _NAMES:
        return None
    if any(type(number) not in (int, float) for number in value.values()):
        return None
    box = Box(*(float(value[name]) for name in Box._fields))
    right = math.isfinite(sum(box)) and min(box.width, box.height) > 0
    return box if right else None
