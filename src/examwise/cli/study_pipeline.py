"""From raw files to the answer: the stages of ``examwise study``, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from examwise.cli.answer_text import answer_text
from examwise.cli.outline_text import outline_text
from examwise.cli.study_archives import (
    StudyStores,
    chosen_external,
    describe_archives,
    provide_stores,
    require_archives,
    require_label_files,
)
from examwise.cli.study_file import StudyFile
from examwise.cli.study_places import StudyPlaces
from examwise.cli.summary_text import set_aside_text
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.progress import Progress
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.joined_splits import read_joined_splits
from examwise.data.splits import drawn_fractions, split_store
from examwise.evaluation.answer import Answer
from examwise.evaluation.evaluate_study import evaluate_study
from examwise.evaluation.exported_tables import export_tables
from examwise.evaluation.shown_runs import main_runs
from examwise.imaging.joined_stores import JoinedStores
from examwise.reporting.report import write_report
from examwise.studies.beginning import begin_study
from examwise.studies.config import STRONG, WEAK, StudyConfig
from examwise.studies.explained_runs import explain_runs, followed_runs
from examwise.studies.plan_file import PLAN
from examwise.studies.prepared_study import (
    FIRST,
    FULL,
    PreparedStudy,
    prepare_study,
    require_arms,
)
from examwise.studies.run_study import run_study
from examwise.studies.study_amounts import Engine
from examwise.studies.study_outline import StudyOutline, timed_outline
from examwise.training.accelerator import require_accelerator

EVALUATION = "evaluation"
"""Folder of a study's evaluation."""


@dataclass(frozen=True)
class StudyOutcome:
    """What a finished study says.

    Attributes:
        answer: The answer.
        report: Its page.
        set_aside: Archive to reason to number of files, or rows of annotation files, that were
            set aside.
    """

    answer: Answer
    report: Path
    set_aside: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The answer for a terminal: a sentence, a table, what was set aside, the page's path."""
        said = (answer_text(self.answer), set_aside_text(self.set_aside), f"Report: {self.report}")
        return "\n\n".join(block for block in said if block)

    @property
    def set_aside_in_all(self) -> Mapping[str, int]:
        """Reason to number, of all archives together."""
        counts = (Counter(of_archive) for of_archive in self.set_aside.values())
        return dict(sum(counts, Counter[str]()))


def run_pipeline(
    file: StudyFile,
    places: StudyPlaces,
    *,
    executor: Executor,
    first: bool = False,
    dry_run: bool = False,
    progress: Progress,
) -> StudyOutcome | StudyOutline:
    """Run every stage that is not finished yet.

    The first answer, by frozen features, is evaluated and on its page before encoders are trained
    on for the full one.

    Args:
        file: The study file.
        places: Where everything lies.
        executor: Where all of it runs.
        first: Stop at the first answer.
        dry_run: Stop at the plan; it is returned then.
        progress: Where to report to.

    Raises:
        InputError: If a stage's input cannot be worked with.
    """
    require_arms(file.study)
    config = _with_splits(file.study, places, progress=progress)
    external = chosen_external(file, places, progress=progress)
    require_archives(file.source, external, places)
    require_label_files(file.source, external, places)
    require_accelerator(config.trainer.accelerator)
    described = describe_archives(file.source, external, places)
    stage = begin_study(places.out, config, source=described)
    stores = provide_stores(file.source, external, places, executor=executor, progress=progress)
    _provide_splits(stage, stores.internal, config)
    study = prepare_study(
        stage,
        config,
        stores=stores.internal,
        external=stores.external,
        engine=Engine.of(executor),
        progress=progress,
    )
    outline = timed_outline(study, executor=executor, progress=progress)
    if dry_run:
        return outline
    progress.say(outline_text(outline))
    later = study.missing(FULL)
    run_study(study, answer=FIRST, executor=executor, progress=progress)
    answered = partial(_answer, study, stores, places, executor=executor, progress=progress)
    if later and not first:
        outcome = answered(explained=False)
        progress.say(f"First answer: {outcome.answer.headline}")
        progress.say(f"Its report: {outcome.report}. The full answer follows")
        run_study(study, answer=FULL, executor=executor, progress=progress)
    return answered(explained=True)


def _answer(
    study: PreparedStudy,
    stores: StudyStores,
    places: StudyPlaces,
    *,
    explained: bool,
    executor: Executor,
    progress: Progress,
) -> StudyOutcome:
    """Evaluate all runs that are finished, and write the page."""
    config = study.config
    runs = RUNS.read(study.stage.storage)
    if explained:
        main = main_runs(runs, {"strong": STRONG, "weak": WEAK})
        explain_runs(
            str(places.out),
            config,
            sorted(main.values()),
            followed=followed_runs(runs, config),
            stores=stores.internal,
            external=stores.external,
            executor=executor,
            progress=progress,
        )
    answer = evaluate_study(
        str(places.out),
        str(places.out / EVALUATION),
        target_auc=config.target_auc,
        n_replicates=config.bootstrap_replicates,
        seed=config.seed,
        finding=config.finding,
        costs_given=config.costs is not None,
        stores=(stores.internal, *((url,) for url in stores.external)),
        renew=True,
        executor=executor,
        progress=progress,
    )
    export_tables(Storage(places.out / EVALUATION))
    report = write_report(
        places.out, stores=stores.internal, external=stores.external, progress=progress
    )
    return StudyOutcome(answer=answer, report=report, set_aside=stores.set_aside)


def _with_splits(config: StudyConfig, places: StudyPlaces, *, progress: Progress) -> StudyConfig:
    """Take the splits of given stores, which are only read; the file's fractions for others."""
    if places.stores:
        urls = JoinedStores(places.stores).urls
        read_joined_splits(urls)
        asked = config.split and config.split.fractions
        if asked and any(drawn_fractions(url) != asked for url in urls):
            progress.say("Splits: those of the given stores, not the fractions of study.split")
        return replace(config, split=None)
    if config.split is None:
        raise InputError(
            where="study.split",
            expected="fractions, where no split store is given",
            got="null",
            remedy="give the fractions of train, validation and test patients",
        )
    return config


def _provide_splits(stage: Stage, stores: Sequence[str], config: StudyConfig) -> None:
    if config.split is None:
        return
    (store,) = stores
    split_store(
        store,
        fractions=config.split.fractions,
        seed=config.seed,
        finding=config.finding,
        # Until the plan is written a corrected study may split its own store anew.
        replace=not stage.storage.exists(PLAN),
    )
