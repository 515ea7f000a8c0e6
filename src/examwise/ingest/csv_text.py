"""Label files as tables of text, with the rows' numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from examwise.core.errors import InputError

ROW = "row"
"""Added column: the row's number as a spreadsheet shows it; the header is row 1."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def scan_csv_text(path: Path, *required: str) -> pl.LazyFrame:
    """Begin to read a CSV file with a header, every value as text, untouched.

    A byte-order mark is dropped, UTF-16 with one is understood, blank lines are passed over.
    Nothing is guessed about types, so that every value can be checked and named by its row.

    Args:
        path: The file.
        required: Columns that it must have.

    Raises:
        InputError: If the file cannot be opened, is empty, is no table, or lacks a column.
    """
    try:
        with path.open("rb") as file:
            wide = file.read(2) in _UTF16_MARKS
        source = io.BytesIO(path.read_text("utf-16").encode()) if wide else path
    except (OSError, UnicodeError) as error:
        raise InputError(
            where=path,
            expected="a label file",
            got=getattr(error, "strerror", None) or "broken UTF-16",
            remedy="check the path",
        ) from None
    try:
        table = pl.scan_csv(source, infer_schema=False, glob=False)
        names = table.collect_schema().names()
    except pl.exceptions.NoDataError:
        raise InputError(
            where=path,
            expected="a header row and rows of labels",
            got="an empty file",
            remedy="check the path, or save the file again",
        ) from None
    except pl.exceptions.PolarsError as error:
        raise _no_table(path, error) from None
    _require_unlike(path, wide=wide)
    stripped = [name.strip() for name in names]
    if len(set(stripped)) < len(names) or ROW in stripped:
        raise InputError(
            where=path,
            expected=f"columns with different names, none of them {ROW}",
            got="others",
            remedy="correct the header row",
        )
    for name in required:
        if name not in stripped:
            raise InputError(
                where=path,
                expected=f"a column {name}",
                got=f"{len(names)} columns, none of that name",
                remedy="check the header row; columns are separated by commas",
            )
    renamed = table.rename(dict(zip(names, stripped, strict=True)))
    filled = pl.any_horizontal(pl.exclude(ROW).is_not_null())
    return renamed.with_row_index(ROW, offset=2).filter(filled)


def collect_csv_text(table: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """Carry out a query on a label file, in parts that need little memory.

    Raises:
        InputError: If the file turns out not to be UTF-8 text in rows of equal length.
    """
    try:
        return table.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise _no_table(path, error) from None


def _require_unlike(path: Path, *, wide: bool) -> None:
    """Raise if a column stands twice: Polars would give the later ones other names."""
    try:
        header = next((row for _, row in _rows(path, wide=wide) if any(row)), [])
    except (OSError, csv.Error):  # no table: reading it will say so
        return
    names = [name.strip() for name in header]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(
            where=path,
            expected="columns with different names",
            got=f"column {twice[0]} twice" if twice[0] else "several columns without a name",
            remedy="correct the header row",
        )


def _rows(path: Path, *, wide: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield every row with its number, with what is no UTF-8 as lone surrogates."""
    encoding = "utf-16" if wide else "utf-8-sig"
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        yield from enumerate(csv.reader(file), start=1)


def _no_table(path: Path, error: Exception) -> InputError:
    # Polars quotes the row it stumbled over, which may hold anything.
    del error
    row, got = _first_wrong(path)
    return InputError(
        where=f"{path}, row {row}" if row else path,
        expected="comma-separated UTF-8 text with one header row and rows of equal length",
        got=got,
        remedy="save the file again as CSV (UTF-8)",
    )


def _first_wrong(path: Path) -> tuple[int, str]:
    """Return the first row that is no text or too long, and what is wrong with it."""
    width = 0
    try:
        with path.open("rb") as file:
            wide = file.read(2) in _UTF16_MARKS
        for number, row in _rows(path, wide=wide):
            if any(_is_other(value) for value in row):
                return number, "bytes that are no UTF-8 (saved as Latin-1, or by Excel as CSV)"
            width = width or len(row)
            if len(row) > width:
                return number, f"{len(row)} values, where the header has {width} columns"
    except (OSError, UnicodeError, csv.Error):
        pass
    return 0, "text that cannot be parsed"


def _is_other(value: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in value)
