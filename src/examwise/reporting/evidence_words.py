"""Comparisons of two runs, and tests of non-inferiority, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Any

from examwise.reporting.words import decimal, p_value, signed, signed_interval

SHOWN_MARGIN = 0.03
"""For which the power of a comparison is told where no margin was set."""

_ALPHA = 0.025

Row = Mapping[str, Any]


def comparison_words(row: Row, names: Mapping[str, str]) -> str:
    """Say in one sentence how two runs compare.

    Args:
        row: A row of :data:`~examwise.core.schemas.evidence.COMPARISONS`.
        names: Run to what it is called.
    """
    one, other = (names.get(row[key], row[key]) for key in ("run_id", "other_run_id"))
    if row["difference"] is None:
        return f"{row['archive']}: {one} and {other} cannot be compared (one class only)."
    said = (
        f"{row['archive']}: {one} {decimal(row['auc'], 3)}, {other} "
        f"{decimal(row['other_auc'], 3)}; difference {signed(row['difference'])} "
        f"{signed_interval(row['lower'], row['upper'])}; {_equal(row['p_equal_areas'], 'areas')}"
    )
    if row["p_equal_curves"] is not None:
        said += f", {_equal(row['p_equal_curves'], 'curves')}"
    return f"{said}."


def _equal(p: float | None, what: str) -> str:
    written = p_value(p)
    return f"p {'' if written[0] == '<' else '= '}{written} of equal {what}"


def non_inferiority_words(row: Row, names: Mapping[str, str]) -> str:
    """Say what a test of non-inferiority showed, and what its exams could have shown.

    Args:
        row: A row of :data:`~examwise.core.schemas.evidence.NON_INFERIORITY`.
        names: Run to what it is called.
    """
    new, reference = (names.get(row[key], row[key]) for key in ("run_id", "reference_run_id"))
    claim = f"that {new} is no worse than {reference} by more than {row['margin']:g}"
    numbers = (
        f"difference of AUCs {signed(row['difference'])}, one-sided 97.5% limit "
        f"{signed(row['lower'])}, p {_p_words(row['p'])}"
    )
    match row["verdict"]:
        case "non_inferior":
            said = f"{row['archive']}: shown {claim} ({numbers})."
        case "not_shown":
            said = (
                f"{row['archive']}: not shown {claim} ({numbers}). That is no proof of the "
                "contrary."
            )
        case "not_tested":
            said = (
                f"{row['archive']}: not tested {claim}, since the archive before it in the fixed "
                "order did not show it."
            )
        case _:
            said = f"{row['archive']}: nothing can be tested (one class only, or no variance)."
    if row["power"] is not None and row["verdict"] != "not_tested":
        said += " " + power_words(
            row["power"], row["margin"], n_exams=row["n_exams"], n_positive=row["n_positive"]
        )
    return said


def _p_words(p: float | None) -> str:
    written = p_value(p)
    return written if written[0] == "<" else f"= {written}"


def power_words(power: float, margin: float, *, n_exams: int, n_positive: int) -> str:
    """Say what a test set can show.

    Example:
        >>> power_words(0.21, 0.03, n_exams=75, n_positive=36)
        '75 exams (36 positive) have 21% power at a margin of 0.03, were both equally good.'
    """
    shown = "more than 99%" if power > 0.99 else f"{power:.0%}"
    return (
        f"{n_exams:,} exams ({n_positive:,} positive) have {shown} power at a margin of "
        f"{margin:g}, were both equally good."
    )


def no_margin_words(row: Row | None) -> Iterator[str]:
    """Say that no margin was set, and what these exams could have shown with a usual one.

    Args:
        row: The row of :data:`~examwise.core.schemas.evidence.COMPARISONS` of the runs that would
            have been tested.
    """
    yield (
        "No margin was set before training, so that nothing is tested here: a margin chosen after "
        "the figures are known proves nothing."
    )
    if row is not None and row["standard_error"]:
        power = power_at(SHOWN_MARGIN, row["standard_error"])
        words = power_words(
            power, SHOWN_MARGIN, n_exams=row["n_exams"], n_positive=row["n_positive"]
        )
        yield f"What the test set of {row['archive']} could have shown: {words}"


def power_at(margin: float, standard_error: float) -> float:
    """Return the power of a one-sided test at 2.5% of a difference that is in truth 0.

    Args:
        margin: By how much the one AUC may be lower.
        standard_error: Of the difference of the AUCs; above 0.

    Example:
        >>> round(power_at(0.03, 0.03 / (1.959964 + 0.8416212)), 3)
        0.8
    """
    normal = NormalDist()
    return normal.cdf(margin / standard_error - normal.inv_cdf(1 - _ALPHA))
