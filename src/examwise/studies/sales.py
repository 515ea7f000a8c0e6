"""What a store has to sell: labels as they are, or as reports have them."""

from __future__ import annotations

import polars as pl

from examwise.core.errors import InputError
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import exam_labels, slice_labels
from examwise.studies.acquisition import Sale
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.label_errors import seen_labels
from examwise.studies.label_errors_config import LabelErrorsConfig
from examwise.studies.sampling_config import SamplingConfig

REPORT = "report"
"""Source of label events that come from reports."""

_ORDER = ("exam_id", "slice_index")


def put_on_sale(
    stored: ExamSource,
    splits: pl.DataFrame,
    *,
    part: str,
    way: str,
    finding: str,
    sampling: SamplingConfig | None = None,
    errors: LabelErrorsConfig | None = None,
    seed: int = 0,
) -> Sale:
    """Collect the labels that may be bought.

    Errors are those of exam labels, drawn by ``exam``. Where slices are asked for, a reader looks
    at them, and an error in the exam's label would be found.

    Args:
        stored: The exam store, or several together.
        splits: Its splits.
        part: ``train`` or ``validation``.
        way: How labels are drawn.
        finding: What they are about.
        sampling: Whose labels are bought; patients at random if None.
        errors: How often exam labels are wrong; never if None.
        seed: The study's seed.

    Raises:
        InputError: If reports are to choose and there is none.
    """
    exams = splits.filter(pl.col("split") == part).select("exam_id", "patient_key")
    truth = exam_labels(stored, finding).rename({"exam_label": "label"}).drop_nulls("label")
    seen = None if errors is None else _seen(stored, truth, finding, errors, seed=seed)
    if ACQUISITION_KINDS[way] == "exam":
        known = truth.with_columns(pl.lit(None, pl.Int32).alias("slice_index"))
        if seen is not None:
            known = known.join(seen, on="exam_id", how="left")
    else:
        known = slice_labels(stored, finding).rename({"slice_label": "label"}).drop_nulls("label")
    if "seen_label" not in known.columns:
        known = known.with_columns(pl.lit(None, pl.Int8).alias("seen_label"))
    labels = known.join(exams, on="exam_id", how="semi").sort(_ORDER)
    return Sale(
        part,
        way,
        exams,
        labels.select(*_ORDER, "label", "seen_label"),
        called=None if sampling is None else _called(stored, exams, finding, seen),
        positive_share=0.5 if sampling is None else sampling.positive_share,
    )


def _seen(
    stored: ExamSource, truth: pl.DataFrame, finding: str, errors: LabelErrorsConfig, *, seed: int
) -> pl.DataFrame:
    """Return exam labels with errors; what shows on few slices is missed more often."""
    positive = slice_labels(stored, finding).filter(pl.col("slice_label") == 1)
    extent = positive.group_by("exam_id").len("extent")
    return seen_labels(truth, extent, errors, seed=seed)


def _called(
    stored: ExamSource, exams: pl.DataFrame, finding: str, seen: pl.DataFrame | None
) -> frozenset[str]:
    """Return the patients of a part with an exam that a report calls positive."""
    events = stored.labels.filter(
        pl.col("source") == REPORT, pl.col("finding") == finding, pl.col("slice_start").is_null()
    )
    said = events.sort("round").group_by("exam_id").agg(pl.col("value").last().alias("said"))
    if said.is_empty():
        if seen is None:
            raise InputError(
                where="study.sampling",
                expected=f"labels of source '{REPORT}' in {stored.name}",
                got="none",
                remedy="add them, let study.label_errors simulate reports, or leave sampling out",
            )
        said = seen.rename({"seen_label": "said"})
    positive = exams.join(said.filter(pl.col("said") == 1), on="exam_id", how="semi")
    return frozenset(positive["patient_key"].to_list())
