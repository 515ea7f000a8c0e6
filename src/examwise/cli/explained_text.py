"""What was explained, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from examwise.cli.terms_text import both_terms_text

if TYPE_CHECKING:
    from examwise.explain.explained_summary import ExplainedSummary

_WORDS = {
    "pixel_f1": "pixel F1",
    "intersection_over_union": "IoU",
    "pointing_hit": "pointing hits",
    "average_precision": "average precision",
    "energy_inside": "energy inside",
}


def explained_text(summary: ExplainedSummary) -> str:
    """Say what was explained, how maps scored, and what random weights make of them.

    Args:
        summary: What was explained.
    """
    what = "values" if summary.evaluations_per_slice is None else "maps"
    lines = [
        f"{summary.method} of {summary.finding}: {what} of {summary.n_slices:,} slices in "
        f"{summary.n_exams:,} exams."
    ]
    if summary.evaluations_per_slice is not None:
        lines.append(f"Images scored for a slice: {summary.evaluations_per_slice:,.1f}.")
        if not summary.scores:
            lines.append("None of these slices has a box or mask: maps have no scores.")
    for truth, means in summary.scores.items():
        lines.append(f"Held against {truth}: {_means(means)}.")
        if random := summary.scores_of_random_weights.get(truth):
            lines.append(f"  of random weights: {_means(random)}.")
    if summary.similarity_to_random_weights is not None:
        lines.append(
            "Rank correlation with the maps of random weights: "
            f"{summary.similarity_to_random_weights:.2f}."
        )
    if summary.n_left_out:
        lines.append(
            f"{summary.n_left_out:,} exams are of patients from whom the run has learned, and "
            "were left out."
        )
    lines.append(both_terms_text(summary.data_terms))
    return "\n".join(lines)


def _means(means: Mapping[str, float]) -> str:
    return ", ".join(f"{_WORDS[name]} {value:.2f}" for name, value in means.items())
