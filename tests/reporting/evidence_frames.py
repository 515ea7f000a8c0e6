"""Made-up tables of evidence for a study of made-up tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from examwise.core.schemas.evidence import (
    CALIBRATION,
    CALIBRATION_POINTS,
    COMPARISONS,
    CURVE_BANDS,
    FLOW,
    NON_INFERIORITY,
    OPERATING_POINTS,
    OPERATING_RULES,
    SUBGROUPS,
    UNCERTAIN_EXAMS,
)
from examwise.core.tables import TableSchema

COUNTS = {"n_patients": 71, "n_exams": 75, "n_positive": 36}
_GROUPS = {
    "kind": ("epidural", "intraparenchymal", "subdural"),
    "size": ("up to 10 mm", "10 to 30 mm", "over 30 mm"),
    "thickness": ("up to 2.5 mm", "over 2.5 mm"),
    "scanner": ("scanner A", "scanner B", "other"),
}


def limits(name: str, value: float | None, half: float = 0.06) -> dict[str, float | None]:
    """A value with its limits, within 0 and 1."""
    if value is None:
        return {name: None, f"{name}_lower": None, f"{name}_upper": None}
    return {
        name: value,
        f"{name}_lower": max(0.0, value - half),
        f"{name}_upper": min(1.0, value + half),
    }


def evidence_frames(
    runs: Sequence[tuple[str, str, float]],
    pairs: Sequence[tuple[str, str]],
    archives: Sequence[str],
    *,
    margin: float | None = 0.03,
) -> dict[TableSchema, pl.DataFrame]:
    """Make the exam-level tables.

    Args:
        runs: Run, learner and AUC.
        pairs: Runs that are compared.
        archives: The internal one first.
        margin: Of non-inferiority; no test if None.
    """
    rows: dict[TableSchema, list[dict[str, Any]]] = {
        schema: []
        for schema in (
            CURVE_BANDS,
            OPERATING_POINTS,
            CALIBRATION,
            CALIBRATION_POINTS,
            SUBGROUPS,
            UNCERTAIN_EXAMS,
            COMPARISONS,
            NON_INFERIORITY,
            FLOW,
        )
    }
    aucs = {run_id: auc for run_id, _, auc in runs}
    learners = {run_id: learner for run_id, learner, _ in runs}
    for place, archive in enumerate(archives):
        for run_id, learner, auc in runs:
            named = {"run_id": run_id, "learner": learner, "archive": archive, "finding": "any"}
            _add_run(rows, named, auc - 0.03 * place)
        for one, other in pairs:
            rows[COMPARISONS].append(
                _comparison(archive, (one, learners[one]), (other, learners[other]), aucs)
            )
        if margin is not None:
            one, other = pairs[0]
            rows[NON_INFERIORITY].append(
                {
                    "step": place + 1,
                    "archive": archive,
                    "finding": "any",
                    "run_id": one,
                    "reference_run_id": other,
                    "margin": margin,
                    "is_frozen": True,
                    **COUNTS,
                    "difference": -0.012,
                    "lower": -0.07,
                    "p": 0.27,
                    "power": 0.21,
                    "verdict": "not_shown" if place == 0 else "not_tested",
                }
            )
        rows[FLOW] += _flow(archive)
    return {schema: schema.frame(found) for schema, found in rows.items()}


def _add_run(
    rows: dict[TableSchema, list[dict[str, Any]]], named: dict[str, Any], auc: float
) -> None:
    power = 1 / auc - 1
    for x in np.linspace(0, 1, 101):
        roc = float(x**power)
        precision = float(0.48 + 0.5 * auc * (1 - x**4))
        for curve, y in (("roc", roc), ("precision_recall", precision)):
            half = 0.5 * y * (1 - y) + 0.02
            rows[CURVE_BANDS].append(
                {
                    **named,
                    "curve": curve,
                    "x": float(x),
                    "y": min(1.0, y),
                    "lower": max(0.0, y - half),
                    "upper": min(1.0, y + half),
                    "band_lower": max(0.0, y - 1.6 * half),
                    "band_upper": min(1.0, y + 1.6 * half),
                }
            )
    for number, rule in enumerate(OPERATING_RULES):
        threshold = 0.3 + 0.05 * number
        rows[OPERATING_POINTS].append(
            {
                **named,
                "rule": rule,
                "wanted_sensitivity": 0.9 if rule == "sensitivity" else None,
                "fitted_on": "test" if rule.endswith("on_test") else "validation",
                "threshold": threshold,
                **COUNTS,
                **limits("sensitivity", auc - 0.02 * number),
                **limits("specificity", auc - 0.1 + 0.02 * number),
                **limits("positive_predictive_value", 0.8),
                **limits("negative_predictive_value", 0.85),
                **limits("ppv_at_05", 0.2),
                **limits("npv_at_05", 0.99),
                **limits("ppv_at_10", 0.35),
                **limits("npv_at_10", None),
            }
        )
    rows[CALIBRATION].append(
        {
            **named,
            "probability": "raw",
            **COUNTS,
            **limits("brier", 0.14),
            "brier_of_prevalence": 0.25,
            **limits("expected_calibration_error", 0.08),
            "slope": 0.82,
            "slope_lower": 0.6,
            "slope_upper": 1.05,
            "intercept": -0.31,
            "intercept_lower": None,
            "intercept_upper": None,
        }
    )
    rows[CALIBRATION_POINTS] += [
        {
            **named,
            "probability": "raw",
            "bin": number,
            "n_exams": 18 - 3 * min(number, 9 - number),
            "mean_probability": 0.05 + 0.1 * number,
            **limits("positive_fraction", 0.1 + 0.085 * number, 0.15),
        }
        for number in range(10)
    ]
    for trait, groups in _GROUPS.items():
        rows[SUBGROUPS] += [
            {
                **named,
                "trait": trait,
                "group": group,
                "position": position,
                "n_patients": 40,
                "n_exams": 45,
                "n_positive": 9,
                **limits("auc", None if group == "other" else auc - 0.04 + 0.03 * position),
                **limits("sensitivity", 0.8),
                **limits("specificity", 0.7),
            }
            for position, group in enumerate(groups)
        ]
    rows[UNCERTAIN_EXAMS] += [
        {
            **named,
            "case": case,
            "n_uncertain": 4,
            "n_without_score": 1,
            "n_patients": 71,
            "n_exams": 75 if case == "left_out" else 79,
            "n_positive": 36,
            "auc": auc + shift,
            "sensitivity": 0.8,
            "specificity": 0.7,
        }
        for case, shift in (("left_out", 0.0), ("best", 0.02), ("worst", -0.04))
    ]


def _comparison(
    archive: str, one: tuple[str, str], other: tuple[str, str], aucs: dict[str, float]
) -> dict[str, Any]:
    difference = aucs[one[0]] - aucs[other[0]]
    return {
        "archive": archive,
        "finding": "any",
        "run_id": one[0],
        "learner": one[1],
        "other_run_id": other[0],
        "other_learner": other[1],
        **COUNTS,
        "auc": aucs[one[0]],
        "other_auc": aucs[other[0]],
        "difference": difference,
        "standard_error": 0.026,
        "lower": difference - 0.051,
        "upper": difference + 0.051,
        "variance": "obuchowski",
        "bootstrap_lower": difference - 0.055,
        "bootstrap_upper": difference + 0.048,
        "band_lower": difference - 0.07,
        "band_upper": difference + 0.07,
        "p_equal_areas": 0.0421,
        "p_equal_curves": 0.0004,
        "n_permutations": 1000,
        "n_left_out": 2,
    }


def _flow(archive: str) -> list[dict[str, Any]]:
    steps = [
        ("files", "in the source", "", 2310, None),
        ("files", "left out", "not_an_image", 31, None),
        ("files", "set aside", "a reason with <angle> brackets & a rather long text", 12, None),
        ("files", "in exams", "", 2267, None),
        ("series", "in the source", "", 140, None),
        ("series", "left out", "thicker_of_two", 34, None),
        ("series", "became exams", "", 106, None),
        ("exams", "in the store", "", 106, 98),
        ("exams", "left out", "training_part", 20, 18),
        ("exams", "left out", "validation_part", 6, 6),
        ("exams", "left out", "no_label", 1, 1),
        ("exams", "left out", "not_predicted", 4, 4),
        ("exams", "judged", "", 75, 71),
    ]
    return [
        {
            "archive": archive,
            "position": position,
            "unit": unit,
            "what": what,
            "reason": reason,
            "n": n,
            "n_patients": n_patients,
        }
        for position, (unit, what, reason, n, n_patients) in enumerate(steps)
    ]
