"""Tables and words of ratio claims, of plateaus and of fitted families of curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.budget_curves import CURVE_FITS, PLATEAUS, RATIO_CLAIMS
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.reporting.contents import Table
from examwise.reporting.study_arms import Arm
from examwise.reporting.words import (
    DRAWN_WORDS,
    MODE_NAMES,
    NOT_ESTIMABLE,
    UNIT_WORDS,
    decimal,
    hours,
    p_value,
    signed,
    whole,
)

_REASONS = {
    "limit": "not shown: the limit is beyond the margin",
    "order": "not tested: one before it failed",
    "beyond_budgets": "not tested: beyond the largest budget",
    "no_plateau": "not claimed: slice labels have not reached their plateau",
    "not_estimable": NOT_ESTIMABLE,
}
_NO_MARGIN = "–"


def claims_table(claims: pl.DataFrame, archives: Sequence[str], *, table_id: str) -> Table:
    """Write tested ratios out, hours first.

    Args:
        claims: ``RATIO_CLAIMS`` of one finding, one row or more.
        archives: In the order in which they are shown.
        table_id: Unique within the page.
    """
    units = list(UNIT_WORDS)
    ordered = sorted(
        claims.iter_rows(named=True),
        key=lambda row: (
            archives.index(row["archive"]),
            list(MODE_NAMES).index(row["mode"]),
            list(DRAWN_WORDS).index(row["acquisition"]),
            units.index(row["unit"]),
            row["place"],
        ),
    )
    tested = set(claims["archive"].to_list())
    where = " and ".join(f"“{archive}”" for archive in archives if archive in tested)
    margins = sorted({f"{row['margin']:g}" for row in ordered})
    return Table(
        id=table_id,
        caption=f"Ratios tested in {where}, margin {' and '.join(margins)} AUC",
        columns=(
            "Tested in",
            "Answer",
            "Slices drawn",
            "Counted in",
            "N",
            "By exams",
            "By slices",
            "AUC, exams less slices",
            "Lower 97.5% limit",
            "One-sided p",
            "Outcome",
        ),
        rows=tuple(
            (
                row["archive"],
                MODE_NAMES[row["mode"]],
                DRAWN_WORDS[row["acquisition"]],
                UNIT_WORDS[row["unit"]],
                f"{row['ratio']:g}",
                _amount(row, "weak_amount"),
                _amount(row, "strong_amount"),
                "–" if row["difference"] is None else signed(row["difference"]),
                "–" if row["lower"] is None else signed(row["lower"]),
                p_value(row["p"]),
                "shown" if row["is_shown"] else _REASONS[row["reason"]],
            )
            for row in ordered
        ),
        source=f"evaluation/{RATIO_CLAIMS.file}",
        row_headers=4,
    )


def _amount(row: dict[str, Any], column: str) -> str:
    return hours(row[column]) if row["unit"] == "hours" else whole(row[column])


def plateau_words(plateaus: pl.DataFrame, arms: Sequence[Arm]) -> Iterator[str]:
    """Say of every arm whether more labels still help.

    Args:
        plateaus: ``PLATEAUS`` of one archive and finding.
        arms: Those to speak of.
    """
    for arm, row in _by_arm(plateaus, arms):
        name, labels = arm.named(row["mode"]), f"{row['budget']:,} labels"
        if row["gain"] is None:
            yield f"{name}: the budgets do not reach down to half of {labels}; not known."
            continue
        gain = f"the last doubling, to {labels}, changed the AUC by {signed(row['gain'])}"
        limit = row["gain_upper"]
        limited = f" (upper 97.5% limit {signed(limit)})" if limit is not None else ""
        if row["margin"] is None:
            told = ""
        elif row["is_reached"]:
            told = f": on its plateau, by the margin of {row['margin']:g}"
        else:
            told = f": a plateau is not shown, by the margin of {row['margin']:g}"
        yield f"{name}: {gain}{limited}{told}."


def plateaus_table(plateaus: pl.DataFrame, arms: Sequence[Arm], archives: Sequence[str]) -> Table:
    """Write out what the last doubling of every curve's budget won, archive by archive.

    Args:
        plateaus: ``PLATEAUS`` of one finding.
        arms: Those to show.
        archives: In the order in which they are shown.
    """
    return Table(
        id="table-plateaus",
        caption="AUC won by the last doubling of the budget",
        columns=(
            "Tested in",
            "Arm",
            "From labels",
            "To labels",
            "Gain",
            "Upper 97.5% limit",
            "Margin",
            "Plateau",
        ),
        rows=tuple(
            (
                archive,
                arm.named(row["mode"]),
                whole(row["from_labels"]),
                f"{row['budget']:,}",
                "–" if row["gain"] is None else signed(row["gain"]),
                "–" if row["gain_upper"] is None else signed(row["gain_upper"]),
                _NO_MARGIN if row["margin"] is None else f"{row['margin']:g}",
                "reached" if row["is_reached"] else "not shown",
            )
            for archive in archives
            for arm, row in _by_arm(plateaus.filter(archive=archive), arms)
        ),
        source=f"evaluation/{PLATEAUS.file}",
        row_headers=2,
    )


def fits_table(fits: pl.DataFrame, arms: Sequence[Arm]) -> Table:
    """Write out how well families of curves foretold larger budgets.

    Args:
        fits: ``CURVE_FITS`` of one archive and finding.
        arms: Those to show.
    """
    return Table(
        id="table-curve-fits",
        caption="Families of learning curves, by their errors on larger budgets held out",
        columns=(
            "Arm",
            "Family",
            "Budgets",
            "AUC without end",
            "Error on what was fitted",
            "Error on larger budgets",
            "Weight",
        ),
        rows=tuple(
            (
                arm.named(row["mode"]),
                row["family"].replace("_", " "),
                f"{row['n_budgets']}",
                decimal(row["asymptote"]),
                decimal(row["fit_error"], 3),
                decimal(row["held_out_error"], 3),
                decimal(row["weight"]),
            )
            for arm, row in _by_arm(fits, arms)
        ),
        source=f"evaluation/{CURVE_FITS.file}",
        row_headers=2,
    )


def _by_arm(frame: pl.DataFrame, arms: Sequence[Arm]) -> Iterator[tuple[Arm, dict[str, Any]]]:
    for arm in arms:
        for mode in (BUDGETED, FINE_TUNED):
            for row in arm.rows(frame, mode).iter_rows(named=True):
                yield arm, row
