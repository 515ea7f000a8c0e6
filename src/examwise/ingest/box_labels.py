"""Slice labels from boxes and their absence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import KINDS, Values


def slice_labels_from_boxes(
    images: Sequence[tuple[Collection[str], bool]], exam: Values, *, all_negative: bool
) -> list[Values] | None:
    """Return the labels of an exam's images; None where the exam does not count as annotated.

    An exam is annotated if an image of it has a box, or if every reader denied every finding.
    A slice is positive for the kinds that its boxes hold. It is negative for a kind without a box
    where the exam has boxes of that kind elsewhere or is itself negative for it: an exam that is
    positive for a kind nobody boxed has no slice labels of that kind. ``any`` follows: positive
    with a box, negative where all five kinds are, else missing.

    Args:
        images: For each image the kinds that its boxes hold, and whether a row about it could not
            be understood, so that the absence of a box says nothing.
        exam: Labels of the exam.
        all_negative: Whether every reader denied every finding, and nobody drew a box elsewhere.

    Example:
        >>> images = [({"subdural"}, False), ((), False)]
        >>> slice_labels_from_boxes(images, (1, 0, 1, 0, 0, 1), all_negative=False)
        [(1, 0, None, 0, 0, 1), (None, 0, None, 0, 0, 0)]
    """
    boxed = set().union(*(kinds for kinds, _ in images))
    if not boxed and (not all_negative or any(doubtful for _, doubtful in images)):
        return None
    stated = dict(zip(FINDINGS, exam, strict=True))
    absent = {kind: 0 if kind in boxed or stated[kind] == 0 else None for kind in KINDS}
    nothing = dict.fromkeys(KINDS)
    return [_of_image(kinds, nothing if doubtful else absent) for kinds, doubtful in images]


def _of_image(kinds: Collection[str], absent: Mapping[str, int | None]) -> Values:
    values = {kind: 1 if kind in kinds else absent[kind] for kind in KINDS}
    some = 1 if kinds else 0 if all(value == 0 for value in values.values()) else None
    return tuple(some if finding == "any" else values[finding] for finding in FINDINGS)
