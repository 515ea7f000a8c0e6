"""What is wrong with a store: one fault for each thing and exam, said in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

RESTORE = "restore the store from a copy, or ingest the archive again"


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be.

    Attributes:
        code: Kind of fault, a word or two for machines.
        where: File of the store and exam, as a user would name them.
        expected: What would have been right.
        got: What is there instead.
        remedy: What to do.
        exam_id: The exam, where it is about one.

    Example:
        >>> print(Fault("digest", "splits.parquet", "the file once written", "another", "restore"))
        splits.parquet: expected the file once written, got another; restore
    """

    code: str
    where: str
    expected: str
    got: str
    remedy: str = RESTORE
    exam_id: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}; {self.remedy}"


def faults_by_exam(
    rows: pl.DataFrame,
    *,
    code: str,
    file: str,
    expected: str | Callable[[dict[str, Any]], str],
    got: Callable[[dict[str, Any]], str],
    remedy: str = RESTORE,
) -> list[Fault]:
    """Return one fault for each row of a table of exams at fault.

    Args:
        rows: Column ``exam_id``, and whatever the texts are made from.
        code: Kind of fault.
        file: File of the store that is at fault.
        expected: What would have been right, as a text or made from a row.
        got: What is there instead, made from a row.
        remedy: What to do.
    """
    return [
        Fault(
            code,
            f"{file}, exam {row['exam_id']}",
            expected if isinstance(expected, str) else expected(row),
            got(row),
            remedy,
            row["exam_id"],
        )
        for row in rows.sort("exam_id").iter_rows(named=True)
    ]


def some(numbers: list[int], *, most: int = 12) -> str:
    """Write a few numbers of many.

    Example:
        >>> some([3, 4]), some(list(range(20)), most=2)
        ('3, 4', '0, 1 and 18 more')
    """
    shown = ", ".join(str(number) for number in numbers[:most])
    return shown if len(numbers) <= most else f"{shown} and {len(numbers) - most} more"
