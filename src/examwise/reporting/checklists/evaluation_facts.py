"""What an evaluation directory alone tells about the items of a reporting guideline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.evaluation import EXAM_METRICS
from examwise.core.schemas.evidence import (
    CALIBRATION,
    COMPARISONS,
    FLOW,
    NON_INFERIORITY,
    OPERATING_POINTS,
    SUBGROUPS,
    UNCERTAIN_EXAMS,
)
from examwise.core.schemas.slice_evidence import SALIENCY_METRICS
from examwise.reporting.checklists.items import Fact
from examwise.reporting.configuration_words import setting
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.evidence_words import non_inferiority_words
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.words import TRAIT_WORDS, share_with_interval, within_sentence

IN_EVALUATION = {
    "areas": EXAM_METRICS.file,
    "statistics": "manifest.json",
    "points": OPERATING_POINTS.file,
    "tests": f"{COMPARISONS.file}, {NON_INFERIORITY.file}",
    "groups": SUBGROUPS.file,
    "uncertain": UNCERTAIN_EXAMS.file,
    "flow": FLOW.file,
    "saliency": SALIENCY_METRICS.file,
}
"""Where facts stand for a reader of the tables."""


def evaluation_facts(
    tables: EvaluationTables,
    runs: Sequence[NamedRun],
    *,
    where: Mapping[str, str] = IN_EVALUATION,
) -> dict[str, Fact]:
    """Return what an evaluation's tables tell.

    Args:
        tables: Of one finding.
        runs: Those whose numbers are told.
        where: Part to what its place is called: the keys of :data:`IN_EVALUATION`.

    Returns:
        Name of a fact, as checklists use it, to the fact.
    """
    return {
        name: Fact(words, where[place])
        for name, place, words in (
            *_exam_facts(tables, runs),
            *_point_facts(tables, runs),
            *_test_facts(tables, runs),
            *_other_facts(tables),
        )
    }


_Found = Iterator[tuple[str, str, str]]
_Words = Callable[[Mapping[str, Any]], str]


def _exam_facts(tables: EvaluationTables, runs: Sequence[NamedRun]) -> _Found:
    rows = _of_runs(tables.read(EXAM_METRICS), runs)
    if rows.is_empty():
        return
    counts = rows.unique("archive", maintain_order=True)
    yield (
        "performance",
        "areas",
        _by_run(rows, runs, lambda row: f"AUC {share_with_interval(*_limits(row, 'auc'))}"),
    )
    yield (
        "test_labels",
        "areas",
        "; ".join(
            f"{row['archive']}: {row['n_exams']:,} labelled exams of {row['n_patients']:,} "
            f"patients, {row['n_positive']:,} positive"
            for row in counts.iter_rows(named=True)
        )
        + ".",
    )
    measures = ["AUC", "average precision", "sensitivity and specificity"]
    if not tables.read(OPERATING_POINTS).is_empty():
        measures.append("predictive values")
    if not tables.read(CALIBRATION).is_empty():
        measures.append("Brier score, calibration error, slope and intercept")
    yield "measures", "areas", f"{', '.join(measures)}, exam by exam."
    replicates = setting(tables.manifest.configuration, "n_replicates")
    draws = f" ({replicates:,} draws of patients)" if isinstance(replicates, int) else ""
    yield (
        "uncertainty",
        "statistics",
        "95% intervals by the variance of the AUC (DeLong, or Obuchowski where patients have "
        f"several exams) and by bootstrap{draws}.",
    )


def _point_facts(tables: EvaluationTables, runs: Sequence[NamedRun]) -> _Found:
    rows = _of_runs(tables.read(OPERATING_POINTS), runs).filter(pl.col("rule") == "run")
    if rows.is_empty():
        return
    yield (
        "accuracy",
        "points",
        _by_run(
            rows,
            runs,
            lambda row: (
                f"sensitivity {share_with_interval(*_limits(row, 'sensitivity'))}, "
                f"specificity {share_with_interval(*_limits(row, 'specificity'))}"
            ),
        ),
    )
    defined = rows.drop_nulls(["sensitivity", "specificity"])
    if not defined.is_empty():
        yield "cross_table", "points", _by_run(defined, runs, _cross_words)
    yield (
        "cut_offs",
        "points",
        "Set beforehand, from validation alone: "
        + "; ".join(
            f"{within_sentence(run.name)} {values['threshold'][0]:.3g} "
            f"(fitted on: {values['fitted_on'][0]})"
            for run in runs
            if not (values := rows.filter(pl.col("run_id") == run.run_id)).is_empty()
        )
        + ".",
    )


def _cross_words(row: Mapping[str, Any]) -> str:
    negative = row["n_exams"] - row["n_positive"]
    found = round(row["sensitivity"] * row["n_positive"])
    passed = round(row["specificity"] * negative)
    return (
        f"{found:,} true and {negative - passed:,} false positive, {passed:,} true and "
        f"{row['n_positive'] - found:,} false negative"
    )


def _test_facts(tables: EvaluationTables, runs: Sequence[NamedRun]) -> _Found:
    rows = tables.read(NON_INFERIORITY).sort("step")
    if rows.is_empty():
        return
    names = {run.run_id: run.name for run in runs}
    first = next(rows.iter_rows(named=True))
    frozen = ("" if rows["is_frozen"].all() else "not ") + "on record before training"
    yield (
        "hypothesis",
        "tests",
        f"{names.get(first['run_id'], first['run_id'])} is no worse than "
        f"{names.get(first['reference_run_id'], first['reference_run_id'])} by more than "
        f"{first['margin']:g} of AUC ({frozen}).",
    )
    yield "power", "tests", non_inferiority_words(first, names)


def _other_facts(tables: EvaluationTables) -> _Found:
    groups = tables.read(SUBGROUPS)
    uncertain = tables.read(UNCERTAIN_EXAMS)
    if not groups.is_empty():
        traits = [words for trait, words in TRAIT_WORDS.items() if trait in set(groups["trait"])]
        yield (
            "robustness",
            "groups",
            f"Subgroups by {', '.join(within_sentence(words) for words in traits)}; they describe.",
        )
        sizes = groups.filter(pl.col("trait").is_in(["kind", "size"])).unique(
            ["archive", "trait", "group"], maintain_order=True
        )
        if not sizes.is_empty():
            yield "severity", "groups", _severity_words(sizes)
    if not uncertain.is_empty():
        first = uncertain.unique("archive", maintain_order=True)
        said = "; ".join(
            f"{row['archive']} {row['n_uncertain']:,}, of these {row['n_without_score']:,} never "
            "predicted"
            for row in first.iter_rows(named=True)
        )
        yield (
            "missing",
            "uncertain",
            f"Uncertain exams: {said}; best and worst case are told.",
        )
    flow = tables.read(FLOW)
    if not flow.is_empty():
        yield "flow", "flow", _flow_words(flow)
    saliency = tables.read(SALIENCY_METRICS)
    if not saliency.is_empty():
        methods = ", ".join(saliency["method"].unique().sort().to_list())
        yield (
            "explanations",
            "saliency",
            f"{methods}, held against {' and '.join(saliency['truth'].unique().sort())} on up to "
            f"{max(saliency['n_slices'].to_list()):,} slices.",
        )


def _severity_words(sizes: pl.DataFrame) -> str:
    return (
        "; ".join(
            f"{archive}: "
            + ", ".join(
                f"{row['group']} {row['n_positive']:,}"
                for row in sizes.filter(pl.col("archive") == archive)
                .sort("trait", "position")
                .iter_rows(named=True)
            )
            for archive in sizes["archive"].unique(maintain_order=True)
        )
        + "."
    )


def _flow_words(flow: pl.DataFrame) -> str:
    said = []
    for archive in flow["archive"].unique(maintain_order=True).to_list():
        kept = flow.filter(pl.col("archive") == archive, pl.col("reason") == "").sort("position")
        steps = ", ".join(
            f"{row['n']:,} {row['unit']} {row['what']}" for row in kept.iter_rows(named=True)
        )
        said.append(f"{archive}: {steps}")
    return "; ".join(said) + "."


def _of_runs(rows: pl.DataFrame, runs: Sequence[NamedRun]) -> pl.DataFrame:
    return rows.filter(pl.col("run_id").is_in([run.run_id for run in runs]))


def _limits(row: Mapping[str, Any], name: str) -> tuple[Any, Any, Any]:
    return row[name], row[f"{name}_lower"], row[f"{name}_upper"]


def _by_run(rows: pl.DataFrame, runs: Sequence[NamedRun], words: _Words) -> str:
    said = []
    for archive in rows["archive"].unique(maintain_order=True).to_list():
        own = rows.filter(pl.col("archive") == archive)
        parts = [
            f"{within_sentence(run.name)} {words(row)}"
            for run in runs
            for row in own.filter(pl.col("run_id") == run.run_id).iter_rows(named=True)
        ]
        said.append(f"{archive}: {', '.join(parts)}")
    return "; ".join(said) + "."
