"""What a cross-validation came to, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examwise.cli.terms_text import terms_text
from examwise.data.folds import fold_name
from examwise.studies.cross_validation import CrossValidationSummary


def cross_validation_text(summary: CrossValidationSummary, out: str) -> str:
    """Say what every fold came to, and all of them together."""
    lines = [f"{out}: {summary.n_runs} runs, {summary.n_done_before} of them done before"]
    lines += [_fold_line(row) for row in summary.fold_metrics]
    lines += [_together_line(row) for row in summary.summary]
    lines.append(
        "Every exam predicted by a run that has not learned from its patient: "
        + ", ".join(summary.predictions)
    )
    lines.append(terms_text(summary.data_terms))
    return "\n".join(lines)


def _fold_line(row: Mapping[str, Any]) -> str:
    auc = "AUC undefined: only one class" if row["auc"] is None else f"AUC {row['auc']:.3f}"
    return (
        f"{fold_name(row['repeat'], row['fold'])}, {row['finding']}: {auc}, {row['n_exams']} exams "
        f"of {row['n_patients']} patients, {row['n_positive']} positive"
    )


def _together_line(row: Mapping[str, Any]) -> str:
    if row["auc_mean"] is None:
        return f"{row['finding']}: no fold has an AUC"
    spread = "" if row["auc_sd"] is None else f" ± {row['auc_sd']:.3f} (standard deviation)"
    return (
        f"{row['finding']}: mean AUC {row['auc_mean']:.3f}{spread}, "
        f"{row['auc_lowest']:.3f} to {row['auc_highest']:.3f} in {row['n_folds']} folds"
    )
