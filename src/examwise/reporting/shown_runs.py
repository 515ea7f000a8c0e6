"""Which runs stand for a study where all of them would be too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.evaluation.shown_runs import main_runs, shown_runs
from examwise.reporting.configuration_words import setting
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.study_arms import Arm
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import short_learner, within_sentence


@dataclass(frozen=True)
class ShownRun:
    """One run, and how it is called.

    Attributes:
        run_id: The run.
        name: In few words.
        place: Number that picks its colour.
        budget: Labels bought.
        is_main: Whether it is of an arm that is compared.
    """

    run_id: str
    name: str
    place: int
    budget: int
    is_main: bool


def full_budget_runs(study: StudyFiles) -> list[ShownRun]:
    """List each arm's first run at its full budget, each trained on one, and those without labels.

    Arms that are compared come first, then references.
    """
    runs = [
        run
        for arm in (*study.main_arms, *study.reference_arms)
        for mode in (BUDGETED, FINE_TUNED)
        for run in _first_run(study, arm, mode, arm.named(mode))
    ]
    free = study.runs.filter(pl.col("mode") == LABEL_FREE)
    runs += [
        ShownRun(row["run_id"], short_learner(name), len(study.arms), 0, is_main=False)
        for name in study.label_free
        for row in free.filter(pl.col("learner") == name).head(1).iter_rows(named=True)
    ]
    return runs


def main_run_ids(study: StudyFiles) -> list[str]:
    """Return the run that stands for each way of labelling: slice labels, then exam labels."""
    arms = {
        role: str(setting(study.evaluation.configuration, role) or role)
        for role in ("strong", "weak")
    }
    found = main_runs(study.runs, arms)
    return [found[role] for role in ("strong", "weak") if role in found]


def named_main_runs(study: StudyFiles) -> list[NamedRun]:
    """Return the same runs, called by their learners alone."""
    learners = dict(study.runs.select("run_id", "learner").rows())
    return [
        NamedRun(run_id, short_learner(learners[run_id]), place)
        for place, run_id in enumerate(main_run_ids(study))
    ]


def named_runs_words(runs: Sequence[NamedRun]) -> str:
    """Say which runs stand behind the names of learners.

    Example:
        >>> named_runs_words([NamedRun("weak-100-0", "Weak", 0)])
        'Weak is the run “weak-100-0”.'
    """
    said = [f"{within_sentence(run.name)} is the run “{run.run_id}”" for run in runs]
    sentence = ", ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}." if said else ""


def strip_runs(study: StudyFiles) -> list[ShownRun]:
    """List one run of each learner that is compared, to be looked at exam by exam.

    The encoder trained on as well where there is such a run, else the largest budget of the
    learner's first arm; of several repeats the first.
    """
    shown: list[ShownRun] = []
    for learner in dict.fromkeys(arm.learner for arm in study.main_arms):
        candidates = [
            run
            for mode in (FINE_TUNED, BUDGETED)
            for arm in study.main_arms
            if arm.learner == learner
            for run in _first_run(study, arm, mode, short_learner(learner))
        ]
        shown += candidates[:1]
    return shown


def _first_run(study: StudyFiles, arm: Arm, mode: str, name: str) -> Iterator[ShownRun]:
    own = arm.rows(study.runs, mode)
    # Of these runs evaluation has judged slices, too.
    own = own.filter(pl.col("run_id").is_in(shown_runs(study.runs)))
    for row in own.iter_rows(named=True):
        yield ShownRun(
            str(row["run_id"]), name, arm.place, int(row["budget"]), arm in study.main_arms
        )
