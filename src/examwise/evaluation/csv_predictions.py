"""Predictions made elsewhere, from CSV files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.storage import Storage
from examwise.evaluation.csv_table import CsvTable
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.reading import EVALUATED_SPLITS, PredictionsDirectory, RunPredictions

NO_NAME = "given"
"""What a run, a learner and an archive are called where the file has no column for it."""

USUAL_FINDING = "any"
USUAL_THRESHOLD = 0.5

_ONLY_ONCE = ("run_id", "exam_id", "finding")
_FAR = 13.8
"""Logit of a probability of one in a million: how far probabilities of exactly 0 and 1 lie out at
least."""


@dataclass(frozen=True)
class CsvDirectory(PredictionsDirectory):
    """What a CSV file says of one run.

    Attributes:
        slices: ``PREDICTED_SLICES``; no rows where no file of slices was given.
    """

    slices: pl.DataFrame

    def read_slices(self) -> pl.DataFrame:
        """Return ``PREDICTED_SLICES``."""
        return self.slices


@dataclass(frozen=True)
class CsvPredictions:
    """Files of predictions made elsewhere.

    Attributes:
        path: A row an exam, and run and finding where there are several (:func:`csv_runs`).
        slices_path: A row a slice; none if None.
        threshold: Probability from which on an exam is called positive, chosen beforehand; 0.5 if
            None.
    """

    path: Path
    slices_path: Path | None = None
    threshold: float | None = None

    @cached_property
    def runs(self) -> list[RunPredictions]:
        """The runs in the files, sorted by name."""
        return csv_runs(self.path, self.slices_path, threshold=self.threshold)


def csv_runs(
    path: Path, slices_path: Path | None = None, *, threshold: float | None = None
) -> list[RunPredictions]:
    """Read predictions made elsewhere, as if each run had left a predictions directory.

    Columns of ``path``, in any order: ``exam_id``; ``label`` (1, 0, or empty: not known);
    ``probability`` (from 0 to 1) or ``score`` (any number, higher means more likely: it is taken
    for a logit, so that 0 is the threshold 0.5). These may be left out: ``patient_key`` or
    ``patient_id`` (else every exam is a patient of its own); ``run`` and ``learner`` (either
    stands for both); ``archive``; ``finding``. Of ``slices_path``: ``exam_id``, ``slice_index``
    (0 is the lowest; none left out), ``probability``, ``label``, and ``run`` and ``finding`` as in
    ``path``.

    An exam or patient is the same one wherever its identifier stands in the file. Identifiers stay
    as they are, and come into no message and no table.

    Args:
        path: The exams.
        slices_path: Their slices; none if None.
        threshold: On the exam probability, chosen beforehand; 0.5 if None.

    Returns:
        The runs, sorted by name.

    Raises:
        InputError: If a file is no such table, by the number of the row at fault.
    """
    table = CsvTable(path)
    exams = _exams(table)
    slices, data = PREDICTED_SLICES.frame([]), table.data
    if slices_path is not None:
        of_slices = CsvTable(slices_path)
        slices, data = _slices(of_slices, exams), data + b"\0" + of_slices.data
    fitted = _fitted(exams["finding"].unique().sort().to_list(), threshold)
    runs = []
    for run_id in exams["run_id"].unique().sort():
        directory = CsvDirectory(
            run_id=run_id,
            predicted=exams.filter(pl.col("run_id") == run_id),
            fitted=fitted,
            histograms={},
            # What is read from the same file by another threshold is not the same.
            digest="sha256:" + sha256_hex(data + f"\0{threshold}".encode()),
            storage=Storage(path),
            data_terms={},
            key_id=None,
            slices=slices.filter(pl.col("run_id") == run_id),
        )
        runs.append(RunPredictions(run_id, (directory,), EVALUATED_SPLITS))
    return runs


def _exams(table: CsvTable) -> pl.DataFrame:
    table.require_known(
        *("exam_id", "patient_key", "patient_id", "run", "learner", "archive", "finding"),
        *("probability", "score", "label"),
    )
    exam_id = table.words("exam_id")
    patients = table.one_of("patient_key", "patient_id")
    logit, probability = _exam_scores(table)
    exams = pl.DataFrame(
        {
            "exam_id": exam_id,
            "patient_key": exam_id if patients is None else table.words(patients),
            "archive": table.words("archive", default=NO_NAME),
            "split": pl.repeat("unseen", len(exam_id), eager=True),
            "run_id": _runs(table),
            "learner": table.words("learner") if "learner" in table.columns else _runs(table),
            "finding": table.words("finding", default=USUAL_FINDING),
            "exam_logit": logit,
            "exam_probability": probability,
            "calibrated_probability": pl.repeat(None, len(exam_id), dtype=pl.Float64, eager=True),
            "exam_label": table.labels("label"),
        }
    )
    _require_once(table, exams, _ONLY_ONCE, "each exam once for a run and finding")
    for key, value, what in (
        (("exam_id",), "patient_key", "one patient for an exam"),
        (("exam_id",), "archive", "one archive for an exam"),
        (("run_id",), "learner", "one learner for a run"),
        (("exam_id", "finding"), "exam_label", "one label for an exam and finding"),
    ):
        first = exams[value].is_null() if value == "exam_label" else None
        differs = exams.select(
            (pl.col(value) != pl.col(value).drop_nulls().first().over(key)).alias("differs")
        )["differs"]
        wrong = differs.fill_null(value=False)
        table.refuse_rows(
            wrong if first is None else wrong & ~first,
            expected=what,
            got="another than in an earlier row",
            remedy="correct the row",
        )
    return PREDICTED_EXAMS.validate(exams)


def _runs(table: CsvTable) -> pl.Series:
    return table.words("run" if "run" in table.columns else "learner", default=NO_NAME)


def _exam_scores(table: CsvTable) -> tuple[pl.Series, pl.Series]:
    name = table.one_of("probability", "score")
    if name == "score":
        logit = table.numbers("score")
        return logit, 1 / (1 + (-logit).exp())
    probability = table.numbers("probability", "score", lowest=0, highest=1)
    return _logits(probability), probability


def _logits(probability: pl.Series) -> pl.Series:
    """Return logits in the same order, finite where probabilities are exactly 0 or 1."""
    inner = probability.filter((probability > 0) & (probability < 1))
    logit = inner.log() - (-inner).log1p()
    least = min([-_FAR, *([float(str(logit.min()))] if len(logit) else [])]) - 1
    most = max([_FAR, *([float(str(logit.max()))] if len(logit) else [])]) + 1
    frame = pl.DataFrame({"p": probability})
    p = pl.col("p")
    finite = pl.when(p == 0).then(least).when(p == 1).then(most).otherwise(p.log() - (-p).log1p())
    return frame.select(finite.alias("logit"))["logit"]


def _slices(table: CsvTable, exams: pl.DataFrame) -> pl.DataFrame:
    table.require_known("exam_id", "run", "finding", "slice_index", "probability", "label")
    runs = exams["run_id"].unique()
    several = len(runs) > 1 and "run" not in table.columns
    if several or ("finding" not in table.columns and exams["finding"].n_unique() > 1):
        raise InputError(
            where=table.path,
            expected="a column " + ("run" if several else "finding"),
            got="none, and several in the exams",
            remedy="say of which each slice is",
        )
    index = table.numbers("slice_index", lowest=0, highest=100_000)
    table.refuse_rows(index != index.floor(), expected="a whole slice_index", got="a fraction")
    probability = table.numbers("probability", lowest=0, highest=1)
    slices = pl.DataFrame(
        {
            "exam_id": table.words("exam_id"),
            "run_id": table.words("run", default=runs[0]),
            "finding": table.words("finding", default=exams["finding"][0]),
            "slice_index": index.cast(pl.Int32),
            "slice_logit": _logits(probability),
            "slice_probability": probability,
            "slice_label": table.labels("label"),
        }
    )
    known = slices.join(
        exams.select(*_ONLY_ONCE, pl.lit(value=True).alias("is_known")),
        on=_ONLY_ONCE,
        how="left",
        maintain_order="left",
    )
    table.refuse_rows(
        known["is_known"].is_null(),
        expected="a run, exam and finding of the exams' file",
        got="another",
        remedy="give the exam a row there, or leave its slices out",
    )
    _require_once(table, slices, (*_ONLY_ONCE, "slice_index"), "each slice once")
    # As each is there once, the highest index says whether one between is missing.
    counted = slices.select(
        pl.len().over(_ONLY_ONCE).alias("n"),
        pl.col("slice_index").max().over(_ONLY_ONCE).alias("highest"),
    )
    table.refuse_rows(
        counted["highest"] != counted["n"] - 1,
        expected="all slices of an exam, numbered from 0",
        got="an exam with gaps",
        remedy="number them from 0 upwards, without gaps",
    )
    of_exam = pl.len().over(_ONLY_ONCE)
    place = pl.col("slice_index") / (of_exam - 1)
    missing = pl.lit(None, dtype=pl.Float64)
    return PREDICTED_SLICES.validate(
        slices.with_columns(
            pl.when(of_exam > 1).then(place).otherwise(0.5).alias("relative_position"),
            missing.alias("attention_logit"),
            missing.alias("attention_weight"),
        )
    )


def _require_once(
    table: CsvTable, frame: pl.DataFrame, key: tuple[str, ...], expected: str
) -> None:
    table.refuse_rows(
        ~frame.select(pl.struct(key).is_first_distinct().alias("first"))["first"],
        expected=expected,
        got="one again",
        remedy="keep one of the rows",
    )


def _fitted(findings: list[str], threshold: float | None) -> dict[str, FittedThreshold]:
    chosen = USUAL_THRESHOLD if threshold is None else threshold
    if not 0 <= chosen <= 1:
        raise InputError(where="threshold", expected="a probability from 0 to 1", got=chosen)
    return {finding: FittedThreshold(float(chosen), "fixed") for finding in findings}
