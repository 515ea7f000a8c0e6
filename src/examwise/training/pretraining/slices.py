"""Which slices pretraining may see, looked up before anything is computed; no label is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.schemas.encoder import LEARNED_PATIENTS
from examwise.data.joined_splits import read_joined_splits
from examwise.data.splits import has_splits
from examwise.imaging.joined_stores import JoinedStores


@dataclass(frozen=True)
class UnlabelledSlices:
    """Slices to learn from, and whose they are.

    Attributes:
        stored: The stores.
        frame: Columns ``exam_id`` and ``slice_index``, sorted.
        patients: A table of :data:`~examwise.core.schemas.encoder.LEARNED_PATIENTS`.
        matrix: Rows and columns that all of them have.
        n_exams_left_out: Exams of test patients, and of patients of split stores without a part.
        unsplit: Stores without splits, all of whose exams are used.
        data_terms: Terms of use of the exams.
    """

    stored: JoinedStores
    frame: pl.DataFrame
    patients: pl.DataFrame
    matrix: tuple[int, int]
    n_exams_left_out: int
    unsplit: tuple[str, ...]
    data_terms: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Digest of exactly these slices."""
        keys = "\n".join(f"{exam_id}/{index}" for exam_id, index in self.frame.iter_rows())
        return "sha256:" + sha256_hex(keys.encode())


def find_slices(stores: Sequence[str], *, allow_unsplit: bool = False) -> UnlabelledSlices:
    """Find the slices of all patients who are not kept for testing.

    A test patient of one store is one in all of them. In a store with splits, a patient whose
    exams have no part yet may become a test patient, and is left out as well.

    Args:
        stores: The exam store, or several of one key.
        allow_unsplit: Use all exams of a store that has no splits; with any test exam drawn there
            later the encoder would be tested on patients that it has seen.

    Raises:
        InputError: If the stores cannot be joined, one is not split and that is not allowed, no
            slice is left, or their matrices differ.
    """
    stored = JoinedStores(stores)
    unsplit = tuple(url for url in stored.urls if not has_splits(url))
    if unsplit and not allow_unsplit:
        raise InputError(
            where=", ".join(unsplit),
            expected="a store that is split by patient, whose test patients are left out",
            got="no splits",
            remedy="run: examwise split STORE, or use all of its patients and test on none of "
            "them (--allow-unsplit)",
        )
    parts = read_joined_splits(stored.urls, split_only=True)
    of_patient = parts.select("patient_key", pl.col("split").alias("part")).unique()
    free = [
        store.exams.select("exam_id", pl.lit("train").alias("free_part"))
        for store in stored.stores
        if store.storage.url in unsplit
    ]
    whole = pl.concat([pl.DataFrame(schema={"exam_id": pl.String, "free_part": pl.String}), *free])
    exams = (
        stored.exams.join(of_patient, on="patient_key", how="left")
        .join(whole, on="exam_id", how="left")
        .with_columns(pl.coalesce("part", "free_part").alias("part"))
        .with_columns(pl.col("part").is_null().any().over("patient_key").alias("is_open"))
        .sort("exam_id")
    )
    used = exams.filter(pl.col("part").is_in(["train", "validation"]) & ~pl.col("is_open"))
    slices = stored.slices.select("exam_id", "slice_index")
    frame = slices.join(used.select("exam_id"), on="exam_id", how="semi")
    if not frame.height:
        raise InputError(
            where=stored.name,
            expected="slices of patients who are not kept for testing",
            got="none",
            remedy="split the store with a smaller test fraction",
        )
    return UnlabelledSlices(
        stored=stored,
        frame=frame.sort("exam_id", "slice_index"),
        patients=LEARNED_PATIENTS.validate(
            used.select("patient_key", "part").unique("patient_key").sort("patient_key")
        ),
        matrix=_matrix(used, stored.name),
        n_exams_left_out=exams.height - used.height,
        unsplit=unsplit,
        data_terms=tuple(used["data_terms"].unique().sort().to_list()),
    )


def _matrix(exams: pl.DataFrame, where: str) -> tuple[int, int]:
    sizes = exams.select("rows", "columns").unique().sort("rows", "columns").rows()
    if len(sizes) > 1:
        raise InputError(
            where=where,
            expected="one matrix size for all exams",
            got=" and ".join(f"{rows} × {columns}" for rows, columns in sizes[:3]),
            remedy="ingest every archive with the same matrix (--ingest.matrix)",
        )
    return sizes[0]
