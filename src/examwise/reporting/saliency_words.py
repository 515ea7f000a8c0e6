"""What maps are worth, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from examwise.reporting.explained_runs import ExplainedRun
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.saliency_tables import ALL_KINDS, method_name
from examwise.reporting.words import decimal, p_value, signed, signed_interval, within_sentence

SIGNIFICANT_P = 0.05
ALIKE = 0.5
"""Rank correlation from which a random model's maps are called much like the model's own."""

Row = Mapping[str, Any]


def comparison_sentences(
    comparisons: pl.DataFrame, runs: Sequence[NamedRun], *, truth: str
) -> Iterator[str]:
    """Say for each method which run's maps lie closer to the truth.

    Args:
        comparisons: ``SALIENCY_COMPARISONS`` of one archive.
        runs: Those to speak of.
        truth: What maps are held against.
    """
    names = {run.run_id: within_sentence(run.name) for run in runs}
    own = comparisons.filter(
        pl.col("truth") == truth,
        pl.col("measure") == "pixel_f1",
        pl.col("method") == pl.col("other_method"),
        pl.col("run_id") != pl.col("other_run_id"),
    ).sort("method", "run_id", "other_run_id")
    for row in own.iter_rows(named=True):
        if row["run_id"] in names and row["other_run_id"] in names:
            yield _comparison(row, names, truth)


def _comparison(row: Row, names: Mapping[str, str], truth: str) -> str:
    one, other = names[row["run_id"]], names[row["other_run_id"]]
    method = method_name(row["method"])
    if row["difference"] is None:
        return f"{method}: no slice has maps of both runs with a score."
    if row["difference"] < 0:
        one, other = other, one
    numbers = (
        f"{signed(abs(row['difference']), 2)} {_limits(row)}, p {_equals(row['p'])}; "
        f"{row['n_slices']:,} slices of {row['n_patients']:,} patients"
    )
    if row["p"] is not None and row["p"] < SIGNIFICANT_P:
        return (
            f"{method}: maps of the run “{one}” lie closer to the {truth} than those of “{other}” "
            f"(pixel F1 {numbers})."
        )
    return f"{method}: no difference is shown between “{one}” and “{other}” (pixel F1 {numbers})."


def _limits(row: Row) -> str:
    lower, upper = row["lower"], row["upper"]
    if lower is not None and upper is not None and row["difference"] < 0:
        lower, upper = -upper, -lower
    return signed_interval(lower, upper, 2)


def _equals(p: float | None) -> str:
    said = p_value(p)
    return said if said.startswith("<") else f"= {said}"


def random_weights_words(
    explained: Sequence[ExplainedRun], metrics: pl.DataFrame, *, truth: str | None
) -> tuple[list[str], list[str]]:
    """Say whether maps depend on what was learned (Adebayo et al., 2018).

    Args:
        explained: The maps of one archive.
        metrics: ``SALIENCY_METRICS`` of it.
        truth: What maps are held against; None without.

    Returns:
        Sentences, and those that warn.
    """
    said, warned = [], []
    for one in explained:
        similarity = one.mean_similarity
        row = _pixel_f1(metrics, one, truth)
        random = row["mean_of_random_weights"] if row else None
        if similarity is None and random is None:
            continue
        name = f"{method_name(one.method)}, {within_sentence(one.run.name)}"
        facts = []
        if similarity is not None:
            facts.append(
                "the maps of the same network with random weights have a rank correlation of "
                f"{signed(similarity, 2)} with its own"
            )
        if row and random is not None:
            facts.append(f"pixel F1 is {decimal(random)}, and {decimal(row['mean'])} as trained")
        doubts = []
        if similarity is not None and similarity >= ALIKE:
            doubts.append("look much the same without anything learned")
        if row and random is not None and row["lower"] is not None and random >= row["lower"]:
            doubts.append("are not clearly better than those of random weights")
        sentence = f"{name}: {'; '.join(facts)}."
        if doubts:
            warned.append(
                f"{sentence} These maps {' and '.join(doubts)}: they must not be read as showing "
                "what the model learned."
            )
        else:
            said.append(sentence)
    return said, warned


def _pixel_f1(metrics: pl.DataFrame, one: ExplainedRun, truth: str | None) -> Row | None:
    found = metrics.filter(
        run_id=one.run.run_id, method=one.method, measure="pixel_f1", kind=ALL_KINDS
    )
    found = found.filter(pl.col("truth") == truth) if truth else found.clear()
    return found.row(0, named=True) if found.height else None
