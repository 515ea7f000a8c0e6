"""Labels of what several runs predicted: all must have been given the same truth."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from examwise.core.errors import InputError


@dataclass(frozen=True)
class KnownLabels:
    """Labels seen so far, which those of further runs must agree with.

    Attributes:
        key: Columns that name what is labelled.
        label: The label's column.
        known: Key and label of everything labelled so far, None before the first run.
    """

    key: tuple[str, ...]
    label: str
    known: pl.DataFrame | None = None

    def joined_by(self, frame: pl.DataFrame, *, where: str) -> KnownLabels:
        """Return these labels and those of ``frame``.

        Raises:
            InputError: If both label something, and differently.
        """
        labelled = frame.drop_nulls(self.label).select(*self.key, self.label)
        if self.known is None:
            return KnownLabels(self.key, self.label, labelled)
        if labelled.equals(self.known):
            return self
        both = labelled.join(self.known, on=self.key, how="inner", suffix="_known")
        different = both.filter(pl.col(self.label) != pl.col(f"{self.label}_known"))
        if not different.is_empty():
            first = different.sort(self.key).row(0, named=True)
            raise InputError(
                where=f"{where}, column {self.label}",
                expected="the same labels as in the other predictions",
                got=f"{different.height} that differ, the first for "
                + ", ".join(f"{name} {first[name]}" for name in self.key),
                remedy="predict with the same labels in the store, or evaluate apart",
            )
        new = labelled.join(self.known, on=self.key, how="anti")
        return KnownLabels(self.key, self.label, pl.concat([self.known, new]))


EXAM_LABELS = KnownLabels(("exam_id", "finding"), "exam_label")
SLICE_LABELS = KnownLabels(("exam_id", "finding", "slice_index"), "slice_label")
