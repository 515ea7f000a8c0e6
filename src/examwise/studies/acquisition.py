"""Drawing labels to buy: nested budgets, by patient, and what a reader does for them.

A repeat fixes one order of purchases; a budget takes the first of them, so a larger budget holds
every smaller one. Patients come in the order of a circle on which every repeat begins elsewhere
(:mod:`examwise.studies.patient_circle`), and bring all their exams. Ways to draw differ in what is
asked of each exam.

The published study drew with the odds as the positive fraction (Teneggi, Yi and Sulam, 2023);
here the draw ignores labels, unless reports are to choose whose are bought.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.data.label_set import LabelSet
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.arm_config import n_validation_labels
from examwise.studies.patient_circle import circle_order
from examwise.studies.reader_effort import ReaderEffort, run_actions

_ORDER = ("exam_id", "slice_index")


@dataclass(frozen=True)
class Purchases:
    """Everything that may be bought from one part of a store, in the order of buying.

    Attributes:
        way: A key of :data:`~examwise.studies.acquisition_names.ACQUISITION_KINDS`.
        labels: ``exam_id``, ``slice_index`` (missing for exam labels), ``label``, ``seen_label``
            (missing where it is the label) and ``unit``: labels of one unit are bought together;
            units count from 0 in the order of buying.
        prices: Labels that each unit counts for, ``unit`` and ``price``.
        strata: ``exam_id`` and ``is_called``, whether its patient was drawn as one whom reports
            call positive; None where patients are drawn at random.
    """

    way: str
    labels: pl.DataFrame
    prices: pl.DataFrame
    strata: pl.DataFrame | None = None

    @property
    def n_labels(self) -> int:
        """Labels that there are to buy."""
        return int(self.prices["price"].sum())

    def first(self, n_labels: int) -> pl.DataFrame:
        """Return what a budget buys: whole units, in all at most ``n_labels`` labels."""
        affordable = self.prices.filter(pl.col("price").cum_sum() <= n_labels)["unit"]
        return self.labels.filter(pl.col("unit").is_in(affordable.implode()))

    def paid(self, bought: pl.DataFrame) -> int:
        """Return how many labels what :meth:`first` returned counts for."""
        units = bought["unit"].unique()
        return int(self.prices.filter(pl.col("unit").is_in(units.implode()))["price"].sum())

    def effort(self, bought: pl.DataFrame) -> ReaderEffort:
        """Return what a reader does for labels that :meth:`first` returned."""
        if self.way == "exam":
            return ReaderEffort(exams_read=bought.height, slices_read=0, actions=bought.height)
        if self.way == "spread":
            return ReaderEffort(exams_read=0, slices_read=bought.height, actions=bought.height)
        n_exams = bought["exam_id"].n_unique()
        if self.way == "exam_first":
            return ReaderEffort(exams_read=n_exams, slices_read=0, actions=self.paid(bought))
        exams = bought.sort(_ORDER).partition_by("exam_id")
        actions = sum(run_actions(exam["label"].to_numpy()) for exam in exams)
        return ReaderEffort(exams_read=n_exams, slices_read=0, actions=actions)

    def weights(self, bought: pl.DataFrame) -> pl.DataFrame | None:
        """Return ``exam_id`` and ``weight``: for how many of the part each one drawn stands.

        The inverse of the chance to be drawn, by stratum: that of an exam, or of a slice where
        slices are drawn singly (an exam may have given one or many). Scaled so that the mean over
        what was drawn is 1. None where all have the same.
        """
        if self.strata is None:
            return None
        by = "is_called"
        drawn, everything = (
            self._drawn_units(labels).join(self.strata, on="exam_id")
            for labels in (bought, self.labels)
        )
        there = everything.group_by(by).len("n_there")
        taken = drawn.group_by(by).len("n_taken").join(there, on=by)
        raw = pl.col("n_there") / pl.col("n_taken")
        weighed = drawn.join(taken.with_columns(raw.alias("weight")), on=by)
        scaled = weighed.with_columns(pl.col("weight") / pl.col("weight").mean())
        return scaled.select("exam_id", "weight").unique("exam_id")

    def _drawn_units(self, labels: pl.DataFrame) -> pl.DataFrame:
        """Return ``exam_id`` of each slice where these are drawn singly, else of each exam."""
        exams = labels.select("exam_id")
        return exams if self.way == "spread" else exams.unique()


@dataclass(frozen=True)
class Draw:
    """The labels of one run and what they cost.

    Attributes:
        label_set: The labels, training and validation.
        n_bought: ``train`` and ``validation`` to labels bought: what they count for where an
            answer gives many labels at once.
        n_positive: Positive ones among the labels.
        n_exams_opened: Different exams among them.
        effort: What a reader does for them.
    """

    label_set: LabelSet
    n_bought: Mapping[str, int]
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
        labels: ``exam_id``, ``slice_index`` (missing for exam labels), ``label`` and
            ``seen_label``, sorted; exams and slices without a label are not for sale.
        called: Patients whom reports call positive, where they are drawn by that.
        positive_share: Their share among the patients drawn.
    """

    part: str
    way: str
    exams: pl.DataFrame
    labels: pl.DataFrame
    called: frozenset[str] | None = None
    positive_share: float = 0.5

    def order(self, *, seed: int, repeat: int) -> Purchases:
        """Put everything in an order that depends on seed and repeat alone.

        The order of patients is the same for all ways, so that arms meet the same exams. Single
        slices (``spread``) are taken from one exam after the other, one of each, at random within
        the exam; when all exams have given one, a second one of each, and so on.

        Args:
            seed: The study's seed.
            repeat: Number of the repeat.
        """
        rank = circle_order(
            self.exams["patient_key"],
            seed=seed,
            part=self.part,
            repeat=repeat,
            positive=self.called,
            positive_share=self.positive_share,
        )
        exams = (
            self.exams.join(rank, on="patient_key")
            .join(self.labels, on="exam_id", how="semi")
            .sort("rank", "exam_id")
            .select("exam_id", pl.int_range(pl.len()).alias("place"))
        )
        ordered = exams.join(self.labels, on="exam_id", maintain_order="left_right")
        if self.way == "spread":
            labels = self._one_of_each(ordered, seed=seed, repeat=repeat)
        else:
            labels = ordered.rename({"place": "unit"})
        return Purchases(
            self.way,
            labels.select("exam_id", "slice_index", "label", "seen_label", "unit"),
            prices=self._prices(labels),
            strata=self._strata(),
        )

    @property
    def n_labels(self) -> int:
        """Labels that there are to buy."""
        return int(self._price_of_exams["price"].sum())

    @property
    def dearest(self) -> int:
        """What the dearest exam counts for, or a slice where these are bought singly."""
        if self.way == "spread":
            return 1
        return max(self._price_of_exams["price"].to_list(), default=1)

    @property
    def _price_of_exams(self) -> pl.DataFrame:
        units = self.labels.with_columns(pl.col("exam_id").rank("dense").alias("unit"))
        return self._prices(units)

    def _one_of_each(self, ordered: pl.DataFrame, *, seed: int, repeat: int) -> pl.DataFrame:
        stream = generator(seed, "slices", self.part, repeat)
        by_slice = ordered.sort(_ORDER).with_columns(
            pl.Series("key", stream.random(ordered.height))
        )
        turn = pl.col("key").rank("ordinal").over("exam_id").alias("turn")
        in_turn = by_slice.with_columns(turn).sort("turn", "place")
        return in_turn.with_columns(pl.int_range(pl.len()).alias("unit"))

    def _prices(self, labels: pl.DataFrame) -> pl.DataFrame:
        """Return what each unit counts for: its labels, or the answers that give them."""
        if self.way != "exam_first":
            return labels.group_by("unit", maintain_order=True).len("price")
        begins = pl.col("label").diff().fill_null(pl.col("label").first()) == 1
        runs = labels.sort("unit", "slice_index").group_by("unit", maintain_order=True)
        return runs.agg((1 + 2 * begins.sum()).cast(pl.UInt32).alias("price"))

    def _strata(self) -> pl.DataFrame | None:
        if self.called is None:
            return None
        is_called = pl.col("patient_key").is_in(list(self.called)).alias("is_called")
        on_sale = self.exams.join(self.labels, on="exam_id", how="semi")
        return on_sale.select("exam_id", is_called)


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
        available = purchases.n_labels
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
    purchases_of = {"train": train, "validation": validation}
    frame = pl.concat(_rows(labels, part, purchases_of[part]) for part, labels in parts.items())
    seen = bought.select(pl.coalesce("seen_label", "label")).to_series()
    return Draw(
        label_set=LabelSet(ACQUISITION_KINDS[train.way], frame),
        n_bought={part: purchases_of[part].paid(labels) for part, labels in parts.items()},
        n_positive=int(np.sum(seen.to_numpy())),
        n_exams_opened=bought["exam_id"].n_unique(),
        effort=train.effort(parts["train"]) + validation.effort(parts["validation"]),
    )


def _rows(labels: pl.DataFrame, part: str, purchases: Purchases) -> pl.DataFrame:
    rows = labels.select("exam_id", "slice_index", pl.lit(part).alias("part"), "seen_label")
    weights = purchases.weights(labels)
    if weights is None:
        return rows.with_columns(pl.lit(None, pl.Float64).alias("weight"))
    return rows.join(weights, on="exam_id", how="left", maintain_order="left")
