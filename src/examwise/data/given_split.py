"""A published split, given as a CSV file."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.store import SPLITS
from examwise.data.patient_overlap import divided_patients
from examwise.data.stratified_split import PARTS

IDENTIFIERS = ("exam_id", "patient_key")


def read_given_split(path: Path, exams: pl.DataFrame) -> pl.DataFrame:
    """Read which exam, or which patient, belongs to which part.

    The file must speak of every exam of the store and of no other, with these very identifiers;
    other columns are not read. Messages hold numbers of rows alone: somebody may have put names
    into the file.

    Args:
        path: A CSV file (UTF-8) with the columns ``exam_id`` and ``split``, or ``patient_key``
            and ``split``; parts are train, validation and test.
        exams: The store's exams: columns ``exam_id`` and ``patient_key``.

    Returns:
        A table of :data:`~examwise.core.schemas.store.SPLITS`, sorted by exam.

    Raises:
        InputError: If columns or parts are others, an identifier is unknown or comes with
            different parts, an exam of the store is missing, or a patient is on two sides. Says
            how many.
    """
    column, rows = _read(path)
    parts = rows.select(column, "split").unique()
    contradicting = parts.group_by(column).len().filter(pl.col("len") > 1).height
    kind = column.partition("_")[0]
    if contradicting:
        raise _refusal(path, f"one part for each {kind}", f"{contradicting} {kind}s with several")
    unknown = parts.join(exams, on=column, how="anti").height
    if unknown:
        raise _refusal(
            path,
            f"only {kind}s of the store, by its {column}",
            f"{unknown} of {parts.height} that it does not have",
            "take these rows out, or write the store's own identifiers (its exams.parquet; the "
            "crosswalk beside your key says which file they came from)",
        )
    joined = exams.select(IDENTIFIERS).join(parts, on=column, how="left")
    missing = joined["split"].null_count()
    if missing:
        raise _refusal(
            path,
            "a part for every exam of the store",
            f"{missing} of {exams.height} exams without one",
            "add rows for them, or ingest a store without them",
        )
    divided = divided_patients(joined).len()
    if divided:
        raise _refusal(
            path,
            "all exams of a patient in one part",
            f"{divided} patients in several",
            "give all exams of these patients one part: a learner would be tested on patients "
            "that it has learned from",
        )
    return SPLITS.validate(joined.select(SPLITS.names).sort("exam_id"))


def _read(path: Path) -> tuple[str, pl.DataFrame]:
    """Return the identifying column and all rows, as text without blanks around it."""
    try:
        # Bytes, not the path: brackets in a file's name are no pattern.
        rows = pl.read_csv(io.BytesIO(path.read_bytes()), infer_schema=False)
    except OSError as error:
        raise _refusal(
            path, "a CSV file", error.strerror or "no file that can be read", "check the path"
        ) from error
    except pl.exceptions.PolarsError as error:
        raise _refusal(
            path, "a CSV file (UTF-8) with a header and rows of equal length", "something else"
        ) from error
    names = [name.strip() for name in rows.columns]
    if len(set(names)) < len(names):
        raise _refusal(path, "columns with different names", "two of one name")
    rows = rows.rename(dict(zip(rows.columns, names, strict=True))).with_columns(
        pl.all().str.strip_chars()
    )
    found = [name for name in IDENTIFIERS if name in rows.columns]
    if len(found) != 1 or "split" not in rows.columns:
        named = [name for name in (*IDENTIFIERS, "split") if name in rows.columns]
        raise _refusal(
            path,
            "the columns exam_id and split, or patient_key and split",
            "of these: " + (", ".join(named) or "none"),
            "name the columns so in the first row",
        )
    if strange := rows.filter(~pl.col("split").is_in(PARTS).fill_null(value=False)).height:
        raise _refusal(
            path,
            "the parts " + ", ".join(PARTS),
            f"{strange} of {rows.height} rows with another or none",
            "write each row's part in one of these words",
        )
    if empty := rows[found[0]].null_count() + (rows[found[0]] == "").sum():
        raise _refusal(path, f"a {found[0]} in every row", f"{empty} rows without one")
    return found[0], rows


def _refusal(path: Path, expected: str, got: str, remedy: str = "correct the file") -> InputError:
    return InputError(where=path.name, expected=expected, got=got, remedy=remedy)
