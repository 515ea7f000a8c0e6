"""From predictions directories, or a whole study, to an evaluation directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import combinations

import polars as pl

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER
from examwise.evaluation.archive_tables import ARCHIVE_TABLES, ArchiveTables
from examwise.evaluation.csv_predictions import CsvPredictions
from examwise.evaluation.exam_traits import exam_traits
from examwise.evaluation.explanations import Explanations, read_explanations
from examwise.evaluation.judged_run import JudgedRun, judge_run
from examwise.evaluation.reading import (
    EVALUATED_SPLITS,
    RunPredictions,
    data_terms,
    read_runs,
)
from examwise.evaluation.run_evidence import BesidePredictions
from examwise.evaluation.run_tables import RUN_TABLES, RunTables
from examwise.evaluation.runs_together import (
    NonInferiorityQuestion,
    TestedStores,
    hold_together,
)
from examwise.evaluation.store_labels import StoreLabels

_FILES = (*RUN_TABLES, *ARCHIVE_TABLES)
_STUDY_FILES = (*_FILES, BUDGET_CURVE.file, RATIOS.file, ANSWER)

MOST_RUNS_COMPARED = 6
"""With more runs than this, those to be compared have to be named."""


def evaluate_predictions(
    urls: Sequence[str],
    out: str,
    *,
    n_replicates: int = 1000,
    seed: int = 0,
    splits: Sequence[str] = EVALUATED_SPLITS,
    stores: Sequence[str] = (),
    csv: CsvPredictions | None = None,
    explanations: Sequence[str] = (),
    compare: Sequence[tuple[str, str]] | None = None,
    non_inferior: NonInferiorityQuestion | None = None,
    n_permutations: int = 1000,
    progress: Progress | None = None,
) -> None:
    """Evaluate predictions into the tables of an evaluation directory.

    Exams of several archives are evaluated archive by archive, and together. The order of the
    directories makes no difference. A finished evaluation of the same predictions is left as it
    is.

    Args:
        urls: Predictions directories, one a run and store.
        out: The evaluation directory to write.
        n_replicates: Bootstrap samples of patients behind each interval.
        seed: Seed of the bootstrap and of permutations.
        splits: Splits whose exams are evaluated; others are left out, and counted.
        stores: The stores that were predicted, to look labels up in anew, and to tell subgroups
            and the flow of exams; with none, labels are those written into the predictions.
        csv: Predictions made elsewhere, instead of directories.
        explanations: Explanations directories of these runs.
        compare: Pairs of runs to hold against each other; all pairs of up to six runs if None.
        non_inferior: Which run is to be no worse than which; none if None.
        n_permutations: Permutations behind each test of equal curves.
        progress: Where to report; nowhere if None.

    Raises:
        InputError: If a directory is no finished predictions directory, a run predicts an exam
            twice, or tests patients in one directory that are in a training or validation part in
            another, two runs label an exam or slice differently, the stores lack predicted exams
            or slices, a run to compare is not there, an explanation is of another run, or ``out``
            holds something else.
        IntegrityError: If a file of the predictions or of the finished evaluation has changed.
    """
    progress = progress or SilentProgress()
    require_draws(n_replicates, n_permutations)
    labels = StoreLabels(stores) if stores else None
    runs = csv.runs if csv is not None else read_runs(urls, splits=splits, labels=labels)
    explained = read_explanations(explanations) if explanations else None
    pairs = _pairs(runs, compare)
    _require_runs(runs, pairs, non_inferior)
    if explained is not None:
        _require_explained(runs, explained)
    stage = Stage.begin(
        out,
        kind="evaluation",
        configuration={
            "compare": [list(pair) for pair in pairs],
            "data_terms": data_terms(runs),
            "n_permutations": n_permutations,
            "n_replicates": n_replicates,
            "non_inferior": None if non_inferior is None else asdict(non_inferior),
            "splits": sorted(splits),
        },
        inputs={
            **_inputs(runs),
            **(labels.inputs if labels else {}),
            **(explained.inputs if explained else {}),
        },
        seed=seed,
    )
    if stage.finished:
        _read_finished(stage.storage, _FILES)
        return
    findings = sorted({finding for run in runs for finding in run.exams["finding"].unique()})
    beside = BesidePredictions(
        traits={finding: exam_traits(stores, finding=finding) for finding in findings}
        if stores
        else {},
        stores=tuple(stores),
        values=None if explained is None else explained.values,
    )
    judged = list(_judged(runs, beside, n_replicates=n_replicates, seed=seed, progress=progress))
    RunTables.of(judged).write(stage.storage)
    ArchiveTables.of(
        hold_together(
            pl.concat([run.exams_together for run in judged]),
            pairs,
            question=_ordered(non_inferior, judged),
            explanations=explained,
            stores=_tested_stores(stores, judged),
            n_replicates=n_replicates,
            n_permutations=n_permutations,
            seed=seed,
        )
    ).write(stage.storage)
    stage.finish(outputs=_FILES)


def _judged(
    runs: Sequence[RunPredictions],
    beside: BesidePredictions,
    *,
    n_replicates: int,
    seed: int,
    progress: Progress,
) -> Iterator[JudgedRun]:
    with progress.track("Evaluating runs", len(runs)) as advance:
        for run in runs:
            judged = judge_run(
                run, beside=beside.of_run(run.run_id), n_replicates=n_replicates, seed=seed
            )
            judged.say_what_is_missing(progress)
            yield judged
            advance()


def _pairs(
    runs: Sequence[RunPredictions], compare: Sequence[tuple[str, str]] | None
) -> list[tuple[str, str]]:
    if compare is not None:
        return list(compare)
    names = [run.run_id for run in runs]
    return list(combinations(names, 2)) if len(names) <= MOST_RUNS_COMPARED else []


def _require_runs(
    runs: Sequence[RunPredictions],
    pairs: Sequence[tuple[str, str]],
    question: NonInferiorityQuestion | None,
) -> None:
    known = [run.run_id for run in runs]
    asked = [*pairs, *([] if question is None else [(question.new_run, question.reference_run)])]
    for one, other in asked:
        for name in (one, other):
            if name not in known:
                raise InputError(
                    where="runs to compare", expected="one of " + ", ".join(known), got=name
                )
        if one == other:
            raise InputError(where="runs to compare", expected="two runs", got=f"{one} twice")


def _require_explained(runs: Sequence[RunPredictions], explained: Explanations) -> None:
    known = [run.run_id for run in runs]
    found = {name for table in (explained.scores, explained.values) for name in table["run_id"]}
    if strange := sorted(found.difference(known)):
        raise InputError(
            where="explanations",
            expected="those of " + ", ".join(known),
            got="those of " + ", ".join(strange),
            remedy="leave them out, or name the predictions of that run as well",
        )


def _ordered(
    question: NonInferiorityQuestion | None, judged: Sequence[JudgedRun]
) -> NonInferiorityQuestion | None:
    """Name the archives of a question; what stands for several together is none of them."""
    if question is None or question.archives:
        return question
    names = {name for run in judged for name in run.exams["archive"].unique()}
    return replace(question, archives=tuple(sorted(names)))


def _tested_stores(stores: Sequence[str], judged: Sequence[JudgedRun]) -> list[TestedStores]:
    if not stores or not judged:
        return []
    exams = judged[0].exams
    return [TestedStores(" + ".join(sorted(exams["archive"].unique())), tuple(stores), exams)]


def _inputs(runs: Sequence[RunPredictions]) -> dict[str, str]:
    return {role: digest for run in runs for role, digest in run.inputs.items()}


def _read_finished(storage: Storage, keys: Sequence[str]) -> dict[str, bytes]:
    manifest = read_manifest(storage.url, kind="evaluation")
    return {key: manifest.read_output(storage, key) for key in keys}


def require_draws(n_replicates: int, n_permutations: int) -> None:
    """Refuse so few draws that nothing can be read from them.

    Raises:
        InputError: Says how many are needed.
    """
    # With fewer, the 2.5% quantile lies beyond the smallest value.
    if n_replicates < 40:
        raise InputError(
            where="n_replicates",
            expected="at least 40, for 95% intervals",
            got=n_replicates,
            remedy="1000 is usual",
        )
    if n_permutations < 0:
        raise InputError(
            where="n_permutations",
            expected="at least 1, or 0 for no test of equal curves",
            got=n_permutations,
            remedy="1000 is usual",
        )
