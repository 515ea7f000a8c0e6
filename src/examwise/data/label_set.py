"""A label set: which labels a run may see, of slices, of exams, or of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.run import LABEL_SET
from examwise.data.label_kind import LabelKind
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import exam_labels, require_finding, slice_labels

Part = Literal["train", "validation"]


@dataclass(frozen=True)
class LabelSet:
    """The labels that a run may see, in a table sorted by exam and slice.

    A label set names labels; their values stay in the store, unless a run is to see others
    (``seen_label``). Columns that may be missing in all rows may be left out.

    Args:
        kind: ``"slice"`` or ``"exam"``: what each label is of; ``"mixed"``: some are of slices and
            some of exams.
        frame: A table of :data:`~examwise.core.schemas.run.LABEL_SET`, in any order.

    Raises:
        InputError: If rows are of the other kind, or an exam is in both parts.

    Example:
        >>> rows = [{"exam_id": "e1", "slice_index": None, "part": "train"}]
        >>> LabelSet("exam", LABEL_SET.frame(rows)).n_training
        1
    """

    kind: LabelKind
    frame: pl.DataFrame

    def __post_init__(self) -> None:
        if self.kind not in get_args(LabelKind):
            raise InputError(where="label set", expected="kind slice, exam or mixed", got=self.kind)
        frame = LABEL_SET.validate(LABEL_SET.with_later(self.frame)).sort("exam_id", "slice_index")
        n_slices = frame["slice_index"].is_not_null().sum()
        wanted = {"slice": frame.height, "exam": 0, "mixed": n_slices}[self.kind]
        if n_slices != wanted:
            raise InputError(
                where="label set",
                expected=f"labels of {self.kind}s only",
                got=f"{n_slices} slices among {frame.height} labels",
            )
        parts = frame.group_by("exam_id").agg(pl.col("part").n_unique().alias("n_parts"))
        if n_both := parts.filter(pl.col("n_parts") > 1).height:
            raise InputError(
                where="label set",
                expected="each exam for training or for validation",
                got=f"{n_both} exams for both",
                remedy="divide the labels by patient",
            )
        object.__setattr__(self, "frame", frame)

    def part(self, part: Part) -> pl.DataFrame:
        """Return the rows of one part."""
        return self.frame.filter(pl.col("part") == part)

    @property
    def n_training(self) -> int:
        """Number of labels to train on."""
        return self.part("train").height

    @property
    def n_validation(self) -> int:
        """Number of labels kept for validation."""
        return self.part("validation").height


def all_labels(
    stored: ExamSource, splits: pl.DataFrame, findings: str | Sequence[str], kind: LabelKind
) -> LabelSet:
    """Return the set of all labels of one kind that a store's training and validation parts have.

    Args:
        stored: The exam store, or several together.
        splits: Its parts, from :func:`examwise.data.splits.read_splits`.
        findings: One or several; a label of any of them counts.
        kind: ``"slice"``, ``"exam"``, or ``"mixed"`` for both.

    Raises:
        InputError: If the store has no label of a finding.
    """
    names = (findings,) if isinstance(findings, str) else tuple(findings)
    kinds: tuple[LabelKind, ...] = ("exam", "slice") if kind == "mixed" else (kind,)
    rows = pl.concat([_labelled(stored, splits, names, each) for each in kinds])
    return LabelSet(kind, rows)


def _labelled(
    stored: ExamSource, splits: pl.DataFrame, findings: Sequence[str], kind: LabelKind
) -> pl.DataFrame:
    key = ["exam_id", "slice_index"] if kind == "slice" else ["exam_id"]
    labelled = []
    for finding in findings:
        require_finding(stored, finding)
        if kind == "slice":
            labelled.append(slice_labels(stored, finding).select(key))
        else:
            labelled.append(exam_labels(stored, finding).drop_nulls("exam_label").select(key))
    found = pl.concat(labelled).unique(key).join(splits, on="exam_id")
    rows = found.filter(pl.col("split").is_in(["train", "validation"])).rename({"split": "part"})
    if kind == "exam":
        rows = rows.with_columns(pl.lit(None, pl.Int32).alias("slice_index"))
    return rows.select("exam_id", "slice_index", "part")
