"""How the files of a source became the exams that were judged, and what left on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.evidence import FLOW
from examwise.core.schemas.store import EXAMS, FILES, SERIES, SPLITS
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema

NOT_PREDICTED, NO_LABEL = "not_predicted", "no_label"
_OF_PART = {"train": "training_part", "validation": "validation_part"}

_USED = "used"


def flow_rows(stores: Sequence[str], exams: pl.DataFrame, *, archive: str) -> pl.DataFrame:
    """Return the flow of an archive, from the files of its source to the exams that were judged.

    A step without a reason is what there still is; rows with a reason that follow it are what left
    on the way to the next step. Reasons of files and series are the codes of
    ``files.parquet`` and ``series.parquet``; exams leave for ``training_part``,
    ``validation_part``, ``not_predicted`` or ``no_label``. Patients are counted where exams are.

    Args:
        stores: The stores behind the archive. One that has no record of its files tells of its
            exams alone.
        exams: ``PREDICTED_EXAMS`` that were evaluated, of any one run. An exam with a label for
            one of several findings counts as judged.
        archive: How the table calls the archive.

    Returns:
        ``FLOW``; no rows without stores.

    Raises:
        InputError: If exams were predicted that none of the stores has.
    """
    places = [Storage(url) for url in stores]
    if not places:
        return FLOW.frame([])
    steps = [
        *_through(_joined(FILES, places), unit="files", first="in the source", last="in exams"),
        *_through(
            _joined(SERIES, places), unit="series", first="in the source", last="became exams"
        ),
        *_of_exams(_joined(EXAMS, places), _joined(SPLITS, places), exams),
    ]
    return FLOW.frame(
        [{"archive": archive, "position": position, **step} for position, step in enumerate(steps)]
    )


def _joined(schema: TableSchema, places: Sequence[Storage]) -> pl.DataFrame:
    tables = [schema.read(place) for place in places if place.exists(schema.file)]
    return pl.concat([schema.frame([]), *tables])


def _through(table: pl.DataFrame, *, unit: str, first: str, last: str) -> Iterator[dict[str, Any]]:
    """Yield what there was, what left by reason, most first, and what was used."""
    if table.is_empty():
        return
    yield _step(unit, first, table.height)
    left = table.filter(pl.col("status") != _USED).group_by("status", "reason").len()
    for status, reason, n in left.sort(
        "len", "status", "reason", descending=[True, False, False]
    ).rows():
        yield _step(unit, status.replace("_", " "), n, reason=reason or status)
    yield _step(unit, last, table.filter(pl.col("status") == _USED).height)


def _of_exams(
    stored: pl.DataFrame, splits: pl.DataFrame, predicted: pl.DataFrame
) -> Iterator[dict[str, Any]]:
    by_exam = predicted.group_by("exam_id", "patient_key").agg(
        pl.col("exam_label").is_not_null().any().alias("is_labelled")
    )
    n_strange = by_exam.join(stored, on="exam_id", how="anti").height
    if n_strange:
        raise InputError(
            where="stores behind the predictions",
            expected="all exams that were predicted",
            got=f"{n_strange} of {by_exam.height} in none of them",
            remedy="name the stores that were predicted",
        )
    yield _count("in the store", stored)
    missing = stored.join(by_exam, on="exam_id", how="anti").join(
        splits.select("exam_id", "split"), on="exam_id", how="left"
    )
    reasons = missing.with_columns(
        pl.col("split").replace_strict(_OF_PART, default=NOT_PREDICTED).alias("reason")
    )
    for reason in (*_OF_PART.values(), NOT_PREDICTED):
        own = reasons.filter(pl.col("reason") == reason)
        if not own.is_empty():
            yield _count("left out", own, reason=reason)
    yield _count("predicted", by_exam)
    unlabelled = by_exam.filter(~pl.col("is_labelled"))
    if not unlabelled.is_empty():
        yield _count("left out", unlabelled, reason=NO_LABEL)
    yield _count("judged", by_exam.filter("is_labelled"))


def _count(what: str, exams: pl.DataFrame, *, reason: str = "") -> dict[str, Any]:
    n_patients = exams["patient_key"].n_unique()
    return _step("exams", what, exams.height, reason=reason, n_patients=n_patients)


def _step(
    unit: str, what: str, n: int, *, reason: str = "", n_patients: int | None = None
) -> dict[str, Any]:
    return {"unit": unit, "what": what, "reason": reason, "n": n, "n_patients": n_patients}
