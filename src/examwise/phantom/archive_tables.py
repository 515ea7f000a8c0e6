"""Label files and tables of truth, gathered from the commit records of all exams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import polars as pl

from examwise.core.commits import CommitRecord
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.phantom.exam import RenderedExam
from examwise.phantom.identifiers import ExamIdentifiers
from examwise.phantom.layouts.protocol import Layout, Row
from examwise.phantom.truth import (
    TRUTH,
    TRUTH_BOXES,
    TRUTH_SERIES,
    box_rows,
    series_rows,
    truth_rows,
)

_RowsOf = Callable[[RenderedExam, ExamIdentifiers], list[dict[str, Any]]]

TRUTH_TABLES: tuple[tuple[TableSchema, _RowsOf], ...] = (
    (TRUTH, truth_rows),
    (TRUTH_BOXES, box_rows),
    (TRUTH_SERIES, series_rows),
)
"""Tables of truth, and what gives an exam's rows of each."""

_AT_ONCE = 256


def write_tables(storage: Storage, records: Iterable[CommitRecord], layout: Layout) -> None:
    """Write what is known once all exams are there.

    Args:
        storage: The archive.
        records: Commit records of all exams, in order; read one by one.
        layout: Writes the label files.
    """
    labels: dict[str, list[Row]] = defaultdict(list)
    truth: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for some in _batches(iter(records)):
        for record in some:
            for name, rows in record.payload["labels"].items():
                labels[name] += rows
        for schema, _ in TRUTH_TABLES:
            rows = [row for record in some for row in record.payload["truth"][schema.file]]
            # A frame holds the rows of many exams in far less memory than a list does.
            truth[schema.file].append(schema.frame(rows))
    for key, data in layout.label_objects(labels):
        storage.write(key, data)
    for schema, _ in TRUTH_TABLES:
        schema.write(storage, pl.concat(truth[schema.file], rechunk=True))


def _batches(records: Iterator[CommitRecord]) -> Iterator[list[CommitRecord]]:
    while some := list(islice(records, _AT_ONCE)):
        yield some
