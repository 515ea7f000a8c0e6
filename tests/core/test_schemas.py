"""The contract itself: a change of any schema shows here, and asks for a new version number."""

import json
from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import SchemaError
from examwise.core.schemas import (
    annotations,
    budget_curves,
    cross_validation,
    encoder,
    evaluation,
    evidence,
    explanations,
    findings,
    manifest,
    predictions,
    run,
    slice_evidence,
    store,
    study,
    tuning,
)
from examwise.core.tables import TableSchema

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SCHEMAS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in (
        store,
        annotations,
        encoder,
        predictions,
        run,
        study,
        evaluation,
        budget_curves,
        evidence,
        slice_evidence,
        explanations,
        cross_validation,
        tuning,
    )
    for name, value in vars(module).items()
    if isinstance(value, TableSchema)
}


def describe(schema):
    return {
        "file": schema.file,
        "key": list(schema.key),
        "columns": [
            {
                "name": column.name,
                "dtype": str(column.dtype),
                "nullable": column.nullable,
                "minimum": column.minimum,
                "maximum": column.maximum,
                "allowed": list(column.allowed) if column.allowed else None,
            }
            for column in schema.columns
        ],
    }


def test_schemas_are_those_of_the_golden_file():
    golden = json.loads((GOLDEN / "schemas.json").read_text())
    assert {name: describe(schema) for name, schema in SCHEMAS.items()} == golden["tables"]
    assert golden["versions"] == manifest.SCHEMA_VERSIONS


@pytest.fixture(scope="module")
def golden_rows():
    return json.loads((GOLDEN / "rows.json").read_text())


@pytest.mark.parametrize("name", SCHEMAS)
def test_golden_rows_are_valid(name, golden_rows):
    rows = golden_rows[name]
    assert rows
    assert SCHEMAS[name].frame(rows).to_dicts() == rows


@pytest.mark.parametrize(
    ("name", "column"),
    [(name, column) for name, schema in SCHEMAS.items() for column in schema.columns],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_rule_of_every_column_is_kept(name, column, golden_rows):
    schema = SCHEMAS[name]
    good = schema.frame(golden_rows[name])

    def with_value(value):
        return good.with_columns(pl.lit(value, column.dtype).alias(column.name))

    place = f"{schema.file}, column {column.name}"
    if not column.nullable:
        with pytest.raises(SchemaError, match=place):
            schema.validate(with_value(None))
    for limit, step in ((column.minimum, -1), (column.maximum, 1)):
        fits = limit is not None and not (step < 0 and column.dtype.is_unsigned_integer())
        if fits:
            with pytest.raises(SchemaError, match=place):
                schema.validate(with_value(limit + step))
    if column.allowed:
        strange = "no such value" if isinstance(column.allowed[0], str) else 7
        with pytest.raises(SchemaError, match=place):
            schema.validate(with_value(strange))
    with pytest.raises(SchemaError, match=f"no {column.name}"):
        schema.validate(good.drop(column.name))


def test_every_column_says_what_it_means():
    for schema in SCHEMAS.values():
        assert all(column.meaning for column in schema.columns)
        assert set(schema.key) <= set(schema.names)


def test_any_comes_first():
    assert findings.FINDINGS[0] == "any"
    assert len(findings.FINDINGS) == 6


def test_shards_lie_where_zarr_looks_for_them():
    assert store.shard_key("e1") == "pixels.zarr/e1/c/0/0/0"


if __name__ == "__main__":
    # Renews the golden file after a change that is meant, beside its new version number.
    contract = {
        "tables": {name: describe(schema) for name, schema in SCHEMAS.items()},
        "versions": manifest.SCHEMA_VERSIONS,
    }
    (GOLDEN / "schemas.json").write_text(json.dumps(contract, indent=1) + "\n")
