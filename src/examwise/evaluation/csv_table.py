"""A CSV file of predictions as checked columns; what is wrong is said by row, never by content."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from examwise.core.errors import InputError

ROW = "row"
"""Column that numbers the file's rows as a spreadsheet does: the header is row 1."""

_SAVE_AGAIN = "save it as CSV (UTF-8, commas) again"


class CsvTable:
    """Text cells of a CSV file, read column by column.

    Cells are never repeated in messages: a row out of place may hold names.

    Args:
        path: The file: UTF-8, a header, commas.

    Attributes:
        path: The file.
        data: Its bytes.
        columns: Names in its header, in small letters.

    Raises:
        InputError: If there is no such file, or it is no such table, or has no row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(where=path, expected="a CSV file", got="no such file")
        self.data = path.read_bytes()
        text = _checked_text(self.data, path)
        cells = pl.read_csv(io.StringIO(text), infer_schema=False)
        cells = cells.rename({name: _column_name(name) for name in cells.columns})
        if cells.is_empty():
            raise InputError(where=path, expected="a header and at least one row", got="no row")
        trimmed = cells.select(pl.all().str.strip_chars().replace("", None))
        self._cells = trimmed.with_row_index(ROW, offset=2)
        self.columns = tuple(cells.columns)

    def one_of(self, *names: str) -> str | None:
        """Return which of these columns there is; None if there is none.

        Raises:
            InputError: If there are several.
        """
        found = [name for name in names if name in self.columns]
        if len(found) > 1:
            raise InputError(
                where=self.path,
                expected="one of the columns " + ", ".join(names),
                got=", ".join(found),
                remedy="keep the one that counts",
            )
        return found[0] if found else None

    def require_known(self, *names: str) -> None:
        """Refuse further columns: a misspelt one would go unnoticed.

        Raises:
            InputError: If there are others.
        """
        strange = [name for name in self.columns if name not in names]
        if strange:
            raise InputError(
                where=self.path,
                expected="no columns but " + ", ".join(names),
                got=f"{len(strange)} others, the first of them column "
                f"{self.columns.index(strange[0]) + 1}",
                remedy="rename them, or leave them out",
            )

    def words(self, *names: str, default: str | None = None) -> pl.Series:
        """Return a column of names.

        Args:
            names: What the column may be called.
            default: What stands in every row where there is no such column.

        Raises:
            InputError: If there is none and no default, or a cell is empty.
        """
        name = self.one_of(*names)
        if name is None and default is not None:
            return pl.repeat(default, self._cells.height, dtype=pl.String, eager=True)
        values = self._present(name, names)
        self._require(values.is_not_null(), name, "something in every cell", "an empty cell")
        return values

    def numbers(
        self, *names: str, lowest: float | None = None, highest: float | None = None
    ) -> pl.Series:
        """Return a column of finite numbers, Float64.

        Args:
            names: What the column may be called.
            lowest: Smallest that may be.
            highest: Largest that may be.

        Raises:
            InputError: If there is none, or a cell is empty or no such number.
        """
        name = self.one_of(*names)
        values = self._present(name, names).cast(pl.Float64, strict=False)
        self._require(
            values.is_finite().fill_null(value=False), name, "a finite number", "something else"
        )
        inside = pl.Series([True]).new_from_index(0, len(values))
        if lowest is not None:
            inside &= values >= lowest
        if highest is not None:
            inside &= values <= highest
        self._require(inside, name, f"a number from {lowest} to {highest}", "one beyond")
        return values

    def labels(self, name: str) -> pl.Series:
        """Return a column of labels, Int8: 1, 0, or missing where a cell is empty.

        Raises:
            InputError: If there is none, or a cell is something else.
        """
        text = self._present(name, (name,))
        values = text.cast(pl.Float64, strict=False)
        right = text.is_null() | ((values == 0) | (values == 1)).fill_null(value=False)
        self._require(right, name, "1, 0, or nothing where the truth is not known", "another value")
        return values.cast(pl.Int8)

    def refuse_rows(self, wrong: pl.Series, *, expected: str, got: str, remedy: str = "") -> None:
        """Refuse the file where some rows are wrong.

        Args:
            wrong: Whether each row is, shape (rows,).
            expected: What would have been right.
            got: What came instead.
            remedy: What to do.

        Raises:
            InputError: If one is.
        """
        rows = self._cells[ROW].filter(wrong.fill_null(value=True))
        if len(rows):
            more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
            raise InputError(
                where=f"{self.path}, row {rows[0]}",
                expected=expected,
                got=got + more,
                remedy=remedy,
            )

    def _present(self, name: str | None, names: tuple[str, ...]) -> pl.Series:
        if name is None or name not in self.columns:
            raise InputError(
                where=self.path,
                expected="a column " + " or ".join(names),
                got=f"{len(self.columns)} columns without it",
                remedy="see examwise evaluate --help for the columns",
            )
        return self._cells[name]

    def _require(self, right: pl.Series, name: str | None, expected: str, got: str) -> None:
        self.refuse_rows(
            ~right,
            expected=f"{expected} in column {name}",
            got=got,
            remedy="correct the row, or leave it out",
        )


def _column_name(text: str) -> str:
    return text.strip().lower()


def _require_commas(header: list[str], path: Path) -> None:
    """Refuse what spreadsheets of some languages write as CSV, decimal commas maybe among it."""
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if any(sign in cell for cell in header):
            raise InputError(
                where=path,
                expected="commas between cells, and points in numbers",
                got=f"{name} in the header",
                remedy=_SAVE_AGAIN,
            )


def _checked_text(data: bytes, path: Path) -> str:
    """Return a table's text: every row has as many cells as the header, all of them different."""
    expected = "a CSV table in UTF-8: a header, then as many cells in every row"
    try:
        text = data.decode("utf-8-sig").strip("\r\n")
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [_column_name(name) for name in next(rows, [])]
        _require_commas(header, path)
        wrong = next((row for row, cells in enumerate(rows, 2) if len(cells) != len(header)), None)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            where=path, expected=expected, got=type(error).__name__, remedy=_SAVE_AGAIN
        ) from None
    if wrong is not None:
        raise InputError(
            where=f"{path}, row {wrong}",
            expected=f"{len(header)} cells, as in the header",
            got="more or fewer",
            remedy=_SAVE_AGAIN,
        )
    if not header or len(set(header)) < len(header) or "" in header:
        raise InputError(
            where=path,
            expected="a header that names every column once",
            got="an empty name, or one again" if header else "an empty file",
            remedy="rename the columns",
        )
    return text
