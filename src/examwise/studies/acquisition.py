"""Drawing labels to buy: nested budgets, by patient, and what a reader does for them.

A repeat fixes one order of purchases; a budget takes the first of them, so a larger budget holds
every smaller one. Patients are drawn at random and bring all their exams; single slices (way
``spread``) are drawn at random over all exams.

The published study drew with the odds as the positive fraction (Teneggi, Yi and Sulam, 2023);
here the draw ignores labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.data.label_set import LabelSet
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.arm_config import n_validation_labels
from examwise.studies.reader_effort import ReaderEffort, run_actions

_ORDER = ("exam_id", "slice_index")


@dataclass(frozen=True)
class Purchases:
    """Everything that may be bought from one part of a store, in the order of buying.

    Attributes:
        way: A key of :data:`~examwise.studies.acquisition_names.ACQUISITION_KINDS`.
        labels: ``exam_id``, ``slice_index`` (missing for exam labels), ``label`` and ``unit``:
            labels of one unit are bought together; units count from 0 in the order of buying.
    """

    way: str
    labels: pl.DataFrame

    def first(self, n_labels: int) -> pl.DataFrame:
        """Return the labels that a budget buys: whole units, at most ``n_labels`` labels."""
        sizes = self.labels.group_by("unit", maintain_order=True).len()
        affordable = sizes.filter(pl.col("len").cum_sum() <= n_labels)["unit"]
        return self.labels.filter(pl.col("unit").is_in(affordable.implode()))

    def effort(self, bought: pl.DataFrame) -> ReaderEffort:
        """Return what a reader does for labels that :meth:`first` returned."""
        if self.way == "exam":
            return ReaderEffort(exams_read=bought.height, slices_read=0, actions=bought.height)
        if self.way == "spread":
            return ReaderEffort(exams_read=0, slices_read=bought.height, actions=bought.height)
        exams = bought.sort(_ORDER).partition_by("exam_id")
        actions = sum(run_actions(exam["label"].to_numpy()) for exam in exams)
        return ReaderEffort(exams_read=len(exams), slices_read=0, actions=actions)


@dataclass(frozen=True)
class Draw:
    """The labels of one run and what they cost.

    Attributes:
        label_set: The labels, training and validation.
        n_positive: Positive ones among them.
        n_exams_opened: Different exams among them.
        effort: What a reader does for them.
    """

    label_set: LabelSet
    n_positive: int
    n_exams_opened: int
    effort: ReaderEffort


@dataclass(frozen=True)
class Sale:
    """What may be bought from one part of a store in one way, in no order yet.

    Attributes:
        part: ``train`` or ``validation``.
        way: How labels are drawn.
        exams: ``exam_id`` and ``patient_key`` of the part.
        labels: ``exam_id``, ``slice_index`` (missing for exam labels) and ``label``, sorted;
            exams and slices without a label are not for sale.
    """

    part: str
    way: str
    exams: pl.DataFrame
    labels: pl.DataFrame

    def order(self, *, seed: int, repeat: int) -> Purchases:
        """Put everything in an order that depends on seed and repeat alone.

        The order of patients is the same for all ways, so that arms meet the same exams.

        Args:
            seed: The study's seed.
            repeat: Number of the repeat.
        """
        if self.way == "spread":
            shuffled = generator(seed, "slices", self.part, repeat).permutation(self.labels.height)
            labels = self.labels[shuffled].with_columns(pl.int_range(pl.len()).alias("unit"))
            return Purchases(self.way, labels)
        patients = self.exams["patient_key"].unique().sort()
        order = generator(seed, "patients", self.part, repeat).permutation(len(patients))
        rank = pl.DataFrame({"patient_key": patients, "rank": order})
        exams = (
            self.exams.join(rank, on="patient_key")
            .join(self.labels, on="exam_id", how="semi")
            .sort("rank", "exam_id")
            .select("exam_id", pl.int_range(pl.len()).alias("unit"))
        )
        labels = exams.join(self.labels, on="exam_id", maintain_order="left_right")
        return Purchases(self.way, labels.select("exam_id", "slice_index", "label", "unit"))


def put_on_sale(
    stored: ExamSource, splits: pl.DataFrame, *, part: str, way: str, finding: str
) -> Sale:
    """Collect the labels that may be bought.

    Args:
        stored: The exam store, or several together.
        splits: Its splits.
        part: ``train`` or ``validation``.
        way: How labels are drawn.
        finding: What they are about.
    """
    exams = splits.filter(pl.col("split") == part).select("exam_id", "patient_key")
    if ACQUISITION_KINDS[way] == "exam":
        known = exam_labels(stored, finding).rename({"exam_label": "label"})
        known = known.with_columns(pl.lit(None, pl.Int32).alias("slice_index"))
    else:
        known = slice_labels(stored, finding).rename({"slice_label": "label"})
    labels = known.drop_nulls("label").join(exams, on="exam_id", how="semi").sort(_ORDER)
    return Sale(part, way, exams, labels.select("exam_id", "slice_index", "label"))


def draw_labels(
    train: Purchases,
    validation: Purchases,
    *,
    budget: int,
    validation_fraction: float,
    validation_from: int,
) -> Draw:
    """Buy ``budget`` labels, a part of them from the validation patients.

    Args:
        train: Purchases from the training patients.
        validation: Purchases from the validation patients, drawn in the same way.
        budget: Number of labels m.
        validation_fraction: Part of m for validation, the same in all arms.
        validation_from: Smaller budgets buy no validation labels.

    Raises:
        InputError: If there are not as many labels, or the budget does not reach for one unit.
    """
    n_validation = n_validation_labels(
        budget, fraction=validation_fraction, smallest=validation_from
    )
    parts = {}
    for part, purchases, n_wanted in (
        ("train", train, budget - n_validation),
        ("validation", validation, n_validation),
    ):
        available = purchases.labels.height
        if n_wanted > available:
            raise InputError(
                where=f"budget {budget}, drawn by {train.way}",
                expected=f"at most {available} labels from {part} patients",
                got=n_wanted,
                remedy="use smaller budgets, or a larger archive",
            )
        parts[part] = purchases.first(n_wanted)
    if not parts["train"].height:
        raise InputError(
            where=f"budget {budget}, drawn by {train.way}",
            expected="enough labels for the slices of one exam",
            got=budget,
            remedy="use a larger smallest budget",
        )
    bought = pl.concat(parts.values())
    frame = pl.concat(
        labels.select("exam_id", "slice_index", pl.lit(part).alias("part"))
        for part, labels in parts.items()
    )
    return Draw(
        label_set=LabelSet(ACQUISITION_KINDS[train.way], frame),
        n_positive=int(np.sum(bought["label"].to_numpy())),
        n_exams_opened=bought["exam_id"].n_unique(),
        effort=train.effort(parts["train"]) + validation.effort(parts["validation"]),
    )
