"""What the exam viewer is given, as JSON: a list of exams, and one record for each of them.

The page's script asks a *provider* for them: in a report both stand in the page, while
``examwise view`` is asked over HTTP. Arrays are packed, Base64 of deflated bytes (see
:mod:`~examwise.reporting.exam_viewer.packing`). Places count the slices that a record holds, from
0 and lowest first; ``numbers`` says which slices of the exam they are, from 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from markupsafe import Markup


class LearnerEntry(TypedDict):
    """A run whose predictions are shown.

    Attributes:
        name: How it is called.
        run_id: The run.
        series: Number that picks its colour.
        threshold: At or above it an exam is called positive.
    """

    name: str
    run_id: str
    series: int
    threshold: float


class ExamEntry(TypedDict):
    """An exam in the list.

    Attributes:
        id: How the viewer calls it, unlike any other.
        exam_id: Its pseudonym.
        archive: Where it is from.
        truth: 1, 0, or None where it is not known.
        n_slices: Of the exam.
        probabilities: Of the exam, a learner each; None where it was not predicted.
        kinds: Codes of what makes it interesting, the leading one first.
        interest: Larger is more interesting.
        overlays: Which of ``boxes``, ``masks`` and ``maps`` it has.
    """

    id: str
    exam_id: str
    archive: str
    truth: int | None
    n_slices: int
    probabilities: list[float | None]
    kinds: list[str]
    interest: float
    overlays: list[str]


class ExamList(TypedDict):
    """All exams of the viewer.

    Attributes:
        finding: The finding that everything is about.
        learners: Whose predictions are shown.
        kinds: Code of a kind to how it is called, in the order in which kinds are offered.
        colours: Of a map's levels from 0, each red, green, blue and opacity, 0 to 255.
        exams: The most interesting first.
    """

    finding: str
    learners: list[LearnerEntry]
    kinds: dict[str, str]
    colours: list[tuple[int, int, int, int]]
    exams: list[ExamEntry]


class TrackEntry(TypedDict):
    """A value of every slice, by one learner.

    Attributes:
        learner: Its place among the learners.
        name: ``probability`` or ``attention``.
        values: One a place.
        full: Value of a bar of full height.
    """

    learner: int
    name: str
    values: list[float]
    full: float


class BoxEntry(TypedDict):
    """A box; edges in pixels of the record, of which the first begins at 0.

    Attributes:
        place: Of its slice.
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
        name: The finding that it holds.
    """

    place: int
    x: float
    y: float
    width: float
    height: float
    name: str


class MaskEntry(TypedDict):
    """Masks of the finding.

    Attributes:
        places: Of slices in which a mask shows the finding.
        drawn: Places of the slices that were drawn on; of others nothing is said.
        bits: Packed bits of those slices, eight pixels a byte, the first in its highest bit; each
            slice begins with a new byte.
    """

    places: list[int]
    drawn: list[int]
    bits: str


class MapEntry(TypedDict):
    """One run's maps of slices by one method.

    Attributes:
        name: Learner and method.
        learner: Place among the learners, or None for a run that is not one of them.
        places: Of slices that have a map.
        rows: Of a map; it covers the slice.
        columns: Of a map.
        levels: Packed levels, one byte a pixel, 0 is clear.
    """

    name: str
    learner: int | None
    places: list[int]
    rows: int
    columns: int
    levels: str


class PixelEntry(TypedDict):
    """Pixels of all places.

    Attributes:
        levels: HU of each level.
        data: Packed levels, one byte a pixel.
    """

    levels: list[int]
    data: str


class ExamRecord(TypedDict):
    """One exam.

    Attributes:
        id: How the viewer calls it.
        rows: Of a slice.
        columns: Of a slice.
        aspect: Width of a slice over its height.
        numbers: Of the slices, from 1.
        n_slices: Of the exam, all of them.
        truth: Of each slice: 1, 0 or None.
        tracks: What learners say of each slice.
        boxes: What experts framed.
        masks: What experts drew; None where no mask belongs to the exam.
        maps: What made the models give a slice its probability.
        pixels: None where slices are asked for one by one.
        first: Place at which the viewer begins.
    """

    id: str
    rows: int
    columns: int
    aspect: float
    numbers: list[int]
    n_slices: int
    truth: list[int | None]
    tracks: list[TrackEntry]
    boxes: list[BoxEntry]
    masks: MaskEntry | None
    maps: list[MapEntry]
    pixels: PixelEntry | None
    first: int


def to_json(value: ExamList | ExamRecord | Mapping[str, Any] | Sequence[Any]) -> str:
    """Write a value out, compactly.

    Raises:
        ValueError: If a number is not finite.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def inside_script(text: str) -> Markup:
    """Return JSON as it stands inside a ``script`` element, which nothing in it can end.

    Example:
        >>> "<" in inside_script('["</script>"]')
        False
    """
    return Markup(text.replace("<", "\\u003c"))
