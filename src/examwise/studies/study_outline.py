"""What a study is about to do: labels, hours and disk of every arm and budget, before any run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import fmean
from typing import Any

from examwise.core.executors.protocol import Executor
from examwise.core.progress import Progress
from examwise.core.schemas.study import FINE_TUNED, LABEL_FREE
from examwise.data.joined_splits import read_joined_splits
from examwise.studies.acquisition import Draw
from examwise.studies.config import StudyConfig
from examwise.studies.draws import open_sales
from examwise.studies.one_run import FEATURES, options_of
from examwise.studies.plan import PlannedRun
from examwise.studies.prepared_study import FIRST, FULL, PreparedStudy, answer_of
from examwise.studies.run_costs import RunCosts, RunSize
from examwise.studies.study_amounts import Engine, PredictedAmount, predicted_amount
from examwise.training.find_learner import label_kind_of

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class OutlineRow:
    """One arm at one budget, frozen or fine-tuned.

    Attributes:
        learner: Learner's name, or the score's.
        mode: What its runs are for.
        acquisition: How labels are drawn.
        budget: Labels m.
        repeats: Runs.
        n_done: Of these, finished ones.
        n_labels: Labels that a run really buys, mean over repeats.
        n_exams_opened: Exams that a reader opens, mean.
        reader_actions: Answers entered, mean.
        reader_hours: What they take, mean; None where the study has no costs.
        machine_hours: Hours that the runs still to do take, one after the other; None where they
            were not timed.
    """

    learner: str
    mode: str
    acquisition: str
    budget: int
    repeats: int
    n_done: int
    n_labels: float
    n_exams_opened: float
    reader_actions: float
    reader_hours: float | None
    machine_hours: float | None


@dataclass(frozen=True)
class StudyOutline:
    """A study before it runs.

    Attributes:
        rows: An arm and budget each, in the order of the plan's arms.
        n_runs: Runs in all.
        n_done: Finished ones.
        n_side_by_side: Runs at a time on cores, and of those that train an encoder.
        first_hours: Hours until the first answer, features among them; None where not timed.
        full_hours: Hours that the full answer takes after it.
        bytes_on_disk: What the study takes in all, exams apart.
    """

    rows: tuple[OutlineRow, ...]
    n_runs: int
    n_done: int
    n_side_by_side: tuple[int, int]
    first_hours: float | None
    full_hours: float | None
    bytes_on_disk: int | None

    @property
    def hours(self) -> float | None:
        """Hours that are still to come in all."""
        if self.first_hours is None or self.full_hours is None:
            return None
        return self.first_hours + self.full_hours

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "hours": self.hours}


def outline_study(study: PreparedStudy, *, costs: RunCosts | None, engine: Engine) -> StudyOutline:
    """Put a plan, its labels and what runs cost together.

    Args:
        study: From :func:`~examwise.studies.prepared_study.prepare_study`.
        costs: From :func:`~examwise.studies.run_timing.calibrate`; without, no hours are told.
        engine: How many runs go on side by side.
    """
    tested = predicted_amount(study.sites)
    missing = {run.run_id for run in study.missing()}
    seconds = None if costs is None else partial(_run_s, study, costs, tested)
    groups: dict[tuple[str, str, str, int], list[PlannedRun]] = {}
    for run in sorted(study.plan, key=_place(study.config)):
        groups.setdefault((run.learner, run.mode, run.acquisition, run.budget), []).append(run)
    hours = _hours_of_answers(study, costs, tested, engine) if costs else {}
    return StudyOutline(
        rows=tuple(_row(study, runs, missing, seconds) for runs in groups.values()),
        n_runs=len(study.plan),
        n_done=len(study.plan) - len(missing),
        n_side_by_side=(engine.n_cores, engine.n_devices),
        first_hours=hours.get(FIRST),
        full_hours=hours.get(FULL),
        bytes_on_disk=_bytes(study, costs, tested) if costs else None,
    )


def timed_outline(
    study: PreparedStudy, *, executor: Executor, progress: Progress | None = None
) -> StudyOutline:
    """Time a few steps on this machine if runs are missing, and outline the study.

    Args:
        study: From :func:`~examwise.studies.prepared_study.prepare_study`.
        executor: Where its runs will run.
        progress: Where to report to.

    Raises:
        InputError: If a run cannot be trained as asked for.
    """
    costs = None
    if any(run.mode != LABEL_FREE for run in study.missing()):
        # PyTorch is imported for this alone.
        from examwise.studies.run_timing import calibrate

        splits = read_joined_splits(study.stored.urls)
        sales = open_sales(study.stored, splits, study.config)
        costs = calibrate(study.config, study.stored, sales, progress=progress)
    return outline_study(study, costs=costs, engine=Engine.of(executor))


def run_size(draw: Draw, tested: PredictedAmount) -> RunSize:
    """Return how much a run learns from and predicts."""
    return RunSize(
        n_training=draw.label_set.part("train").height,
        n_validation_exams=draw.label_set.part("validation")["exam_id"].n_unique(),
        n_tested_exams=tested.n_exams,
        n_tested_slices=tested.n_slices,
    )


def _run_s(
    study: PreparedStudy, costs: RunCosts, tested: PredictedAmount, run: PlannedRun
) -> float:
    if run.mode == LABEL_FREE:
        return costs.label_free_s(tested.n_slices)
    _, training, _ = options_of(run, study.config)
    return costs.run_s(
        run.learner,
        run.mode,
        run_size(study.draws[run.run_id], tested),
        training=training,
        label_kind=label_kind_of(run.learner),
    )


def _place(config: StudyConfig) -> Callable[[PlannedRun], tuple[int, int, int, int]]:
    """Return the order of rows: curves as the study file has them, then what stands beside."""
    arms = {(arm.learner, arm.acquisition): place for place, arm in enumerate(config.arms)}
    names: Mapping[str, int] = {name: place for place, name in enumerate(config.label_free)}

    def place(run: PlannedRun) -> tuple[int, int, int, int]:
        if run.mode == LABEL_FREE:
            return 1, names[run.learner], 0, 0
        return (
            2 if run.mode == FINE_TUNED else 0,
            arms[run.learner, run.acquisition],
            run.budget,
            run.repeat,
        )

    return place


def _row(
    study: PreparedStudy,
    runs: Sequence[PlannedRun],
    missing: set[str],
    seconds: Callable[[PlannedRun], float] | None,
) -> OutlineRow:
    first = runs[0]
    draws = [study.draws[run.run_id] for run in runs if run.run_id in study.draws]
    to_do = [run for run in runs if run.run_id in missing]
    costs = study.config.costs
    return OutlineRow(
        learner=first.learner,
        mode=first.mode,
        acquisition=first.acquisition,
        budget=first.budget,
        repeats=len(runs),
        n_done=len(runs) - len(to_do),
        n_labels=_mean([sum(draw.n_bought.values()) for draw in draws]),
        n_exams_opened=_mean([draw.n_exams_opened for draw in draws]),
        reader_actions=_mean([draw.effort.actions for draw in draws]),
        reader_hours=None if costs is None else _mean([d.effort.hours(costs) for d in draws]),
        machine_hours=None
        if seconds is None
        else sum(seconds(run) for run in to_do) / _SECONDS_PER_HOUR,
    )


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0


def _hours_of_answers(
    study: PreparedStudy, costs: RunCosts, tested: PredictedAmount, engine: Engine
) -> dict[str, float]:
    """Return the hours that each answer still takes, runs going on side by side."""
    hours = {FIRST: 0.0, FULL: 0.0}
    missing = study.missing()
    for run in missing:
        lasting = _run_s(study, costs, tested, run) / engine.side_by_side(run, study.config)
        hours[answer_of(run)] += lasting / _SECONDS_PER_HOUR
    # Features come first, and are kept: a study that goes on has them.
    if missing and not _has_features(study):
        encoding_s = costs.features_s(_all_slices(study)) / max(1, engine.n_cores)
        hours[FIRST] += encoding_s / _SECONDS_PER_HOUR
    return hours


def _has_features(study: PreparedStudy) -> bool:
    local = study.stage.storage.local
    return local is not None and any((local / FEATURES).glob("*/*.npy"))


def _all_slices(study: PreparedStudy) -> int:
    stores = (*study.stored.stores, *study.external)
    return sum(int(store.exams["n_slices"].sum()) for store in stores)


def _bytes(study: PreparedStudy, costs: RunCosts, tested: PredictedAmount) -> int:
    without_labels = RunSize(0, 0, tested.n_exams, tested.n_slices)
    sizes = {run.run_id: without_labels for run in study.plan}
    sizes |= {run_id: run_size(draw, tested) for run_id, draw in study.draws.items()}
    runs = sum(costs.run_bytes(run.learner, run.mode, sizes[run.run_id]) for run in study.plan)
    return runs + costs.features_bytes(_all_slices(study))
