"""A label set's labels as arrays: what is learned from, a row a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.data.label_kind import LabelKind
from examwise.data.label_set import LabelSet, Part
from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import exam_labels, require_finding, slice_labels


@dataclass(frozen=True)
class Targets:
    """Labels of one part of a label set, sorted by exam and slice.

    Where labels are mixed, a row is an exam: its own label, if it was bought, and those of its
    slices in ``of_slices``.

    Attributes:
        kind: What each label is of.
        findings: The columns of ``values``.
        exam_ids: Exam of each row.
        slice_index: Slice of each row, int64, shape (rows,); zeros where rows are exams.
        values: 1, 0 or NaN where this finding has no label, float32, shape (rows, findings).
        of_slices: Of mixed labels those of slices; None otherwise.
        weights: How much each row counts, 1 on average, float64, shape (rows,); alike if None.
    """

    kind: LabelKind
    findings: tuple[str, ...]
    exam_ids: tuple[str, ...]
    slice_index: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    of_slices: Targets | None = None
    weights: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.exam_ids)

    @property
    def n_labels(self) -> int:
        """Number of labels: of slices and of exams."""
        if self.of_slices is None:
            return len(self)
        return int((~np.isnan(self.values)).any(axis=1).sum()) + len(self.of_slices)

    @property
    def is_positive(self) -> npt.NDArray[np.bool_]:
        """Whether a row has a label that is 1 for one of the findings, shape (rows,)."""
        own = np.asarray((self.values == 1).any(axis=1))
        if self.of_slices is None:
            return own
        names = np.asarray(self.of_slices.exam_ids)[self.of_slices.is_positive]
        return own | np.isin(np.asarray(self.exam_ids), names)

    @property
    def n_positive(self) -> int:
        """Number of labels that are 1 for one of the findings."""
        own = int((self.values == 1).any(axis=1).sum())
        return own + (self.of_slices.n_positive if self.of_slices else 0)

    @property
    def all_values(self) -> npt.NDArray[np.float32]:
        """All labels' values, shape (labels, findings)."""
        if self.of_slices is None:
            return self.values
        return np.concatenate([self.values, self.of_slices.values])

    def units(self) -> npt.NDArray[np.float64]:
        """Return how much each row counts in a mean over labels, shape (rows,).

        A label counts one for each finding. Of mixed labels an exam's slices count one together,
        as its own label does: slices of few exams would outweigh the labels of all others.
        """
        present = (~np.isnan(self.values)).sum(axis=1).astype(np.float64)
        if self.weights is not None:
            present *= self.weights
        if self.of_slices is not None:
            places = {exam_id: place for place, exam_id in enumerate(self.exam_ids)}
            rows = [places[exam_id] for exam_id in self.of_slices.exam_ids]
            labelled = np.zeros(self.values.shape, bool)
            np.logical_or.at(labelled, rows, ~np.isnan(self.of_slices.values))
            present += labelled.sum(axis=1)
        return present

    def weighing_within_classes(self) -> Targets:
        """Return the same with weights of mean 1 among positive rows and among negative ones.

        For steps that take both classes alike, which weights are not to undo.
        """
        if self.weights is None:
            return self
        weights = self.weights.copy()
        for of_class in (self.is_positive, ~self.is_positive):
            if weights[of_class].any():
                weights[of_class] /= weights[of_class].mean()
        return replace(self, weights=weights)

    def digest(self) -> str:
        """Return a digest of what is labelled and how."""
        names = "\n".join((self.kind, *self.findings, *self.exam_ids)).encode()
        within = self.of_slices.digest().encode() if self.of_slices else b""
        weights = b"" if self.weights is None else self.weights.tobytes()
        return sha256_hex(
            names + self.slice_index.tobytes() + self.values.tobytes() + within + weights
        )


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
        InputError: If the store has no such exam, or no label there of any of the findings; if
            labels were seen otherwise, or weigh, and are mixed or of several findings.
    """
    rows = label_set.part(part).select("exam_id", "slice_index", "seen_label", "weight")
    _require_plain(rows, label_set.kind, findings)
    of_slices = _look_up(stored, rows.drop_nulls("slice_index"), part, findings, "slice")
    if label_set.kind == "slice":
        return of_slices
    of_exams = _look_up(
        stored, rows.filter(pl.col("slice_index").is_null()), part, findings, "exam"
    )
    return of_exams if label_set.kind == "exam" else _together(of_exams, of_slices)


def _look_up(
    stored: ExamSource, rows: pl.DataFrame, part: Part, findings: Sequence[str], kind: LabelKind
) -> Targets:
    key = ["exam_id", "slice_index"] if kind == "slice" else ["exam_id"]
    for finding in findings:
        require_finding(stored, finding)
        if kind == "slice":
            labels = slice_labels(stored, finding).rename({"slice_label": finding})
        else:
            labels = exam_labels(stored, finding).rename({"exam_label": finding})
        rows = rows.join(labels, on=key, how="left")
    rows = rows.sort("exam_id", "slice_index")
    if rows["seen_label"].count():
        (finding,) = findings
        rows = rows.with_columns(pl.coalesce("seen_label", finding).alias(finding))
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
        kind=kind,
        findings=tuple(findings),
        exam_ids=tuple(rows["exam_id"].to_list()),
        slice_index=rows["slice_index"].fill_null(0).cast(pl.Int64).to_numpy(),
        values=array,
        weights=rows["weight"].fill_null(1.0).to_numpy() if rows["weight"].count() else None,
    )


def _require_plain(rows: pl.DataFrame, kind: LabelKind, findings: Sequence[str]) -> None:
    special = [name for name in ("seen_label", "weight") if rows[name].count()]
    if special and (kind == "mixed" or len(findings) > 1):
        raise InputError(
            where="label set",
            expected=f"labels of one kind and one finding where there are {' and '.join(special)}",
            got=f"{kind} labels of {', '.join(findings)}",
        )


def _together(of_exams: Targets, of_slices: Targets) -> Targets:
    """Return a row for each exam that has a label of its own or of a slice."""
    exam_ids = tuple(sorted({*of_exams.exam_ids, *of_slices.exam_ids}))
    values = np.full((len(exam_ids), len(of_exams.findings)), np.nan, np.float32)
    places = {exam_id: place for place, exam_id in enumerate(exam_ids)}
    values[[places[exam_id] for exam_id in of_exams.exam_ids]] = of_exams.values
    return Targets(
        kind="mixed",
        findings=of_exams.findings,
        exam_ids=exam_ids,
        slice_index=np.zeros(len(exam_ids), np.int64),
        values=values,
        of_slices=of_slices,
    )
