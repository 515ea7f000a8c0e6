"""ROC and precision-recall curves of every run with their bands."""

from __future__ import annotations

from functools import partial

import polars as pl

from examwise.core.schemas.evidence import CURVE_BANDS
from examwise.evaluation.auc_estimate import drawn_patients
from examwise.metrics.curve_bands import precision_recall_band, roc_band

_CURVES = {"roc": roc_band, "precision_recall": precision_recall_band}


def curve_bands(exams: pl.DataFrame, *, n_replicates: int, seed: int) -> pl.DataFrame:
    """Return curves with limits at each x and a band, by run, archive and finding.

    Exams are ranked by ``exam_logit``; those without a label don't count. The samples of patients
    are those behind the AUCs' intervals.

    Args:
        exams: ``PREDICTED_EXAMS`` of one or more runs.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.

    Returns:
        ``CURVE_BANDS``; no rows where a band is undefined.

    Example:
        >>> from examwise.core.schemas.predictions import PREDICTED_EXAMS
        >>> curve_bands(PREDICTED_EXAMS.frame([]), n_replicates=9, seed=0).height
        0
    """
    labelled = exams.drop_nulls("exam_label").sort("exam_id")
    tables = [CURVE_BANDS.frame([])]
    groups = labelled.partition_by("run_id", "archive", "finding", as_dict=True)
    for (run_id, archive, finding), group in sorted(groups.items(), key=lambda item: item[0]):
        for curve, make_band in _CURVES.items():
            band = make_band(
                group["exam_label"].to_numpy(),
                group["exam_logit"].to_numpy(),
                group["patient_key"].to_numpy(),
                draw=partial(drawn_patients, seed, archive, n_replicates=n_replicates),
            )
            if band is None:
                continue
            n = len(band.x)
            tables.append(
                CURVE_BANDS.frame(
                    {
                        "run_id": [run_id] * n,
                        "learner": [group["learner"][0]] * n,
                        "archive": [archive] * n,
                        "finding": [finding] * n,
                        "curve": [curve] * n,
                        **{
                            name: getattr(band, name).tolist()
                            for name in ("x", "y", "lower", "upper", "band_lower", "band_upper")
                        },
                    }
                )
            )
    return pl.concat(tables)
