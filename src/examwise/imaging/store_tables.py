"""Reading the tables of a store that may be damaged: every fault named, what is left returned."""

from __future__ import annotations

import io

import polars as pl

from examwise.core.errors import SchemaError
from examwise.core.schemas.annotations import BOXES
from examwise.core.schemas.store import EXAMS, FILES, LABELS, SERIES, SLICES, SPLITS
from examwise.core.storage import Storage
from examwise.core.tables import Column, TableSchema
from examwise.imaging.store_faults import Fault, faults_by_exam

STORE_TABLES = {
    "exams": EXAMS,
    "slices": SLICES,
    "labels": LABELS,
    "files": FILES,
    "series": SERIES,
}
"""Tables that every store has."""

OPTIONAL_TABLES = {"splits": SPLITS, "boxes": BOXES}
"""Tables that a store may have."""


def read_tables(storage: Storage) -> tuple[dict[str, pl.DataFrame], list[Fault]]:
    """Read all tables of a store.

    Returns:
        Name to table, of those whose columns are the schema's (single values may still be
        wrong), and all faults of single tables.
    """
    tables: dict[str, pl.DataFrame] = {}
    faults: list[Fault] = []
    for name, schema in {**STORE_TABLES, **OPTIONAL_TABLES}.items():
        if name in OPTIONAL_TABLES and not storage.exists(schema.file):
            continue
        try:
            frame = pl.read_parquet(io.BytesIO(storage.read(schema.file)))
        except FileNotFoundError:
            faults.append(Fault("table", schema.file, "a Parquet table", "no file"))
            continue
        except (pl.exceptions.PolarsError, OSError):
            faults.append(Fault("table", schema.file, "a Parquet table", "one that is damaged"))
            continue
        if shape_faults := _shape_faults(schema, frame):
            faults += shape_faults
        else:
            tables[name] = frame.select(schema.names)
            faults += _value_faults(schema, tables[name])
    return tables, faults


def _shape_faults(schema: TableSchema, frame: pl.DataFrame) -> list[Fault]:
    found = {
        **{f"no column {name}": name not in frame.columns for name in schema.names},
        **{f"also a column {name}": name not in schema.names for name in frame.columns},
        **{
            f"column {column.name} of type {frame.schema[column.name]}": True
            for column in schema.columns
            if column.name in frame.columns and frame.schema[column.name] != column.dtype
        },
    }
    expected = "the columns of its schema"
    return [Fault("schema", schema.file, expected, what) for what, is_so in found.items() if is_so]


def _value_faults(schema: TableSchema, frame: pl.DataFrame) -> list[Fault]:
    faults: list[Fault] = []
    for column in schema.columns:
        breaks = _breaks(column)
        if breaks is None or (strange := frame.filter(breaks)).is_empty():
            continue
        rule, name = _rule(column), f"{schema.file}, column {column.name}"
        if "exam_id" in frame.columns:
            faults += faults_by_exam(
                strange.group_by("exam_id").len(),
                code="value",
                file=name,
                expected=rule,
                got=lambda row: f"{row['len']} others",
            )
        else:
            faults.append(Fault("value", name, rule, f"{strange.height} others"))
    if schema.key:
        repeated = frame.filter(pl.struct(schema.key).is_duplicated())
        key = " × ".join(schema.key)
        if repeated.height and "exam_id" in frame.columns:
            faults += faults_by_exam(
                repeated.group_by("exam_id").len(),
                code="key",
                file=schema.file,
                expected=f"one row for each {key}",
                got=lambda row: f"{row['len']} rows that share one",
            )
    if not faults:
        try:
            schema.validate(frame)
        except SchemaError as error:
            faults.append(Fault("schema", schema.file, error.expected, error.got))
    return faults


def _breaks(column: Column) -> pl.Expr | None:
    """Return whether a value breaks a column's rules, as the schema has them; None: no rules."""
    value = pl.col(column.name)
    broken = []
    if not column.nullable:
        broken.append(value.is_null())
    if column.dtype in (pl.Float32, pl.Float64):
        broken.append(~value.is_finite())
    if column.minimum is not None:
        broken.append(value < column.minimum)
    if column.maximum is not None:
        broken.append(value > column.maximum)
    if column.allowed is not None:
        broken.append(~value.is_in(list(column.allowed)))
    return pl.any_horizontal(broken) if broken else None


def _rule(column: Column) -> str:
    parts = ["a value"] if not column.nullable else ["a value or none"]
    if column.minimum is not None:
        parts.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        parts.append(f"at most {column.maximum:g}")
    if column.allowed is not None:
        parts.append("of " + ", ".join(map(str, column.allowed)))
    return " ".join(parts)
