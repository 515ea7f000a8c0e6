"""From raw files to the answer: the stages of ``examwise study``, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from examwise.cli.answer_text import answer_text
from examwise.cli.parsing import worker_count
from examwise.cli.study_archives import (
    chosen_external,
    describe_archives,
    provide_stores,
    require_archives,
)
from examwise.cli.study_file import StudyFile
from examwise.cli.study_places import StudyPlaces
from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.progress import Progress
from examwise.core.stage import Stage
from examwise.data.joined_splits import read_joined_splits
from examwise.data.splits import split_store
from examwise.evaluation.answer import Answer
from examwise.evaluation.evaluate import evaluate_study
from examwise.imaging.joined_stores import JoinedStores
from examwise.reporting.report import write_report
from examwise.studies.config import StudyConfig
from examwise.studies.run_study import PLAN, begin_study, run_study
from examwise.training.accelerator import require_accelerator


@dataclass(frozen=True)
class StudyOutcome:
    """What a finished study says.

    Attributes:
        answer: The answer.
        report: Its page.
        set_aside: Reason to number of files, or rows of annotation files, that were set aside.
    """

    answer: Answer
    report: Path
    set_aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The answer for a terminal: a sentence, a table, the path of the page."""
        return f"{answer_text(self.answer)}\n\nReport: {self.report}"


def run_pipeline(
    file: StudyFile, places: StudyPlaces, *, workers: int | None, progress: Progress
) -> StudyOutcome:
    """Run every stage that is not finished yet.

    Raises:
        InputError: If a stage's input cannot be worked with.
    """
    config = file.study
    _require_splits(config, places)
    external = chosen_external(file, places, progress=progress)
    require_archives(file.source, external, places)
    require_accelerator(config.trainer.accelerator)
    executor = make_executor(worker_count(workers))
    described = describe_archives(file.source, external, places)
    stage = begin_study(places.out, config, source=described)
    stores = provide_stores(file.source, external, places, executor=executor, progress=progress)
    _provide_splits(stage, stores.internal, config, given=bool(places.stores))
    run_study(
        stage,
        config,
        stores=stores.internal,
        external=stores.external,
        executor=executor,
        progress=progress,
    )
    answer = evaluate_study(
        str(places.out),
        str(places.out / "evaluation"),
        target_auc=config.target_auc,
        n_replicates=config.bootstrap_replicates,
        seed=config.seed,
        finding=config.finding,
        costs_given=config.costs is not None,
        executor=executor,
        progress=progress,
    )
    report = write_report(
        places.out, stores=stores.internal, external=stores.external, progress=progress
    )
    return StudyOutcome(answer=answer, report=report, set_aside=stores.set_aside)


def _require_splits(config: StudyConfig, places: StudyPlaces) -> None:
    if places.stores:
        # Given stores are only read: they must have been split.
        read_joined_splits(JoinedStores(places.stores).urls)
    elif config.split is None:
        raise InputError(
            where="study.split",
            expected="fractions, where no split store is given",
            got="null",
            remedy="give the fractions of train, validation and test patients",
        )


def _provide_splits(
    stage: Stage, stores: Sequence[str], config: StudyConfig, *, given: bool
) -> None:
    if config.split is None:
        return
    if len(stores) > 1:
        raise InputError(
            where="study.split",
            expected="the splits that several stores have",
            got="fractions",
            remedy="write split: null to take the stores' own",
        )
    (store,) = stores
    try:
        split_store(
            store,
            fractions=config.split.fractions,
            seed=config.seed,
            finding=config.finding,
            # Until the plan is written a corrected study may split its own store anew.
            replace=not given and not stage.storage.exists(PLAN),
        )
    except InputError as error:
        if not given:
            raise
        raise InputError(
            where="study.split",
            expected="the split that the store has",
            got="another",
            remedy="write split: null to take the store's own",
        ) from error
