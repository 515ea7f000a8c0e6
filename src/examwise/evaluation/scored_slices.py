"""The slices of one run, archive and finding as arrays, with what scores them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import SchemaError
from examwise.core.schemas.evaluation import ESTIMATORS
from examwise.core.schemas.explanations import SLICE_VALUES
from examwise.core.schemas.predictions import PREDICTED_SLICES
from examwise.metrics.inputs import Floats
from examwise.metrics.position import PositionHistogram, position_scores

Histograms = Mapping[str, Mapping[str, PositionHistogram | None]]
"""Run to finding to position histogram of its training slices, None where there was none."""

BAG_VALUES = "hshap_bag"
"""The method whose values of slices are the estimator ``hshap``."""

_NO_LABEL = -1
_SLICE = ["exam_id", "slice_index"]


@dataclass(frozen=True)
class ScoredSlices:
    """Slices of one run, archive and finding, exam after exam, each exam from its first slice on.

    Attributes:
        run_id: The run.
        learner: Its learner.
        archive: The archive.
        finding: The finding.
        exam: Number of each slice's exam, from 0 and rising, shape (n,).
        slice_index: Each slice's own index, rising within an exam, shape (n,).
        label: 0, 1, or -1 where there is none, shape (n,).
        slice_probability: What the run says of each slice, shape (n,).
        patient: Number of each exam's patient, shape (n_exams,).
        exam_label: 0, 1, or -1 where there is none, shape (n_exams,).
        exam_probability: What the run says of each exam, shape (n_exams,).
        scores: Estimator to its scores, shape (n,); NaN where an exam was not explained.
    """

    run_id: str
    learner: str
    archive: str
    finding: str
    exam: npt.NDArray[np.int64]
    slice_index: npt.NDArray[np.int64]
    label: npt.NDArray[np.int8]
    slice_probability: Floats
    patient: npt.NDArray[np.int64]
    exam_label: npt.NDArray[np.int8]
    exam_probability: Floats
    scores: Mapping[str, Floats]

    @property
    def n_exams(self) -> int:
        """Exams, with or without labelled slices."""
        return len(self.patient)

    @property
    def key(self) -> dict[str, str]:
        """The first columns of tables about slices."""
        return {
            "run_id": self.run_id,
            "learner": self.learner,
            "archive": self.archive,
            "finding": self.finding,
        }

    def counted(self, estimator: str) -> npt.NDArray[np.bool_]:
        """Return which slices have a label and a score of the estimator, shape (n,)."""
        return (self.label != _NO_LABEL) & ~np.isnan(self.scores[estimator])

    def in_positive_exams(self) -> npt.NDArray[np.bool_]:
        """Return which slices are of an exam that has a positive slice, shape (n,)."""
        has_one = np.zeros(self.n_exams, dtype=np.bool_)
        has_one[self.exam[self.label == 1]] = True
        return has_one[self.exam]

    def of_whole_exams(self, estimator: str) -> ScoredSlices:
        """Return the exams all of whose slices count, numbered anew.

        A run of positive slices has no ends where a neighbour's label is missing.
        """
        whole = np.bincount(self.exam, minlength=self.n_exams) > 0
        whole[self.exam[~self.counted(estimator)]] = False
        if whole.all():
            return self
        kept = whole[self.exam]
        number = np.cumsum(whole) - 1
        return ScoredSlices(
            **self.key,
            exam=number[self.exam[kept]],
            slice_index=self.slice_index[kept],
            label=self.label[kept],
            slice_probability=self.slice_probability[kept],
            patient=self.patient[whole],
            exam_label=self.exam_label[whole],
            exam_probability=self.exam_probability[whole],
            scores={name: values[kept] for name, values in self.scores.items()},
        )


def scored_slices(
    slices: pl.DataFrame,
    exams: pl.DataFrame,
    histograms: Histograms,
    *,
    values: pl.DataFrame | None = None,
) -> Iterator[ScoredSlices]:
    """Yield the slices of each run, archive and finding, in the order of their names.

    ``slice_probability`` scores by ``slice_logit``, which keeps apart what the sigmoid rounds to
    1; ``attention_weight`` is there for runs that attend; ``hshap`` where bags were explained;
    ``position_only`` for runs whose training left a position histogram. Whether a run attends is
    asked of all its slices, labelled or not.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs; slices of other exams are left out.
        histograms: Position histograms by run and finding.
        values: ``SLICE_VALUES``; those of other methods than ``hshap_bag`` are left out.

    Raises:
        SchemaError: If attention, or the values of an explained exam, are missing for some slices
            only.
    """
    of_run = slices.partition_by("run_id", "finding", as_dict=True)
    explained = {}
    if values is not None:
        bags = values.filter(pl.col("method") == BAG_VALUES)
        explained = bags.partition_by("run_id", "finding", as_dict=True)
    groups = exams.partition_by("run_id", "archive", "finding", as_dict=True)
    for (run_id, archive, finding), group in sorted(groups.items(), key=lambda item: item[0]):
        own = of_run.get((run_id, finding))
        if own is None:
            continue
        numbered = group.sort("exam_id").with_row_index("exam")
        rows = _in_order(own.join(numbered.select("exam_id", "exam"), on="exam_id"))
        if rows.is_empty():
            continue
        yield ScoredSlices(
            run_id=run_id,
            learner=group["learner"][0],
            archive=archive,
            finding=finding,
            exam=rows["exam"].cast(pl.Int64).to_numpy(),
            slice_index=rows["slice_index"].cast(pl.Int64).to_numpy(),
            label=rows["slice_label"].fill_null(_NO_LABEL).to_numpy(),
            slice_probability=rows["slice_probability"].to_numpy(),
            patient=_numbers(numbered["patient_key"]),
            exam_label=numbered["exam_label"].fill_null(_NO_LABEL).to_numpy(),
            exam_probability=numbered["exam_probability"].to_numpy(),
            scores=_scores(
                rows, histograms.get(run_id, {}).get(finding), explained.get((run_id, finding))
            ),
        )


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    exam, index = rows["exam"].to_numpy().astype(np.int64), rows["slice_index"].to_numpy()
    place = exam * (int(index.max(initial=0)) + 1) + index
    # Sorting is for the rare table that is not: predictions are written in this order.
    return rows if bool((np.diff(place) > 0).all()) else rows[np.argsort(place)]


def _numbers(names: pl.Series) -> npt.NDArray[np.int64]:
    return (names.rank("dense").cast(pl.Int64) - 1).to_numpy()


def _scores(
    rows: pl.DataFrame, histogram: PositionHistogram | None, values: pl.DataFrame | None
) -> dict[str, Floats]:
    found = {"slice_probability": rows["slice_logit"].to_numpy()}
    n_missing = rows["attention_weight"].null_count()
    if 0 < n_missing < rows.height:
        raise SchemaError(
            where=f"{PREDICTED_SLICES.file} of run {rows['run_id'][0]}, column attention_weight",
            expected="a weight for every slice, or for none",
            got=f"{n_missing} of {rows.height} missing",
            remedy="predict again",
        )
    if n_missing == 0:
        found["attention_weight"] = rows["attention_weight"].to_numpy()
    if values is not None:
        of_bags = _bag_values(rows, values)
        if not np.isnan(of_bags).all():
            found["hshap"] = of_bags
    if histogram is not None:
        found["position_only"] = position_scores(histogram, rows["relative_position"].to_numpy())
    return {name: found[name] for name in ESTIMATORS if name in found}


def _bag_values(rows: pl.DataFrame, values: pl.DataFrame) -> Floats:
    own = values.select(*_SLICE, "value")
    joined = rows.select(*_SLICE, "exam").join(own, on=_SLICE, how="left", maintain_order="left")
    missing = joined.group_by("exam").agg(pl.col("value").null_count().alias("n"), pl.len())
    partly = missing.filter((pl.col("n") > 0) & (pl.col("n") < pl.col("len")))
    if not partly.is_empty():
        raise SchemaError(
            where=f"{SLICE_VALUES.file} of run {rows['run_id'][0]}",
            expected="a value for every slice of an explained exam",
            got=f"{partly.height} exams with values for some of their slices",
            remedy="explain again",
        )
    return joined["value"].fill_null(float("nan")).to_numpy()
