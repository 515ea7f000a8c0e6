"""Label events of one exam: what the archive says of it, of its slices, and who said so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from examwise.ingest.exam_items import ExamItem


def label_events(
    item: ExamItem,
    places: Sequence[int],
    findings: Sequence[str],
    *,
    several_frames: Collection[int] = (),
) -> Iterator[dict[str, Any]]:
    """Yield rows of :data:`~examwise.core.schemas.store.LABELS`.

    Single readers come before what they come to, which so counts as the last word; where they
    come to nothing that is said by a missing value, so that no reader's word counts alone.

    Args:
        item: The exam.
        places: For each stored slice, the index into ``item.slice_values``; may be empty.
        findings: The task's findings, in their order.
        several_frames: Places of files that hold several frames: what is said of one counts for
            the exam, and for no single slice.
    """
    said: set[str] = set()
    for source, reader, values in item.readings:
        for finding, value in zip(findings, values, strict=True):
            if value is not None:
                said.add(finding)
                yield _event(item.exam_id, finding, value, source, reader=reader)
    for finding, value in zip(findings, item.exam_values, strict=True):
        if value is not None or finding in said:
            yield _event(item.exam_id, finding, value, item.label_source)
    if item.slice_values is not None:
        for slice_index, place in enumerate(places):
            if place in several_frames:
                continue
            stated = zip(findings, item.slice_values[place], strict=True)
            for finding, value in stated:
                if value is not None:
                    yield _event(
                        item.exam_id, finding, value, item.slice_source, slice_index=slice_index
                    )


def _event(
    exam_id: str,
    finding: str,
    value: int | None,
    source: str,
    *,
    slice_index: int | None = None,
    reader: str | None = None,
) -> dict[str, Any]:
    return {
        "exam_id": exam_id,
        "slice_start": slice_index,
        "slice_stop": None if slice_index is None else slice_index + 1,
        "finding": finding,
        "value": value,
        "source": source,
        "reader": reader,
        "seconds": None,
        "round": 0,
    }
