"""Reading the tables of an evaluation directory, which need not all be there."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from examwise.core.manifest import Manifest
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema


@dataclass(frozen=True)
class EvaluationTables:
    """An evaluation's tables, read when they are asked for.

    Attributes:
        storage: The evaluation's directory.
        manifest: Its manifest.
        finding: The finding that rows are kept of; None keeps all.
    """

    storage: Storage
    manifest: Manifest
    finding: str | None = None

    def read(self, schema: TableSchema) -> pl.DataFrame:
        """Return a table's rows; none where the evaluation has no such table.

        Raises:
            InputError: If the table is gone.
            IntegrityError: If it is not the one once written.
            SchemaError: If it breaks its schema.
        """
        if schema.file not in self.manifest.outputs:
            return schema.frame([])
        self.manifest.read_output(self.storage, schema.file)
        frame = schema.read(self.storage)
        if self.finding is None or "finding" not in frame.columns:
            return frame
        return frame.filter(pl.col("finding") == self.finding)
