"""A study before its first run: its plan, the labels of every run, and where all is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress, SilentProgress
from examwise.core.schemas.study import FINE_TUNED, LABEL_FREE
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.data.joined_splits import read_joined_splits
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, require_finding
from examwise.prediction.label_free import LABEL_FREE as LABEL_FREE_SCORES
from examwise.studies.acquisition import Draw
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.budgets import SettledArm, settle_budgets
from examwise.studies.config import StudyConfig
from examwise.studies.draws import count_labels, draw_all, open_sales
from examwise.studies.external_stores import require_external
from examwise.studies.one_run import require_run
from examwise.studies.plan import PlannedRun, plan_runs
from examwise.studies.plan_file import PLAN, read_plan
from examwise.studies.settled_grid import RecordedGrid, settle_grid, with_grid_arms
from examwise.studies.sites import (
    TEST_SPLIT,
    TestedStore,
    external_sites,
    internal_sites,
    require_both_classes,
)
from examwise.studies.study_amounts import Engine
from examwise.training.augmentations.choose import recorded_name
from examwise.training.find_learner import label_kind_of
from examwise.training.run_plan import require_labels

FIRST, FULL = "first", "full"
"""Answers of a study: the first one by frozen features, the full one by encoders trained on."""


@dataclass(frozen=True)
class PreparedStudy:
    """What a study is about to do.

    Attributes:
        stage: Its directory.
        config: The study, every budget in numbers.
        arms: Its arms, with what was left out of them.
        stored: The stores that labels come from.
        external: Stores that are tested on and nothing else.
        sites: Where runs are tested.
        plan: Every run.
        draws: Run to its labels; runs without labels have none.
    """

    stage: Stage
    config: StudyConfig
    arms: tuple[SettledArm, ...]
    stored: JoinedStores
    external: tuple[StoredExams, ...]
    sites: tuple[TestedStore, ...]
    plan: tuple[PlannedRun, ...]
    draws: Mapping[str, Draw]

    def missing(self, answer: str | None = None) -> list[PlannedRun]:
        """Return the runs that are not finished at every site yet, of one answer or of both."""
        storage = self.stage.storage
        done = set(CommitLog(storage).items())
        return [
            run
            for run in self.plan
            if (answer is None or answer_of(run) == answer)
            and not (
                f"runs/{run.run_id}" in done
                and all(
                    storage.exists(f"{site.place(run.run_id)}/{MANIFEST}") for site in self.sites
                )
            )
        ]


def answer_of(run: PlannedRun) -> str:
    """Return which answer a run is for."""
    return FULL if run.mode == FINE_TUNED else FIRST


def prepare_study(
    stage: Stage,
    config: StudyConfig,
    *,
    stores: Sequence[str],
    external: Sequence[str] = (),
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> PreparedStudy:
    """Plan a study and draw its labels; nothing is written.

    Labels are drawn from the training patients of all stores together.

    Args:
        stage: The study's directory.
        config: The study.
        stores: The exam store, or several of one key, with splits.
        external: Further stores, each an archive of its own, that are tested on and nothing else;
            all their exams, or the test part of one that has been split.
        engine: How many runs go on side by side, for a grid that fits a time limit; one if None.
        progress: Where to report to.

    Raises:
        InputError: If a budget needs more labels than there are, the stores cannot be joined, an
            external one is no fair test, or a run cannot be trained as asked for.
    """
    progress = progress or SilentProgress()
    stored = JoinedStores(stores)
    splits = read_joined_splits(stored.urls)
    others = tuple(StoredExams(url) for url in external)
    of_external = external_sites(others)
    config = with_grid_arms(config)
    _require_usable(config, stored, splits)
    require_external(
        others, of_external, stored=stored, splits=splits, config=config, progress=progress
    )
    sites = (*internal_sites(stored, splits), *of_external)
    sales = open_sales(stored, splits, config)
    config = settle_grid(
        config,
        sales,
        stored=stored,
        sites=sites,
        engine=engine or Engine(n_cores=1, n_devices=1),
        recorded=None if config.grid is None else _recorded(stage.storage),
        progress=progress,
    )
    arms = tuple(settle_budgets(config, count_labels(sales)))
    for settled in arms:
        if settled.left_out:
            progress.say(settled.said)
    settled_config = replace(config, arms=tuple(settled.arm for settled in arms))
    plan = tuple(plan_runs(settled_config))
    draws = draw_all(sales, settled_config, plan)
    if not stage.storage.exists(PLAN):
        _require_runs(plan, draws, stored, settled_config)
    return PreparedStudy(
        stage=stage,
        config=settled_config,
        arms=arms,
        stored=stored,
        external=others,
        sites=sites,
        plan=plan,
        draws=draws,
    )


def require_arms(config: StudyConfig) -> None:
    """Refuse arms that nobody can train, before any exam is read.

    Raises:
        InputError: If there is no such learner, or it learns from labels of another kind than
            those that are drawn.
    """
    for arm in config.arms:
        try:
            kind = label_kind_of(arm.learner)
        except InputError as error:
            raise InputError(
                where=f"{arm.where}, learner",
                expected=error.expected,
                got=error.got,
                remedy=error.remedy,
            ) from error
        if kind != ACQUISITION_KINDS[arm.acquisition]:
            raise InputError(
                where=f"{arm.where}, acquisition",
                expected=f"a way to draw labels of the learner's kind ({kind})",
                got=arm.acquisition,
            )


def describe_fine_tuning(config: StudyConfig) -> dict[str, Any] | None:
    """Return how encoders are trained on, in plain values: what may not change later."""
    tuning = config.fine_tuning
    if tuning is None:
        return None
    described = asdict(tuning)
    described["training"]["augmentation"] = recorded_name(tuning.training.augmentation)
    del described["repeats"], described["budgets"]
    return described


def _recorded(storage: Storage) -> RecordedGrid | None:
    """Return what the study's plan has of its grid, where it is written."""
    if not storage.exists(PLAN):
        return None
    plan = read_plan(storage)
    return RecordedGrid(plan.grid, plan.settled)


def _require_usable(config: StudyConfig, stored: JoinedStores, splits: pl.DataFrame) -> None:
    require_finding(stored, config.finding)
    require_arms(config)
    for way in sorted({arm.acquisition for arm in config.arms}):
        require_labels(stored, [config.finding], ACQUISITION_KINDS[way])
    tests = splits.filter(pl.col("split") == TEST_SPLIT)
    require_both_classes(
        f"{stored.name}, test patients",
        tests.join(exam_labels(stored, config.finding), on="exam_id")["exam_label"],
        config.finding,
        remedy="give a label file (source.labels), label more exams, or use a larger test part",
    )
    for name in config.label_free:
        LABEL_FREE_SCORES.load(name)().require(config.model)


def _require_runs(
    plan: Sequence[PlannedRun],
    draws: Mapping[str, Draw],
    stored: JoinedStores,
    config: StudyConfig,
) -> None:
    """Check the first run of each arm and mode: others differ from it in labels and seed alone."""
    seen = set()
    for run in plan:
        kind = (run.learner, run.acquisition, run.mode)
        if run.mode != LABEL_FREE and kind not in seen:
            seen.add(kind)
            require_run(run, draws[run.run_id], stored=stored, config=config)
