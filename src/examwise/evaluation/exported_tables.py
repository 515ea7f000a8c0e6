"""The tables of an evaluation for other programs: CSV, and LaTeX in the style of booktabs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.evaluation.archive_tables import ARCHIVE_SCHEMAS
from examwise.evaluation.run_tables import RUN_SCHEMAS

FOLDER = "tables"

_SCHEMAS = (*RUN_SCHEMAS, *ARCHIVE_SCHEMAS, BUDGET_CURVE, RATIOS)
_LONGEST_ON_A_PAGE = 40
"""Rows; a table of more is broken over pages."""

_DIGITS = 3
_SMALLEST_P = 0.001
_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    }
)


def export_tables(storage: Storage) -> list[str]:
    """Write every table of an evaluation directory as CSV and LaTeX.

    CSV has all columns at full precision. LaTeX needs the package booktabs, and longtable for
    tables of more than 40 rows; a value and its limits share a cell, numbers are rounded to three
    digits, and missing ones are dashes. Tables that an older evaluation lacks, and tables without
    a row, are left out.

    Args:
        storage: The evaluation directory.

    Returns:
        Keys of the files written.

    Raises:
        SchemaError: If a table breaks its schema.
    """
    written = []
    for schema in _SCHEMAS:
        if not storage.exists(schema.file):
            continue
        frame = schema.read(storage)
        if frame.is_empty():
            continue
        name = schema.file.removesuffix(".parquet")
        for ending, text in (("csv", frame.write_csv()), ("tex", latex_table(schema, frame))):
            key = f"{FOLDER}/{name}.{ending}"
            storage.write(key, text.encode())
            written.append(key)
    return written


def latex_table(schema: TableSchema, frame: pl.DataFrame) -> str:
    r"""Return a table's LaTeX, with a caption and a label.

    Args:
        schema: The table's schema.
        frame: Its rows.

    Example:
        >>> from examwise.core.tables import Column
        >>> schema = TableSchema("a_b.parquet", (Column("x", pl.Float64, "x", nullable=True),))
        >>> print(latex_table(schema, schema.frame({"x": [0.12345, None]})))
        \begin{table}
        \caption{A b.}
        \label{tab:a-b}
        \begin{tabular}{r}
        \toprule
        x \\
        \midrule
        0.123 \\
        -- \\
        \bottomrule
        \end{tabular}
        \end{table}
        <BLANKLINE>
    """
    name = schema.file.removesuffix(".parquet")
    columns = _columns(schema)
    heads = " & ".join(_words(head) for head, _ in columns)
    body = [
        " & ".join(_cell(row, names) for _, names in columns) + r" \\"
        for row in frame.iter_rows(named=True)
    ]
    numeric = {column.name: column.dtype.is_numeric() for column in schema.columns}
    shape = "".join("r" if numeric[names[0]] else "l" for _, names in columns)
    limits = " 95\\% limits in brackets." if any(len(names) > 1 for _, names in columns) else ""
    caption = rf"\caption{{{_words(name).capitalize()}.{limits}}}"
    label = rf"\label{{tab:{name.replace('_', '-')}}}"
    top = [r"\toprule", heads + r" \\", r"\midrule"]
    if frame.height > _LONGEST_ON_A_PAGE:
        begin = [rf"\begin{{longtable}}{{{shape}}}", caption, label + r" \\"]
        return "\n".join([*begin, *top, r"\endhead", *body, r"\bottomrule", r"\end{longtable}", ""])
    return "\n".join(
        [
            *(r"\begin{table}", caption, label, rf"\begin{{tabular}}{{{shape}}}"),
            *(*top, *body, r"\bottomrule"),
            *(r"\end{tabular}", r"\end{table}", ""),
        ]
    )


def _columns(schema: TableSchema) -> list[tuple[str, tuple[str, ...]]]:
    """Return heads, each with the one column, or with a value and its limits."""
    names = schema.names
    limits = {
        value: pair
        for value in names
        if set(pair := (f"{value}_lower", f"{value}_upper")) <= set(names)
    }
    taken = {name for pair in limits.values() for name in pair}
    return [(name, (name, *limits.get(name, ()))) for name in names if name not in taken]


def _cell(row: Mapping[str, Any], names: Sequence[str]) -> str:
    value, *limits = (_number(row[name], name=name) for name in names)
    if not limits or all(row[name] is None for name in names[1:]):
        return value
    return f"{value} [{limits[0]}, {limits[1]}]"


def _number(value: object, *, name: str) -> str:
    if value is None:
        return "--"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value).translate(_ESCAPED)
    if name.startswith("p_") or name == "p":
        return f"{value:.{_DIGITS}f}" if value >= _SMALLEST_P else f"$<${_SMALLEST_P}"
    # A small standard error is not zero.
    is_small = value != 0 and abs(value) < _SMALLEST_P
    return _significant(value) if is_small else f"{value:.{_DIGITS}f}"


def _significant(value: float) -> str:
    exponent = math.floor(math.log10(abs(value)))
    return rf"${value / 10**exponent:.1f}\times10^{{{exponent}}}$"


def _words(name: str) -> str:
    return name.replace("_", " ").translate(_ESCAPED)
