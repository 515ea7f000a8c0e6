"""A label set's labels as arrays: what is learned from, a row a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.data.label_set import LabelKind, LabelSet, Part
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import exam_labels, require_finding, slice_labels


@dataclass(frozen=True)
class Targets:
    """Labels of one part of a label set, sorted by exam and slice.

    Attributes:
        kind: What each label is of.
        findings: The columns of ``values``.
        exam_ids: Exam of each label.
        slice_index: Slice of each label, int64, shape (labels,); zeros for labels of exams.
        values: 1, 0 or NaN where this finding has no label, float32, shape (labels, findings).
    """

    kind: LabelKind
    findings: tuple[str, ...]
    exam_ids: tuple[str, ...]
    slice_index: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.exam_ids)

    @property
    def is_positive(self) -> npt.NDArray[np.bool_]:
        """Whether a label is 1 for one of the findings, shape (labels,)."""
        return np.asarray((self.values == 1).any(axis=1))

    def digest(self) -> str:
        """Return a digest of what is labelled and how."""
        names = "\n".join((self.kind, *self.findings, *self.exam_ids)).encode()
        return sha256_hex(names + self.slice_index.tobytes() + self.values.tobytes())


def find_targets(
    stored: ExamSource, label_set: LabelSet, part: Part, findings: Sequence[str]
) -> Targets:
    """Look up the labels that a label set names.

    Args:
        stored: The exam store, or several together.
        label_set: Which labels.
        part: Those for training or those for validation.
        findings: Which findings.

    Raises:
        InputError: If the store has no such exam, or no label there of any of the findings.
    """
    rows = label_set.part(part).select("exam_id", "slice_index")
    key = ["exam_id", "slice_index"] if label_set.kind == "slice" else ["exam_id"]
    for finding in findings:
        require_finding(stored, finding)
        if label_set.kind == "slice":
            labels = slice_labels(stored, finding).rename({"slice_label": finding})
        else:
            labels = exam_labels(stored, finding).rename({"exam_label": finding})
        rows = rows.join(labels, on=key, how="left")
    rows = rows.sort("exam_id", "slice_index")
    values = rows.select(pl.col(list(findings)).cast(pl.Float32).fill_null(float("nan")))
    array = np.ascontiguousarray(values.to_numpy(), dtype=np.float32)
    if n_missing := int(np.isnan(array).all(axis=1).sum()):
        raise InputError(
            where=f"label set, part {part}",
            expected=f"a label in {stored.name} for each row",
            got=f"{n_missing} of {rows.height} rows without one",
            remedy="draw the label set again from this store's labels",
        )
    return Targets(
        kind=label_set.kind,
        findings=tuple(findings),
        exam_ids=tuple(rows["exam_id"].to_list()),
        slice_index=rows["slice_index"].fill_null(0).cast(pl.Int64).to_numpy(),
        values=array,
    )
