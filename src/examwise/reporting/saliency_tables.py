"""Tables of what maps are worth, written out for a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from examwise.core.schemas.explanations import MEASURES
from examwise.core.schemas.slice_evidence import SALIENCY_COMPARISONS, SALIENCY_METRICS
from examwise.reporting.contents import Table
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.words import (
    p_value,
    share_with_interval,
    signed,
    signed_interval,
)

ALL_KINDS = "all"
METHOD_WORDS = {
    "gradcam": "Grad-CAM",
    "hshap": "h-Shap",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}
MEASURE_WORDS = {
    "pixel_f1": "Pixel F1",
    "intersection_over_union": "Intersection over union",
    "pointing_hit": "Pointing game",
    "average_precision": "Average precision",
    "energy_inside": "Energy inside",
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class JudgedMaps:
    """Whose maps a table shows.

    Attributes:
        runs: In their order.
        archive: Whose slices they are of.
        truth: What they are held against: ``boxes`` or ``masks``.
    """

    runs: Sequence[NamedRun]
    archive: str
    truth: str


def method_name(method: str) -> str:
    """Return what a method is called; its own name where it is not ours.

    Example:
        >>> method_name("gradcam"), method_name("team.Method")
        ('Grad-CAM', 'team.Method')
    """
    return METHOD_WORDS.get(method, method)


def scores_table(metrics: pl.DataFrame, judged: JudgedMaps, *, table_id: str) -> Table:
    """Write out mean scores of maps, and of a random model's.

    Args:
        metrics: ``SALIENCY_METRICS`` of one archive.
        judged: Whose maps to show.
        table_id: Unique within the page.
    """
    own = metrics.filter(truth=judged.truth, kind=ALL_KINDS)
    rows = []
    for method in own["method"].unique().sort().to_list():
        for run in judged.runs:
            found = {
                row["measure"]: row
                for row in own.filter(run_id=run.run_id, method=method).iter_rows(named=True)
            }
            if not found:
                continue
            first = next(iter(found.values()))
            rows.append(
                (
                    method_name(method),
                    run.name,
                    f"{first['n_slices']:,} / {first['n_patients']:,}",
                    *(_mean(found.get(measure)) for measure in MEASURES),
                    _random(found.get("pixel_f1")),
                )
            )
    return Table(
        id=table_id,
        caption=f"Maps against {judged.truth} in “{judged.archive}”: means over slices [95% "
        "interval over patients]; 1 is best",
        columns=(
            "Method",
            "Run",
            "Slices / patients",
            *(MEASURE_WORDS[measure] for measure in MEASURES),
            "Pixel F1, random weights",
        ),
        rows=tuple(rows),
        source=f"evaluation/{SALIENCY_METRICS.file}",
        row_headers=2,
    )


def kinds_table(metrics: pl.DataFrame, judged: JudgedMaps, *, table_id: str) -> Table:
    """Write out the mean pixel F1 by what the slice shows.

    Args:
        metrics: ``SALIENCY_METRICS`` of one archive.
        judged: Whose maps to show.
        table_id: Unique within the page.
    """
    own = metrics.filter(truth=judged.truth, measure="pixel_f1").filter(pl.col("kind") != ALL_KINDS)
    kinds = own["kind"].unique().sort().to_list()
    rows = []
    for method in own["method"].unique().sort().to_list():
        for run in judged.runs:
            found = {
                row["kind"]: row
                for row in own.filter(run_id=run.run_id, method=method).iter_rows(named=True)
            }
            if found:
                cells = (_mean(found.get(kind), counted=True) for kind in kinds)
                rows.append((method_name(method), run.name, *cells))
    return Table(
        id=table_id,
        caption=f"Pixel F1 against {judged.truth} in “{judged.archive}” by what slices show [95% "
        "interval]; in brackets, slices",
        columns=("Method", "Run", *(kind.replace("_", " ") for kind in kinds)),
        rows=tuple(rows),
        source=f"evaluation/{SALIENCY_METRICS.file}",
        row_headers=2,
    )


def comparisons_table(comparisons: pl.DataFrame, judged: JudgedMaps, *, table_id: str) -> Table:
    """Write out every paired comparison of maps of the same slices.

    Args:
        comparisons: ``SALIENCY_COMPARISONS`` of one archive.
        judged: Whose maps to show.
        table_id: Unique within the page.
    """
    names = {run.run_id: run.name for run in judged.runs}
    order = pl.col("measure").replace_strict({name: n for n, name in enumerate(MEASURES)})
    own = comparisons.filter(
        pl.col("truth") == judged.truth,
        pl.col("run_id").is_in(list(names)),
        pl.col("other_run_id").is_in(list(names)),
    ).sort("method", "run_id", "other_method", "other_run_id", order)
    return Table(
        id=table_id,
        caption=f"Maps of the same slices held against each other in “{judged.archive}”, "
        f"{judged.truth}: mean difference, the first less the second; p over patients",
        columns=("The one", "The other", "Score", "Slices", "Difference [95%]", "p"),
        rows=tuple(
            (
                f"{method_name(row['method'])}, {names[row['run_id']]}",
                f"{method_name(row['other_method'])}, {names[row['other_run_id']]}",
                MEASURE_WORDS[row["measure"]],
                f"{row['n_slices']:,}",
                f"{signed(row['difference'], 2)} {signed_interval(row['lower'], row['upper'], 2)}",
                p_value(row["p"]),
            )
            for row in own.iter_rows(named=True)
        ),
        source=f"evaluation/{SALIENCY_COMPARISONS.file}",
        row_headers=3,
    )


def _mean(row: Row | None, *, counted: bool = False) -> str:
    if row is None:
        return "–"
    said = share_with_interval(row["mean"], row["lower"], row["upper"])
    return f"{said} ({row['n_slices']:,})" if counted else said


def _random(row: Row | None) -> str:
    if row is None or row["mean_of_random_weights"] is None:
        return "–"
    return f"{row['mean_of_random_weights']:.2f}"
