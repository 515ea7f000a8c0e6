import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examwise.core.errors import InputError, SchemaError
from examwise.core.storage import Storage
from examwise.core.tables import Column, TableSchema

SCHEMA = TableSchema(
    "people.parquet",
    (
        Column("name", pl.String, "who"),
        Column("age", pl.Int32, "years", nullable=True, minimum=0, maximum=150),
        Column("group", pl.String, "which", allowed=("a", "b")),
        Column("score", pl.Float64, "how good"),
    ),
    key=("name",),
)
GOOD = {"name": ["x", "y"], "age": [1, None], "group": ["a", "b"], "score": [0.5, 1.0]}


def test_good_table_goes_through_storage_unchanged(tmp_path):
    storage = Storage(tmp_path)
    SCHEMA.write(storage, SCHEMA.frame(GOOD))
    assert SCHEMA.read(storage).to_dict(as_series=False) == GOOD


def test_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        SCHEMA.write(Storage(tmp_path / name), SCHEMA.frame(GOOD))
    assert (tmp_path / "a/people.parquet").read_bytes() == (
        tmp_path / "b/people.parquet"
    ).read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": [-1, 2]}, r"people\.parquet, column age: expected values >= 0, got -1"),
        ({"age": [1, 200]}, r"column age: expected values <= 150, got 200"),
        ({"group": ["a", "c"]}, r"column group: expected one of a, b, got c"),
        ({"name": ["x", None]}, r"column name: expected no missing values, got 1 missing"),
        ({"name": ["x", "x"]}, r"expected one row for each name, got 2 rows that share a key"),
        ({"score": [0.5, float("nan")]}, r"column score: expected finite numbers"),
        ({"score": [0.5, float("inf")]}, r"column score: expected finite numbers"),
    ],
)
def test_bad_values_are_named(changes, message):
    with pytest.raises(SchemaError, match=message):
        SCHEMA.frame({**GOOD, **changes})


def test_wrong_type_is_named():
    frame = pl.DataFrame({**GOOD, "age": ["1", "2"]})
    with pytest.raises(SchemaError, match="column age: expected type Int32, got String"):
        SCHEMA.validate(frame)


def test_values_of_the_wrong_type_are_refused():
    with pytest.raises(
        SchemaError, match=r"people\.parquet: expected values of the columns' types"
    ):
        SCHEMA.frame({**GOOD, "age": ["1", datetime.date(2020, 1, 1)]})


def test_missing_and_unknown_columns_are_named():
    frame = pl.DataFrame({"name": ["x"], "weight": [1]})
    with pytest.raises(SchemaError, match="got no age, group, score; also weight"):
        SCHEMA.validate(frame)


def test_columns_come_back_in_order():
    frame = SCHEMA.frame(GOOD).select("score", "group", "age", "name")
    assert SCHEMA.validate(frame).columns == SCHEMA.names


def test_absent_and_damaged_files_are_named(tmp_path):
    storage = Storage(tmp_path)
    with pytest.raises(InputError, match=r"people\.parquet: expected a Parquet table, got no file"):
        SCHEMA.read(storage)
    storage.write("people.parquet", b"PAR1 but not really")
    with pytest.raises(InputError, match="expected a Parquet table"):
        SCHEMA.read(storage)


rows = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(max_size=4),
            "age": st.none() | st.integers(0, 150),
            "group": st.sampled_from(["a", "b"]),
            "score": st.floats(allow_nan=False, allow_infinity=False),
        }
    ),
    max_size=5,
    unique_by=lambda row: row["name"],
)


@given(rows)
def test_every_valid_table_survives_a_round_trip(values):
    storage = Storage("memory://tables-round-trip")
    SCHEMA.write(storage, SCHEMA.frame(values))
    assert SCHEMA.read(storage).to_dicts() == values
