"""What stands behind a run's figures, and where in an exam it sees what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from examwise.core.schemas.evaluation import SLICE_METRICS
from examwise.core.schemas.evidence import (
    CALIBRATION,
    CALIBRATION_POINTS,
    CURVE_BANDS,
    OPERATING_POINTS,
    SUBGROUPS,
    UNCERTAIN_EXAMS,
)
from examwise.core.schemas.slice_evidence import (
    FROC_POINTS,
    POOLED_SLICES,
    POSITION_VERDICTS,
    RUN_LENGTH_RECALL,
    SEQUENCE_METRICS,
)
from examwise.evaluation.calibration import calibration, calibration_points
from examwise.evaluation.curve_bands import curve_bands
from examwise.evaluation.free_response import froc_points
from examwise.evaluation.operating_points import operating_points
from examwise.evaluation.pooled_slices import pooled_slices
from examwise.evaluation.position_verdicts import position_verdicts
from examwise.evaluation.reading import RunPredictions
from examwise.evaluation.sequences import run_length_recall, sequence_metrics
from examwise.evaluation.slices import slice_metrics
from examwise.evaluation.subgroups import subgroups
from examwise.evaluation.uncertain_exams import excluded_exams, uncertain_exams


@dataclass(frozen=True)
class BesidePredictions:
    """What is known of exams beside what was predicted.

    Attributes:
        traits: Finding to what exams are like; without, there are no subgroups.
        stores: Where the exams come from, to tell those that were never predicted; none if empty.
        values: ``SLICE_VALUES`` of bag explanations; None without.
    """

    traits: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    stores: tuple[str, ...] = ()
    values: pl.DataFrame | None = None

    def of_run(self, run_id: str) -> BesidePredictions:
        """Return the same with the values of one run alone."""
        if self.values is None:
            return self
        values = self.values.filter(pl.col("run_id") == run_id)
        return BesidePredictions(self.traits, self.stores, None if values.is_empty() else values)


def exam_evidence(
    run: RunPredictions,
    exams: pl.DataFrame,
    beside: BesidePredictions,
    *,
    n_replicates: int,
    seed: int,
) -> dict[str, pl.DataFrame]:
    """Return file to rows of the tables about exams.

    Args:
        run: The run.
        exams: ``PREDICTED_EXAMS`` of its archives, each for itself and together.
        beside: What else is known.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.
    """
    options = {"n_replicates": n_replicates, "seed": seed}
    thresholds = {run.run_id: run.thresholds}
    # Its training exams, too, are no exams that nobody predicted.
    excluded = (
        excluded_exams(beside.stores, run.predicted, splits=run.splits) if beside.stores else None
    )
    groups = [
        subgroups(exams.filter(pl.col("finding") == finding), traits, thresholds)
        for finding, traits in beside.traits.items()
    ]
    return {
        CURVE_BANDS.file: curve_bands(exams, **options),
        OPERATING_POINTS.file: operating_points(exams, {run.run_id: run.fitted}),
        CALIBRATION.file: calibration(exams, **options),
        CALIBRATION_POINTS.file: calibration_points(exams),
        SUBGROUPS.file: pl.concat([SUBGROUPS.frame([]), *groups]),
        UNCERTAIN_EXAMS.file: uncertain_exams(exams, thresholds, excluded=excluded),
    }


def slice_evidence(
    run: RunPredictions, exams: pl.DataFrame, slices: pl.DataFrame, beside: BesidePredictions
) -> dict[str, pl.DataFrame]:
    """Return file to rows of the tables about slices.

    Args:
        run: The run.
        exams: ``PREDICTED_EXAMS`` of its archives, each for itself and together.
        slices: ``PREDICTED_SLICES`` of its exams.
        beside: What else is known.
    """
    histograms, values = {run.run_id: run.histograms}, beside.of_run(run.run_id).values
    fitted = {run.run_id: run.fitted}
    return {
        POOLED_SLICES.file: pooled_slices(slices, exams),
        SLICE_METRICS.file: slice_metrics(slices, exams, histograms, values=values),
        POSITION_VERDICTS.file: position_verdicts(slices, exams, histograms, values=values),
        SEQUENCE_METRICS.file: sequence_metrics(slices, exams, histograms, fitted, values=values),
        RUN_LENGTH_RECALL.file: run_length_recall(slices, exams, histograms, fitted, values=values),
        FROC_POINTS.file: froc_points(slices, exams, histograms, values=values),
    }
