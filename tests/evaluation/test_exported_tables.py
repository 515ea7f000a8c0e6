import io

import polars as pl
import pytest

from examwise.core.schemas.evaluation import RATIOS, ROC_POINTS
from examwise.core.storage import Storage
from examwise.core.tables import Column, TableSchema
from examwise.evaluation.exported_tables import export_tables, latex_table

SCHEMA = TableSchema(
    "some_things.parquet",
    (
        Column("name", pl.String, "name"),
        Column("auc", pl.Float64, "area", nullable=True),
        Column("auc_lower", pl.Float64, "lower", nullable=True),
        Column("auc_upper", pl.Float64, "upper", nullable=True),
        Column("p_equal", pl.Float64, "p", nullable=True),
        Column("error", pl.Float64, "error"),
        Column("n", pl.Int32, "count"),
        Column("is_so", pl.Boolean, "flag"),
    ),
)
ROW = {"name": "a_b & 50%", "auc": 0.91234, "auc_lower": 0.8, "auc_upper": 1.0, "p_equal": 0.0004,
       "error": 0.00012, "n": 3, "is_so": True}  # fmt: skip


def cells(rows):
    text = latex_table(SCHEMA, SCHEMA.frame(rows))
    body = text.split("\\midrule\n")[1].split("\n\\bottomrule")[0]
    return [line.removesuffix(r" \\").split(" & ") for line in body.splitlines()]


def test_cells_are_rounded_escaped_and_joined_with_their_limits():
    ((name, auc, p, error, n, flag),) = ([" & ".join(row[:-5]), *row[-5:]] for row in cells([ROW]))
    assert name == r"a\_b \& 50\%"
    assert auc == "0.912 [0.800, 1.000]"
    assert p == "$<$0.001"
    assert error == r"$1.2\times10^{-4}$"
    assert (n, flag) == ("3", "yes")


def test_missing_cells_are_dashes():
    empty = dict.fromkeys(("auc", "auc_lower", "auc_upper", "p_equal"))
    (row,) = cells([{**ROW, **empty, "error": 0.0, "name": "x"}])
    assert row == ["x", "--", "--", "0.000", "3", "yes"]
    (row,) = cells([{**ROW, "auc_upper": None, "name": "x"}])
    assert row[1] == "0.912 [0.800, --]"


@pytest.mark.parametrize("sign", [*"&%$#_{}", "~", "^", "\\"])
def test_every_sign_of_latex_is_escaped(sign):
    text = latex_table(SCHEMA, SCHEMA.frame([{**ROW, "name": f"x{sign}y"}]))
    assert f"x{sign}y" not in text
    line = next(line for line in text.splitlines() if line.startswith("x"))
    assert line.startswith("x\\")


def test_long_tables_are_broken_over_pages():
    text = latex_table(SCHEMA, SCHEMA.frame([{**ROW, "name": "x"}] * 41))
    assert text.count(r"\begin{longtable}{lrrrrl}") == text.count(r"\end{longtable}") == 1
    assert text.count(r" \\") == 1 + 1 + 41  # the caption's, the head's, and the rows'
    short = latex_table(SCHEMA, SCHEMA.frame([{**ROW, "name": "x"}] * 40))
    assert short.startswith("\\begin{table}\n\\caption{Some things.")
    assert r"\label{tab:some-things}" in short


def test_tables_are_written_beside_the_parquet(tmp_path, make_ratio_row):
    storage = Storage(tmp_path)
    frame = RATIOS.frame([make_ratio_row("labels")])
    RATIOS.write(storage, frame)
    ROC_POINTS.write(storage, ROC_POINTS.frame([]))
    assert export_tables(storage) == ["tables/ratios.csv", "tables/ratios.tex"]
    found = pl.read_csv(io.BytesIO(storage.read("tables/ratios.csv")), schema=RATIOS.dtypes)
    assert found.equals(frame)
    before = storage.read("tables/ratios.tex")
    export_tables(storage)
    assert storage.read("tables/ratios.tex") == before
