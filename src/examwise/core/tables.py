"""Typed tables: columns with types, ranges and keys, checked on writing and on reading."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from examwise.core.errors import InputError, SchemaError
from examwise.core.storage import Storage

Rows = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]
"""Columns of values, or rows of named values."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Column name; unit suffixes ``_hu``, ``_mm``, ``_s``.
        dtype: Polars data type.
        meaning: One line for people.
        nullable: Whether a value may be missing.
        minimum: Smallest value, inclusive.
        maximum: Largest value, inclusive.
        allowed: The only values, if they are few.
        is_later: Whether tables of earlier versions lack it; read, its values are missing.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str | int, ...] | None = None
    is_later: bool = False


@dataclass(frozen=True)
class TableSchema:
    """A table's file name, columns and unique key.

    Example:
        >>> schema = TableSchema("ages.parquet", (Column("age", pl.Int32, "years", minimum=0),))
        >>> schema.frame({"age": [3]}).height
        1
        >>> schema.frame({"age": [-3]})
        Traceback (most recent call last):
        examwise.core.errors.SchemaError: ages.parquet, column age: expected values >= 0, got -3
    """

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def dtypes(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """Column name to Polars data type."""
        return {column.name: column.dtype for column in self.columns}

    def frame(self, data: Rows) -> pl.DataFrame:
        """Build a checked frame from columns or rows of plain values.

        Raises:
            SchemaError: If the values break the schema.
        """
        try:
            built = pl.DataFrame(data or None, schema=self.dtypes, strict=True)
        except (TypeError, pl.exceptions.PolarsError, OverflowError) as error:
            raise SchemaError(
                where=self.file, expected="values of the columns' types", got=error
            ) from error
        return self.validate(built)

    def validate(self, frame: pl.DataFrame, *, where: str | None = None) -> pl.DataFrame:
        """Return the frame with its columns in order, or say what is wrong with it.

        Args:
            frame: The table.
            where: How to name it in messages; the schema's file name if None.

        Raises:
            SchemaError: On a missing or unknown column, a wrong type, a missing, out-of-range or
                unknown value, or a repeated key.
        """
        name = where or self.file
        unknown = [column for column in frame.columns if column not in self.names]
        missing = [column for column in self.names if column not in frame.columns]
        if unknown or missing:
            raise SchemaError(
                where=name,
                expected="columns " + ", ".join(self.names),
                got="; ".join(
                    f"{word} {', '.join(columns)}"
                    for word, columns in (("no", missing), ("also", unknown))
                    if columns
                ),
            )
        frame = frame.select(self.names)
        for column in self.columns:
            _check_column(frame[column.name], column, where=name)
        if self.key and frame.select(self.key).is_duplicated().any():
            raise SchemaError(
                where=name,
                expected=f"one row for each {' × '.join(self.key)}",
                got=f"{int(frame.select(self.key).is_duplicated().sum())} rows that share a key",
            )
        return frame

    def write(self, storage: Storage, frame: pl.DataFrame, *, file: str | None = None) -> None:
        """Check and write as Parquet, with the same bytes for the same rows."""
        storage.write(file or self.file, self.to_bytes(frame))

    def to_bytes(self, frame: pl.DataFrame) -> bytes:
        """Check and return as Parquet, with the same bytes for the same rows."""
        buffer = io.BytesIO()
        self.validate(frame).write_parquet(buffer, compression="zstd", statistics=True)
        return buffer.getvalue()

    def read(self, storage: Storage, *, file: str | None = None) -> pl.DataFrame:
        """Read and check.

        Raises:
            InputError: If there is no such file or it is not Parquet.
            SchemaError: If the table breaks the schema.
        """
        key = file or self.file
        where = f"{storage.url}/{key}"
        try:
            frame = pl.read_parquet(io.BytesIO(storage.read(key)))
        except FileNotFoundError:
            raise InputError(where=where, expected="a Parquet table", got="no file") from None
        except pl.exceptions.PolarsError as error:
            raise InputError(where=where, expected="a Parquet table", got=error) from error
        return self.validate(self.with_later(frame), where=where)

    def with_later(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with the columns that earlier versions lack, their values missing."""
        absent = [
            pl.lit(None, column.dtype).alias(column.name)
            for column in self.columns
            if column.is_later and column.name not in frame.columns
        ]
        return frame.with_columns(absent) if absent else frame


def _check_column(values: pl.Series, column: Column, *, where: str) -> None:
    place = f"{where}, column {column.name}"
    if values.dtype != column.dtype:
        raise SchemaError(where=place, expected=f"type {column.dtype}", got=values.dtype)
    if not column.nullable and values.null_count():
        raise SchemaError(
            where=place, expected="no missing values", got=f"{values.null_count()} missing"
        )
    present = values.drop_nulls() if values.null_count() else values
    if present.is_empty():
        return
    if present.dtype.is_float() and not present.is_finite().all():
        raise SchemaError(where=place, expected="finite numbers", got="NaN or infinity")
    if column.minimum is not None and (low := present.filter(present < column.minimum)).len():
        raise SchemaError(where=place, expected=f"values >= {column.minimum:g}", got=low.min())
    if column.maximum is not None and (high := present.filter(present > column.maximum)).len():
        raise SchemaError(where=place, expected=f"values <= {column.maximum:g}", got=high.max())
    if column.allowed is not None:
        strange = present.filter(~present.is_in(list(column.allowed)))
        if strange.len():
            raise SchemaError(
                where=place,
                expected="one of " + ", ".join(map(str, column.allowed)),
                got=strange[0],
            )
