"""What ``examwise evaluate`` says of its tables, a line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_VERDICTS = {
    "non_inferior": "shown",
    "not_shown": "not shown",
    "not_tested": "not tested, as the first archive did not show it",
    "undefined": "undefined: too few exams, or scores that rank alike",
}


def exam_text(row: Mapping[str, Any]) -> str:
    """Say how well one run does on one archive.

    Args:
        row: Of ``EXAM_METRICS``.
    """
    if not row["n_exams"]:
        return f"{row['run_id']} ({row['learner']}), {row['archive']}: no exam has a label"
    auc = (
        "AUC undefined: only one class"
        if row["auc"] is None
        else f"AUC {row['auc']:.3f} {_interval(row['auc_lower'], row['auc_upper'])}"
    )
    return (
        f"{row['run_id']} ({row['learner']}), {row['archive']}, {row['finding']}: {auc}, "
        f"{row['n_exams']} exams of {row['n_patients']} patients, {row['n_positive']} positive"
    )


def comparison_text(row: Mapping[str, Any]) -> str:
    """Say how two runs compare on the exams that both have.

    Args:
        row: Of ``COMPARISONS``.
    """
    begin = f"{row['run_id']} against {row['other_run_id']}, {row['archive']}, {row['finding']}: "
    left_out = f", {row['n_left_out']} left out that only one has" if row["n_left_out"] else ""
    exams = f"on {row['n_exams']} exams{left_out}"
    if row["difference"] is None:
        return f"{begin}nothing to compare {exams}, since one class is absent"
    return (
        f"{begin}AUC {row['difference']:+.3f} {_interval(row['lower'], row['upper'])} {exams}; "
        f"equal areas {_p(row['p_equal_areas'])}, equal curves {_p(row['p_equal_curves'])}"
    )


def non_inferiority_text(row: Mapping[str, Any]) -> str:
    """Say whether one run is no worse than another.

    Args:
        row: Of ``NON_INFERIORITY``.
    """
    power = "" if row["power"] is None else f"; this test set has {row['power']:.0%} power"
    lower = "" if row["lower"] is None else f" (difference above {row['lower']:+.3f})"
    record = (
        "" if row["is_frozen"] else " The margin was not on record before training: read it so."
    )
    return (
        f"{row['run_id']} no worse than {row['reference_run_id']} by {row['margin']:g}, "
        f"{row['archive']}, {row['finding']}: {_VERDICTS[row['verdict']]}{lower}{power}.{record}"
    )


def _interval(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return "(no interval: too few patients, or scores that never vary or never err)"
    return f"[{lower:.3f}, {upper:.3f}]"


def _p(value: float | None) -> str:
    if value is None:
        return "p undefined"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
