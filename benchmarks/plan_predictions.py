"""How well do forecasts foretell runs that had not been made? Scored on finished studies.

    python benchmarks/plan_predictions.py STUDY [STUDY …]

Within a study every curve is cut after its first budgets, forecast, and the forecast held against
the larger budgets, which the forecast has not seen. Between studies, given several, every curve of
one is what a plan for the other's archive would rest on, with a plan's widening, and is held
against all budgets that the other has run. A cell is one budget of one curve, so foretold. Cells
of one study share patients and runs: coverage is of these cells, not of independent ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from examwise.core.schemas.budget_curves import CURVE_REPLICATES
from examwise.core.storage import Storage
from examwise.evaluation.curve_fits import fit_curves
from examwise.evaluation.curve_forecast import predict
from examwise.planning.studied_ways import StudiedWays, read_study_ways

FEWEST = 3
"""Budgets that a cut curve keeps at the least."""

LEARNERS = ("strong", "weak")


@dataclass(frozen=True)
class Cell:
    """One budget foretold.

    Attributes:
        kind: Within a study, or between two.
        times: Labels over those of the largest budget that the forecast knew.
        seen: Mean AUC of the runs.
        expected: What was foretold.
        lower: Lower 95% limit.
        upper: Upper 95% limit.
    """

    kind: str
    times: float
    seen: float
    expected: float
    lower: float
    upper: float


def within(url: str) -> Iterator[Cell]:
    """Yield the cells of one study's own larger budgets."""
    table = CURVE_REPLICATES.read(Storage(url).child("evaluation"))
    main = table.filter(pl.col("learner").is_in(LEARNERS))
    for curve in main.partition_by("archive", "learner", "mode", "acquisition", "finding"):
        budgets = sorted(curve["budget"].unique())
        seen = curve.filter(replicate=0).sort("budget")
        for n_known in range(FEWEST, len(budgets)):
            known = curve.filter(pl.col("budget").is_in(budgets[:n_known]))
            fitted = list(fit_curves(known).curves.values())
            if not fitted:
                continue
            rest = seen.filter(pl.col("budget").is_in(budgets[n_known:]))
            drawn = predict(fitted[0], rest["labels"].to_numpy())
            largest = float(fitted[0].labels[-1])
            yield from _cells("within", drawn, rest, largest)


def between(known: StudiedWays, url: str) -> Iterator[Cell]:
    """Yield the cells of another study, as a plan from this one foretells them."""
    table = CURVE_REPLICATES.read(Storage(url).child("evaluation"))
    for way in known.ways:
        rest = table.filter(
            learner=way.learner, mode=way.mode, acquisition=way.acquisition, replicate=0
        ).sort("budget")
        if not rest.is_empty():
            drawn = known.draws(way, rest["labels"].to_list(), is_local=False)
            yield from _cells("between", drawn, rest, way.largest)


def _cells(kind: str, drawn: np.ndarray, rest: pl.DataFrame, largest: float) -> Iterator[Cell]:
    lower, upper = np.nanpercentile(drawn, (2.5, 97.5), axis=0)
    expected = np.nanmean(drawn, axis=0)
    for place, (labels, seen) in enumerate(rest.select("labels", "auc").rows()):
        yield Cell(
            kind,
            labels / largest,
            seen,
            float(expected[place]),
            float(lower[place]),
            float(upper[place]),
        )


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", metavar="STUDY", help="finished, evaluated studies")
    urls = parser.parse_args().studies
    cells = [cell for url in urls for cell in within(url)]
    for url in urls:
        ways = read_study_ways(url)
        cells += [cell for other in urls if other != url for cell in between(ways, other)]
    groups = {
        "within, to 2×": [c for c in cells if c.kind == "within" and c.times <= 2],
        "within, 2× to 10×": [c for c in cells if c.kind == "within" and 2 < c.times <= 10],
        "within, beyond 10×": [c for c in cells if c.kind == "within" and c.times > 10],
        "between archives": [c for c in cells if c.kind == "between"],
        "all": cells,
    }
    print(f"{'cells':<20} {'number':>6} {'covered':>8} {'error':>7} {'bias':>7} {'width':>7}")
    for name, group in groups.items():
        if not group:
            continue
        covered = np.mean([cell.lower <= cell.seen <= cell.upper for cell in group])
        errors = np.array([cell.expected - cell.seen for cell in group])
        width = np.mean([cell.upper - cell.lower for cell in group])
        print(
            f"{name:<20} {len(group):>6} {covered:>8.1%} {np.abs(errors).mean():>7.3f} "
            f"{errors.mean():>+7.3f} {width:>7.3f}"
        )


if __name__ == "__main__":
    main()
