"""What an archive says of thin slices, said of the slabs that they were averaged to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from examwise.imaging.annotation_geometry import Box
from examwise.imaging.slabs import Slabs, union_boxes
from examwise.ingest.archive_labels import Values, exam_values

_Row = Mapping[str, Any]


def slab_values(
    values: Sequence[Values], places: Sequence[int], slabs: Slabs
) -> tuple[Values, ...]:
    """Work out the labels of slabs.

    Positive where one slice is, negative where all are known to be, else unknown.

    Args:
        values: Labels of each place.
        places: For each slice, lowest first, its place.
        slabs: The slabs.

    Example:
        >>> slab_values([(0,), (1,), (0,), (None,)], [0, 1, 2, 3], Slabs(2, 2))
        ((1,), (None,))
    """
    each = slabs.slices_each
    return tuple(
        exam_values(values[place] for place in places[slab * each : (slab + 1) * each])
        for slab in range(slabs.n_slabs)
    )


def slab_boxes(rows: Sequence[_Row], slabs: Slabs) -> list[dict[str, Any]]:
    """Bring rows of boxes on slices to slabs; those of one finding that overlap become one.

    Args:
        rows: Rows of :data:`~examwise.core.schemas.annotations.BOXES`, of one exam.
        slabs: The slabs.
    """
    found: dict[tuple[int, str, bool], list[_Row]] = defaultdict(list)
    for row in rows:
        slab = slabs.of(row["slice_index"])
        if slab is not None:
            found[slab, row["finding"], row["chronic"]].append(row)
    counted: dict[int, int] = defaultdict(int)
    joined = []
    for (slab, _, _), group in sorted(found.items(), key=lambda item: item[0]):
        for box in union_boxes([Box(*(row[name] for name in Box._fields)) for row in group]):
            place = {"slice_index": slab, "box_index": counted[slab]}
            joined.append({**group[0], **box._asdict(), **place})
            counted[slab] += 1
    return joined


def slab_files(rows: Sequence[_Row], slabs: Slabs) -> Iterator[dict[str, Any]]:
    """Say of each file which slab it went into; those of slices that went into none are left out.

    Args:
        rows: Rows of :data:`~examwise.core.schemas.store.FILES`, of one exam.
        slabs: The slabs.
    """
    for row in rows:
        if row["slice_index"] is None:
            yield dict(row)
            continue
        slab = slabs.of(row["slice_index"])
        unused = {"status": "left_out", "reason": "beyond_slabs"} if slab is None else {}
        yield {**row, "slice_index": slab, **unused}
