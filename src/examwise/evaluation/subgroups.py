"""How well runs do by kind and size of bleed, slice thickness and scanner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from examwise.core.schemas.evidence import SUBGROUPS
from examwise.core.schemas.findings import FINDINGS
from examwise.evaluation.exam_groups import (
    ExamGroup,
    counts,
    exam_groups,
    sensitivity_and_specificity,
)
from examwise.metrics.auc_variance import auc_estimates, auc_interval

NOT_ON_RECORD = "not on record"

FEWEST_EXAMS = 10
"""Scanners with fewer labelled exams are joined as ``other``."""

MOST_SCANNERS = 8
"""Further scanners are joined as well: nobody can read more."""

_LARGEST_ML = (5.0, 30.0)
_LARGEST_MM = (15.0, 40.0)
_LARGEST_THICKNESS_MM = (1.5, 4.0)


class _Part(NamedTuple):
    """Exams that belong to a group."""

    trait: str
    group: str
    exams: pl.DataFrame


def subgroups(
    exams: pl.DataFrame,
    traits: pl.DataFrame,
    thresholds: Mapping[str, Mapping[str, float]],
) -> pl.DataFrame:
    """Return AUC, sensitivity and specificity of groups of exams.

    Kinds and sizes belong to bleeds: their positive exams stand against all negative ones, so that
    specificity is the same in each; an exam with two kinds counts in both. Sizes are volumes
    (below 5 ml, 5 to 30 ml, from 30 ml) where as many positive exams of the archive have one as
    have an extent, else extents along the head (below 15 mm, 15 to 40 mm, from 40 mm). Slices are
    thin (below 1.5 mm), medium or thick (from 4 mm). Scanners are lettered by their labelled
    exams in the archive, most first; those with fewer than :data:`FEWEST_EXAMS` are ``other``.
    Exams without a size are left out of sizes; those of no known thickness or scanner are a group
    of their own where others have one.

    AUCs' intervals are :func:`~examwise.metrics.auc_variance.auc_interval`'s, those of shares
    :func:`~examwise.metrics.clustered_share.clustered_share`'s. Nothing is corrected for the
    number of groups.

    Args:
        exams: ``PREDICTED_EXAMS`` of one or more runs.
        traits: Of their finding, from :func:`~examwise.evaluation.exam_traits.exam_traits`.
        thresholds: Run to finding to threshold on the exam probability.

    Returns:
        ``SUBGROUPS``; no rows for exams without traits.

    Raises:
        InputError: If a run has no threshold for a finding it predicts.
    """
    rows: list[dict[str, Any]] = []
    for group in exam_groups(exams):
        threshold = group.threshold(thresholds)
        labelled = group.labelled.join(traits, on="exam_id", how="inner", maintain_order="left")
        positions: dict[str, int] = {}
        for part in _parts(labelled):
            position = positions[part.trait] = positions.get(part.trait, -1) + 1
            rows.append(_row(group, part, position, threshold))
    return SUBGROUPS.frame(rows)


def _parts(labelled: pl.DataFrame) -> Iterator[_Part]:
    if labelled.is_empty():
        return
    positive = labelled.filter(pl.col("exam_label") == 1)
    negative = labelled.filter(pl.col("exam_label") == 0)
    kinds = positive["kinds"].explode().drop_nulls().unique().to_list()
    for kind in sorted(kinds, key=_kind_order):
        of_kind = positive.filter(pl.col("kinds").list.contains(kind))
        yield _Part("kind", kind, pl.concat([of_kind, negative]))
    n_volumes, n_extents = (positive[name].count() for name in ("volume_ml", "extent_mm"))
    column, unit, limits = "extent_mm", "mm", _LARGEST_MM
    if n_volumes >= max(1, n_extents):
        column, unit, limits = "volume_ml", "ml", _LARGEST_ML
    for name, sized in _bands(positive, column, unit, limits):
        yield _Part("size", name, pl.concat([sized, negative]))
    for trait, groups in (
        ("thickness", _bands(labelled, "thickness_mm", "mm", _LARGEST_THICKNESS_MM)),
        ("scanner", _scanners(labelled)),
    ):
        found = list(groups)
        column = "thickness_mm" if trait == "thickness" else "scanner"
        unknown = labelled.filter(pl.col(column).is_null())
        if found and not unknown.is_empty():
            found.append((NOT_ON_RECORD, unknown))
        for name, own in found:
            yield _Part(trait, name, own)


def _kind_order(kind: str) -> tuple[int, str]:
    return (FINDINGS.index(kind) if kind in FINDINGS else len(FINDINGS), kind)


def _bands(
    exams: pl.DataFrame, column: str, unit: str, limits: tuple[float, float]
) -> Iterator[tuple[str, pl.DataFrame]]:
    low, high = limits
    value = pl.col(column)
    for name, inside in (
        (f"below {low:g} {unit}", value < low),
        (f"{low:g} to {high:g} {unit}", (value >= low) & (value < high)),
        (f"from {high:g} {unit}", value >= high),
    ):
        found = exams.filter(inside)
        if not found.is_empty():
            yield name, found


def _scanners(labelled: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    sizes = labelled.drop_nulls("scanner").group_by("scanner").agg(pl.len().alias("n"))
    ordered = sizes.sort(["n", "scanner"], descending=[True, False])
    shown = ordered.filter(pl.col("n") >= FEWEST_EXAMS).head(MOST_SCANNERS)["scanner"].to_list()
    for number, scanner in enumerate(shown):
        yield f"scanner {chr(ord('A') + number)}", labelled.filter(pl.col("scanner") == scanner)
    others = labelled.filter(pl.col("scanner").is_not_null() & ~pl.col("scanner").is_in(shown))
    if not others.is_empty():
        yield "other", others


def _row(group: ExamGroup, part: _Part, position: int, threshold: float) -> dict[str, Any]:
    exams = part.exams
    positive = exams["exam_label"].to_numpy() == 1
    called = exams["exam_probability"].to_numpy() >= threshold
    _, patients = np.unique(exams["patient_key"].to_numpy(), return_inverse=True)
    estimates = auc_estimates(positive, exams["exam_logit"].to_numpy(), patients)
    lower, upper = (None, None) if estimates is None else auc_interval(estimates)
    return {
        **group.key,
        "trait": part.trait,
        "group": part.group,
        "position": position,
        **counts(exams),
        "auc": None if estimates is None else float(estimates.aucs[0]),
        "auc_lower": lower,
        "auc_upper": upper,
        **sensitivity_and_specificity(positive, called, patients),
    }
