"""Tables of how sure a study's exam-level figures are, written out for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.evaluation import EXAM_METRICS
from examwise.core.schemas.evidence import (
    CALIBRATION,
    COMPARISONS,
    OPERATING_POINTS,
    SUBGROUPS,
    UNCERTAIN_EXAMS,
)
from examwise.core.schemas.slice_evidence import POOLED_SLICES
from examwise.reporting.contents import Table
from examwise.reporting.forest_figures import comparison_name
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.words import (
    TRAIT_WORDS,
    decimal,
    p_value,
    share_with_interval,
    short,
    signed,
    signed_interval,
)

Row = Mapping[str, Any]
VARIANCE_WORDS = {"delong": "DeLong", "obuchowski": "Obuchowski"}
RULE_WORDS = {
    "run": "the run's own",
    "youden": "Youden",
    "closest_to_corner": "closest to (0, 1)",
    "sensitivity": "wanted sensitivity",
    "youden_on_test": "Youden, fitted on the test exams",
    "closest_to_corner_on_test": "closest to (0, 1), fitted on the test exams",
}
_POOLING_WORDS = {"mean": "mean", "max": "maximum"}
_CASE_WORDS = {"left_out": "left out", "best": "best case", "worst": "worst case"}


def pooled_table(pooled: pl.DataFrame, runs: Sequence[NamedRun]) -> Table:
    """Write out what plain pooling makes of each run's slices, of ``POOLED_SLICES``."""
    return Table(
        id="table-pooled-slices",
        caption="Exam AUC [95% interval] of the same slices' logits, plainly pooled",
        columns=("Archive", "Run", "Pooled by", "Exam AUC", "The run's own", "Own less pooled"),
        rows=tuple(
            (
                row["archive"],
                run.name,
                _POOLING_WORDS[row["pooling"]],
                _share(row, "auc"),
                decimal(row["own_auc"]),
                f"{signed(row['difference'])} {signed_interval(row['lower'], row['upper'])}"
                if row["difference"] is not None
                else "–",
            )
            for row, run in by_run(pooled, runs)
        ),
        source=f"evaluation/{POOLED_SLICES.file}",
        row_headers=3,
    )


def areas_table(metrics: pl.DataFrame, runs: Sequence[NamedRun]) -> Table:
    """Write out AUCs with both intervals, and average precision, of ``EXAM_METRICS``."""
    return Table(
        id="table-areas",
        caption="Exam AUC and average precision with 95% intervals, first repeat at full budgets",
        columns=(
            "Archive",
            "Run",
            "Positive / exams / patients",
            "AUC",
            "Bootstrap",
            "By variance",
            "Which variance",
            "Average precision",
        ),
        rows=tuple(
            (
                row["archive"],
                run.name,
                f"{row['n_positive']:,} / {row['n_exams']:,} / {row['n_patients']:,}",
                decimal(row["auc"], 3),
                interval(row["auc_lower"], row["auc_upper"]),
                interval(row["analytic_lower"], row["analytic_upper"]),
                VARIANCE_WORDS[row["variance"]],
                _share(row, "average_precision"),
            )
            for row, run in by_run(metrics, runs)
        ),
        source=f"evaluation/{EXAM_METRICS.file}",
        row_headers=2,
    )


def comparisons_table(
    rows: pl.DataFrame, names: Mapping[str, str], *, table_id: str, caption: str
) -> Table:
    """Write out rows of ``COMPARISONS``."""
    return Table(
        id=table_id,
        caption=caption,
        columns=(
            "Archive",
            "Compared",
            "Exams",
            "Difference of AUCs",
            "95% by variance",
            "95% bootstrap",
            "95% over all",
            "p, equal areas",
            "p, equal curves",
        ),
        rows=tuple(
            (
                row["archive"],
                comparison_name(row, names),
                f"{row['n_exams']:,}",
                signed(row["difference"]),
                signed_interval(row["lower"], row["upper"]),
                signed_interval(row["bootstrap_lower"], row["bootstrap_upper"]),
                signed_interval(row["band_lower"], row["band_upper"]),
                p_value(row["p_equal_areas"]),
                p_value(row["p_equal_curves"]),
            )
            for row in rows.iter_rows(named=True)
        ),
        source=f"evaluation/{COMPARISONS.file}",
        row_headers=2,
    )


def own_points_table(points: pl.DataFrame, runs: Sequence[NamedRun]) -> Table:
    """Write out rows of ``OPERATING_POINTS`` at each run's own threshold."""
    values = (
        "sensitivity",
        "specificity",
        "ppv_at_05",
        "npv_at_05",
        "ppv_at_10",
        "npv_at_10",
    )
    return Table(
        id="table-operating-points",
        caption="At each run's own threshold, chosen without a test label; predictive values as "
        "they would be at a prevalence of 5% and of 10%",
        columns=(
            "Archive",
            "Run",
            "Threshold",
            "Fitted on",
            "Sensitivity",
            "Specificity",
            "PPV at 5%",
            "NPV at 5%",
            "PPV at 10%",
            "NPV at 10%",
        ),
        rows=tuple(
            (
                row["archive"],
                run.name,
                short(row["threshold"]),
                row["fitted_on"],
                *(_share(row, name) for name in values),
            )
            for row, run in by_run(points.filter(pl.col("rule") == "run"), runs)
        ),
        source=f"evaluation/{OPERATING_POINTS.file}",
        row_headers=2,
    )


def all_points_table(points: pl.DataFrame, runs: Sequence[NamedRun]) -> Table:
    """Write out ``OPERATING_POINTS`` of every rule."""
    return Table(
        id="table-all-operating-points",
        caption="Every rule for a threshold; those fitted on the test exams, as published work "
        "did, flatter",
        columns=(
            "Archive",
            "Run",
            "Rule",
            "Threshold",
            "Fitted on",
            "Sensitivity",
            "Specificity",
            "PPV",
            "NPV",
        ),
        rows=tuple(
            (
                row["archive"],
                run.name,
                _rule(row),
                short(row["threshold"]),
                row["fitted_on"],
                _share(row, "sensitivity"),
                _share(row, "specificity"),
                _share(row, "positive_predictive_value"),
                _share(row, "negative_predictive_value"),
            )
            for row, run in by_run(points, runs)
        ),
        source=f"evaluation/{OPERATING_POINTS.file}",
        row_headers=3,
    )


def calibration_table(found: pl.DataFrame, runs: Sequence[NamedRun]) -> Table:
    """Write out ``CALIBRATION``."""
    return Table(
        id="table-calibration",
        caption="Calibration with 95% intervals: right would be a slope of 1 and an intercept of 0",
        columns=(
            "Archive",
            "Run",
            "Probability",
            "Brier score",
            "Brier of the prevalence",
            "Expected calibration error",
            "Slope",
            "Intercept",
        ),
        rows=tuple(
            (
                row["archive"],
                run.name,
                row["probability"],
                _share(row, "brier"),
                decimal(row["brier_of_prevalence"]),
                _share(row, "expected_calibration_error"),
                _coefficient(row, "slope"),
                _coefficient(row, "intercept"),
            )
            for row, run in by_run(found, runs)
        ),
        source=f"evaluation/{CALIBRATION.file}",
        row_headers=3,
    )


def subgroups_table(found: pl.DataFrame, runs: Sequence[NamedRun]) -> Table:
    """Write out ``SUBGROUPS``."""
    return Table(
        id="table-subgroups",
        caption="Every subgroup with 95% intervals",
        columns=(
            "Archive",
            "Run",
            "By",
            "Group",
            "Positive / exams",
            "AUC",
            "Sensitivity",
            "Specificity",
        ),
        rows=tuple(
            (
                row["archive"],
                run.name,
                TRAIT_WORDS[row["trait"]],
                row["group"],
                f"{row['n_positive']:,} / {row['n_exams']:,}",
                *(_share(row, name) for name in ("auc", "sensitivity", "specificity")),
            )
            for row, run in by_run(found, runs)
        ),
        source=f"evaluation/{SUBGROUPS.file}",
        row_headers=4,
    )


def uncertain_table(found: pl.DataFrame, runs: Sequence[NamedRun]) -> Table:
    """Write out ``UNCERTAIN_EXAMS``."""
    return Table(
        id="table-uncertain",
        caption="Exams without a label or never predicted, taken for what would help the model "
        "most (best case) and least (worst case)",
        columns=(
            "Archive",
            "Run",
            "Taken as",
            "Uncertain",
            "Never predicted",
            "Exams",
            "AUC",
            "Sensitivity",
            "Specificity",
        ),
        rows=tuple(
            (
                row["archive"],
                run.name,
                _CASE_WORDS[row["case"]],
                f"{row['n_uncertain']:,}",
                f"{row['n_without_score']:,}",
                f"{row['n_exams']:,}",
                *(decimal(row[name], 3) for name in ("auc", "sensitivity", "specificity")),
            )
            for row, run in by_run(found, runs)
        ),
        source=f"evaluation/{UNCERTAIN_EXAMS.file}",
        row_headers=3,
    )


def by_run(rows: pl.DataFrame, runs: Sequence[NamedRun]) -> list[tuple[Row, NamedRun]]:
    """Pair rows with their runs: archives as they come, runs as they are given, rows in order."""
    return [
        (row, run)
        for archive in rows["archive"].unique(maintain_order=True).to_list()
        for run in runs
        for row in rows.filter(
            (pl.col("archive") == archive) & (pl.col("run_id") == run.run_id)
        ).iter_rows(named=True)
    ]


def interval(lower: float | None, upper: float | None) -> str:
    """Write an interval of AUCs.

    Example:
        >>> interval(0.81, 0.9), interval(None, None)
        ('[0.810, 0.900]', '–')
    """
    return "–" if lower is None or upper is None else f"[{lower:.3f}, {upper:.3f}]"


def _share(row: Row, name: str) -> str:
    return share_with_interval(row[name], row[f"{name}_lower"], row[f"{name}_upper"])


def _coefficient(row: Row, name: str) -> str:
    value, lower, upper = row[name], row[f"{name}_lower"], row[f"{name}_upper"]
    if value is None:
        return "undefined"
    limits = "[no interval]" if lower is None or upper is None else f"[{lower:.2f}, {upper:.2f}]"
    return f"{value:.2f} {limits}"


def _rule(row: Row) -> str:
    wanted = row["wanted_sensitivity"]
    return RULE_WORDS[row["rule"]] + ("" if wanted is None else f" of {wanted:.0%}")
