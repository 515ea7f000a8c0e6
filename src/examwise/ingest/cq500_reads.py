"""CQ500's ``reads.csv``: three readers' findings, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.task import default_task
from examwise.ingest.archive_labels import Values, denied_kind, first_difference, merge_values
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text
from examwise.ingest.exam_label_rule import ExamLabelRule

READERS = ("R1", "R2", "R3")
"""The readers, as the file names them."""

_COLUMNS = {
    "any": "ICH",
    "epidural": "EDH",
    "intraparenchymal": "IPH",
    "intraventricular": "IVH",
    "subarachnoid": "SAH",
    "subdural": "SDH",
}
_NAME = re.compile(r"CQ500-CT-(\d{1,9})")


@dataclass(frozen=True)
class Reads:
    """What the readers say of one study.

    Attributes:
        by_reader: Values of each of :data:`READERS`.
        row: Row of the file that says so, the first if several do.
    """

    by_reader: tuple[Values, ...]
    row: int

    @property
    def all_negative(self) -> bool:
        """Whether every reader denied every finding."""
        return all(value == 0 for values in self.by_reader for value in values)

    @property
    def n_torn_readers(self) -> int:
        """How many readers named a kind of haemorrhage and denied haemorrhage as a whole."""
        task = default_task()
        return sum(denied_kind(values, task) is not None for values in self.by_reader)


def read_reads(path: Path) -> dict[int, Reads]:
    """Read ``reads.csv``: number of the study to what the readers say.

    An empty field is a missing read. Rows of one study must not contradict each other.

    Raises:
        InputError: If the file is no table, lacks a column, or a row is wrong.
    """
    columns = [f"{reader}:{_COLUMNS[finding]}" for reader in READERS for finding in FINDINGS]
    table = collect_csv_text(scan_csv_text(path, "name", *columns), path).sort(ROW)
    if table.is_empty():
        raise InputError(
            where=path,
            expected="a row for each study",
            got="a file that is empty below its header row",
            remedy="save the file again",
        )
    reads: dict[int, Reads] = {}
    for row in table.iter_rows(named=True):
        number = _study(path, row)
        values = tuple(_value(path, row, column) for column in columns)
        earlier = reads.get(number)
        if earlier is not None:
            before = tuple(value for part in earlier.by_reader for value in part)
            merged = merge_values(before, values)
            if merged is None:
                raise InputError(
                    where=f"{path}, row {row[ROW]}, column "
                    f"{columns[first_difference(before, values)]}",
                    expected=f"the same read as in row {earlier.row}, which is of the same study",
                    got="another",
                    remedy="correct one of the rows",
                )
            values = merged
        n_findings = len(FINDINGS)
        by_reader = tuple(
            values[start : start + n_findings] for start in range(0, len(values), n_findings)
        )
        reads[number] = Reads(by_reader, earlier.row if earlier else int(row[ROW]))
    return reads


def consensus(by_reader: Sequence[Values], rule: ExamLabelRule) -> tuple[Values, bool]:
    """Return what the readers come to, and whether they had to be reconciled.

    Each finding stands for itself. Where reads are missing, a label is given only if no value of
    theirs could change it. A kind of haemorrhage that is found makes ``any`` positive, even where
    the readers' own word on haemorrhage as a whole comes to no: that is the conflict.

    Args:
        by_reader: Values of each reader.
        rule: How many readers make each finding positive.

    Example:
        >>> reads = [(1, 1, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, None)]
        >>> consensus(reads, ExamLabelRule.parse("majority"))
        ((1, 0, 0, 0, 0, 0), False)
    """
    values: list[int | None] = []
    for finding, reads in zip(FINDINGS, zip(*by_reader, strict=True), strict=True):
        n_needed = rule.n_needed(finding, len(by_reader))
        positive, missing = reads.count(1), reads.count(None)
        decided = 1 if positive >= n_needed else 0 if positive + missing < n_needed else None
        values.append(decided)
    conflict = denied_kind(tuple(values), default_task()) is not None
    if 1 in values[1:]:
        values[0] = 1
    return tuple(values), conflict


def _study(path: Path, row: Mapping[str, Any]) -> int:
    found = _NAME.fullmatch((row["name"] or "").strip())
    if not found:
        raise InputError(
            where=f"{path}, row {row[ROW]}, column name",
            expected="CQ500-CT- and a number",
            got="something else",
            remedy="correct the row",
        )
    return int(found[1])


def _value(path: Path, row: Mapping[str, Any], column: str) -> int | None:
    text = (row[column] or "").strip()
    if text not in ("0", "1", ""):
        raise InputError(
            where=f"{path}, row {row[ROW]}, column {column}",
            expected="0, 1 or nothing",
            got="something else",
            remedy="correct the row",
        )
    return int(text) if text else None
