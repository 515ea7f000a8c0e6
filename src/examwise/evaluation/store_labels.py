"""Labels as stores have them now, in place of those that predictions were written with."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.schemas.store import LABELS
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_labels import exam_labels, slice_labels

_REMEDY = "name the stores that were predicted, or predict them again"


class StoreLabels:
    """Looks up the labels of predicted exams and slices.

    Args:
        urls: The stores that were predicted, of one key.

    Raises:
        InputError: If the stores cannot be joined.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._stores = JoinedStores(urls)

    @property
    def inputs(self) -> dict[str, str]:
        """Role to digest of every store and of its labels, whatever the order of the stores."""
        found = sorted(
            "sha256:" + sha256_hex(store.storage.read(LABELS.file)) for store in self._stores.stores
        )
        labels = {f"labels/{number}": digest for number, digest in enumerate(found, 1)}
        return {**self._stores.inputs, **labels}

    def of_exams(self, predicted: pl.DataFrame) -> pl.DataFrame:
        """Return ``PREDICTED_EXAMS`` with the labels that the stores have.

        Raises:
            InputError: If an exam is in none of the stores, or is another patient's there.
        """
        stored = self._stores.exams.select("exam_id", pl.col("patient_key").alias("stored_patient"))
        exams = (
            predicted.select("exam_id", "patient_key")
            .unique()
            .join(stored, on="exam_id", how="left")
        )
        self._require_none(exams.filter(pl.col("stored_patient").is_null()), "in none of them")
        self._require_none(
            exams.filter(pl.col("patient_key") != pl.col("stored_patient")), "of another patient"
        )
        tables = [
            predicted.filter(pl.col("finding") == finding)
            .drop("exam_label")
            .join(
                exam_labels(self._stores, finding), on="exam_id", how="left", maintain_order="left"
            )
            for finding in predicted["finding"].unique(maintain_order=True)
        ]
        return pl.concat(tables).select(predicted.columns)

    def of_slices(self, predicted: pl.DataFrame) -> pl.DataFrame:
        """Return ``PREDICTED_SLICES`` with the labels that the stores have.

        Raises:
            InputError: If an exam has other slices in the stores.
        """
        counted = predicted.group_by("exam_id", "finding").agg(
            pl.len().alias("n_predicted"), pl.col("slice_index").max().alias("highest")
        )
        counted = counted.join(self._stores.exams.select("exam_id", "n_slices"), on="exam_id")
        other = (pl.col("n_predicted") != pl.col("n_slices")) | (
            pl.col("highest") != pl.col("n_slices") - 1
        )
        self._require_none(counted.filter(other), "with other slices")
        key = ["exam_id", "slice_index"]
        tables = [
            predicted.filter(pl.col("finding") == finding)
            .drop("slice_label")
            .join(slice_labels(self._stores, finding), on=key, how="left", maintain_order="left")
            for finding in predicted["finding"].unique(maintain_order=True)
        ]
        return pl.concat([predicted.clear(), *tables], how="diagonal").select(predicted.columns)

    def _require_none(self, exams: pl.DataFrame, what: str) -> None:
        n_exams = exams["exam_id"].n_unique()
        if n_exams:
            raise InputError(
                where=self._stores.name,
                expected="the exams that were predicted",
                got=f"{n_exams} of them {what}, {exams['exam_id'].sort()[0]} for one",
                remedy=_REMEDY,
            )
