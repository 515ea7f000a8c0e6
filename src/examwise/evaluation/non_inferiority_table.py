"""Whether one run is no worse than another by more than a margin, archive after archive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from examwise.core.analysis_protocol import require_margin
from examwise.core.errors import InputError
from examwise.core.schemas.evidence import NON_INFERIORITY
from examwise.evaluation.comparisons import SharedExams, shared_exams
from examwise.metrics.auc_power import power_of_test_set
from examwise.metrics.auc_variance import auc_estimates
from examwise.metrics.non_inferiority import non_inferiority

SHOWN, NOT_SHOWN, NOT_TESTED, UNDEFINED = "non_inferior", "not_shown", "not_tested", "undefined"


def non_inferiority_rows(
    exams: pl.DataFrame,
    *,
    new_run: str,
    reference_run: str,
    margin: float,
    is_frozen: bool,
    archives: Sequence[str],
) -> pl.DataFrame:
    """Test in fixed order: the first archive, and each other one only after it has been shown.

    Each test is one-sided at 2.5%, without a correction: a wrong word about any archive needs a
    first step that came out, so what is said of the first is wrong in at most 2.5% of studies, and
    so is what is said of each later one. The later ones stand side by side: their chance of a
    wrong word is 2.5% each, not together. Where the first is not shown the others are described
    by their difference alone. A sample too small to tell is undefined, and nothing follows it.

    Args:
        exams: ``PREDICTED_EXAMS`` of both runs.
        new_run: Run that is to be no worse.
        reference_run: Than this one.
        margin: AUC that it may be lower by, between 0 and 0.5.
        is_frozen: Whether all this was on record before training.
        archives: The archive of the first test, then the others, as ``exams`` call them.

    Returns:
        ``NON_INFERIORITY``, a row an archive; of several findings each has its own sequence.

    Raises:
        InputError: If the margin is none, archives are named twice or not at all, or both runs
            have different labels for an exam.
    """
    require_margin(margin, where="margin of non-inferiority")
    if not archives or len(set(archives)) < len(archives):
        raise InputError(
            where="archives of non-inferiority",
            expected="the first archive, then others, each once",
            got=", ".join(archives) or "none",
        )
    rows = []
    for finding in exams["finding"].unique().sort():
        of_finding = exams.filter(pl.col("finding") == finding)
        first_is_shown = False
        for step, archive in enumerate(archives, 1):
            shared = shared_exams(
                of_finding.filter(pl.col("archive") == archive), new_run, reference_run
            )
            row = _tested(shared, margin=margin, is_tested=step == 1 or first_is_shown)
            first_is_shown |= step == 1 and row["verdict"] == SHOWN
            rows.append(
                {
                    "step": step,
                    "archive": archive,
                    "finding": finding,
                    "run_id": new_run,
                    "reference_run_id": reference_run,
                    "margin": margin,
                    "is_frozen": is_frozen,
                    **row,
                }
            )
    return NON_INFERIORITY.frame(rows)


def _tested(shared: SharedExams | None, *, margin: float, is_tested: bool) -> dict[str, Any]:
    nothing = dict.fromkeys(("difference", "lower", "p", "power"))
    untested = UNDEFINED if is_tested else NOT_TESTED
    if shared is None:
        counts = dict.fromkeys(("n_patients", "n_exams", "n_positive"), 0)
        return {**counts, **nothing, "verdict": untested}
    estimates = auc_estimates(shared.labels, shared.scores, shared.patients)
    if estimates is None:
        return {**shared.counts, **nothing, "verdict": untested}
    found = non_inferiority(estimates, new=0, reference=1, margin=margin)
    row = {
        **shared.counts,
        "difference": found.difference,
        "lower": None,
        "p": None,
        "power": power_of_test_set(estimates, new=0, reference=1, margin=margin),
        "verdict": untested,
    }
    if is_tested and found.lower is not None and found.p is not None:
        verdict = SHOWN if found.is_shown else NOT_SHOWN
        row |= {"lower": found.lower, "p": found.p, "verdict": verdict}
    return row
