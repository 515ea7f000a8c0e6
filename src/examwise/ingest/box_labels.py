"""Slice labels from boxes and their absence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from examwise.core.schemas.findings import FINDINGS
from examwise.ingest.archive_labels import KINDS, Values


def slice_labels_from_boxes(
    images: Sequence[Collection[str]],
    exam: Values,
    *,
    all_negative: bool,
    doubtful: Collection[str] = (),
) -> list[Values] | None:
    """Return the labels of an exam's images; None where the exam does not count as annotated.

    An exam is annotated if an image of it has a box, or if every reader denied every finding.
    A slice is positive for the kinds that its boxes hold. It is negative for a kind without a box
    where the exam has boxes of that kind elsewhere or is itself negative for it: an exam that is
    positive for a kind nobody boxed has no slice labels of that kind. Where a box holds what the
    exam's label denies, nobody knows, and the slice has no label of that kind. ``any`` follows:
    positive with a box that the exam's label does not deny, negative where all five kinds are,
    else missing.

    Args:
        images: For each image the kinds that its boxes hold.
        exam: Labels of the exam.
        all_negative: Whether every reader denied every finding.
        doubtful: Kinds of which the absence of a box says nothing, because some were drawn on
            another series of the study, or a row about it could not be understood.

    Example:
        >>> images = [{"subdural"}, ()]
        >>> slice_labels_from_boxes(images, (1, 0, 1, 0, 0, 1), all_negative=False)
        [(1, 0, None, 0, 0, 1), (None, 0, None, 0, 0, 0)]
    """
    boxed = set().union(*images)
    if not boxed and (not all_negative or doubtful):
        return None
    stated = dict(zip(FINDINGS, exam, strict=True))
    present = {kind: None if 0 in (stated[kind], stated["any"]) else 1 for kind in KINDS}
    absent = {
        kind: 0 if kind not in doubtful and (kind in boxed or stated[kind] == 0) else None
        for kind in KINDS
    }
    return [_of_image(kinds, present, absent) for kinds in images]


def _of_image(
    kinds: Collection[str],
    present: Mapping[str, int | None],
    absent: Mapping[str, int | None],
) -> Values:
    values = {kind: present[kind] if kind in kinds else absent[kind] for kind in KINDS}
    known = {*values.values()}
    some = 1 if 1 in known else 0 if known == {0} else None
    return tuple(some if finding == "any" else values[finding] for finding in FINDINGS)
