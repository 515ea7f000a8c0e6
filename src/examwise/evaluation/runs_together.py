"""Runs held against each other, archive by archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from examwise.core.analysis_protocol import require_margin
from examwise.core.schemas.evidence import COMPARISONS, FLOW, NON_INFERIORITY
from examwise.core.schemas.slice_evidence import SALIENCY_COMPARISONS, SALIENCY_METRICS
from examwise.evaluation.comparisons import compare_runs
from examwise.evaluation.explanations import Explanations
from examwise.evaluation.flow import flow_rows
from examwise.evaluation.non_inferiority_table import non_inferiority_rows
from examwise.evaluation.saliency_tables import saliency_comparisons, saliency_metrics


@dataclass(frozen=True)
class NonInferiorityQuestion:
    """Whether one run is no worse than another by more than a margin.

    Attributes:
        new_run: The run that is to be no worse.
        reference_run: The other.
        margin: AUC that it may be lower by.
        archives: The archive that is tested first, then those tested only after it; in the order
            of their names if empty.
        is_frozen: Whether all of this was on record before training.

    Raises:
        InputError: If the margin is none.
    """

    new_run: str
    reference_run: str
    margin: float
    archives: tuple[str, ...] = ()
    is_frozen: bool = False

    def __post_init__(self) -> None:
        require_margin(self.margin, where="margin of non-inferiority")


@dataclass(frozen=True)
class TestedStores:
    """The stores behind some archives, and their exams that were evaluated.

    Attributes:
        archive: How tables call the archives.
        urls: The stores.
        exams: ``PREDICTED_EXAMS`` of any one run.
    """

    archive: str
    urls: tuple[str, ...]
    exams: pl.DataFrame


def hold_together(
    exams: pl.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    question: NonInferiorityQuestion | None,
    explanations: Explanations | None,
    stores: Sequence[TestedStores],
    n_replicates: int,
    n_permutations: int,
    seed: int,
) -> Iterator[Mapping[str, pl.DataFrame]]:
    """Yield parts, each from file to rows, of the tables that go by archive.

    Args:
        exams: ``PREDICTED_EXAMS`` of all runs named here, of archives each for itself and
            together.
        pairs: Runs to compare.
        question: What is to be tested for being no worse; nothing if None.
        explanations: What was explained; nothing if None.
        stores: Where the exams come from, as far as that is known.
        n_replicates: Bootstrap samples of patients.
        n_permutations: Permutations behind tests of equal curves.
        seed: Seed of both.
    """
    yield {
        COMPARISONS.file: compare_runs(
            exams, pairs, n_replicates=n_replicates, n_permutations=n_permutations, seed=seed
        )
    }
    if question is not None:
        yield non_inferiority_part(exams, question)
    for tested in stores:
        yield {FLOW.file: flow_rows(tested.urls, tested.exams, archive=tested.archive)}
    if explanations is not None:
        options = {"n_replicates": n_replicates, "seed": seed}
        yield {
            SALIENCY_METRICS.file: saliency_metrics(explanations.scores, **options),
            SALIENCY_COMPARISONS.file: saliency_comparisons(explanations.scores, **options),
        }


def non_inferiority_part(
    exams: pl.DataFrame, question: NonInferiorityQuestion
) -> Mapping[str, pl.DataFrame]:
    """Return the rows of one question, archive by archive.

    Args:
        exams: ``PREDICTED_EXAMS`` of both runs.
        question: What is tested, its archives named.
    """
    found = non_inferiority_rows(
        exams,
        new_run=question.new_run,
        reference_run=question.reference_run,
        margin=question.margin,
        is_frozen=question.is_frozen,
        archives=question.archives,
    )
    return {NON_INFERIORITY.file: found}
