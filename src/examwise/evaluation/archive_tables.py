"""The tables of an evaluation directory that go by archive: runs held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.evidence import COMPARISONS, FLOW, NON_INFERIORITY
from examwise.core.schemas.slice_evidence import SALIENCY_COMPARISONS, SALIENCY_METRICS
from examwise.core.storage import Storage

ARCHIVE_SCHEMAS = (COMPARISONS, NON_INFERIORITY, FLOW, SALIENCY_METRICS, SALIENCY_COMPARISONS)
ARCHIVE_TABLES = tuple(schema.file for schema in ARCHIVE_SCHEMAS)
"""Files that :meth:`ArchiveTables.write` writes."""


@dataclass(frozen=True)
class ArchiveTables:
    """Rows of the tables that hold runs against each other.

    Attributes:
        frames: File to rows; all of :data:`ARCHIVE_TABLES`.
    """

    frames: Mapping[str, pl.DataFrame]

    @classmethod
    def of(cls, parts: Iterable[Mapping[str, pl.DataFrame]]) -> ArchiveTables:
        """Collect the rows of parts, each from file to rows, in their order."""
        rows = {schema.file: [schema.frame([])] for schema in ARCHIVE_SCHEMAS}
        for part in parts:
            for file, frame in part.items():
                rows[file].append(frame)
        return cls({file: pl.concat(frames) for file, frames in rows.items()})

    def write(self, storage: Storage) -> None:
        """Write the tables."""
        for schema in ARCHIVE_SCHEMAS:
            schema.write(storage, self.frames[schema.file])
