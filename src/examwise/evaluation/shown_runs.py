"""Which of a study's runs stand for the others where all of a run is looked at."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.budget_replicates import CurveKey


def shown_runs(runs: pl.DataFrame) -> list[str]:
    """Return one run for each curve: the first repeat of its largest budget.

    Args:
        runs: ``RUNS`` of a study.
    """
    return _of_curves(runs)["run_id"].sort().to_list()


def main_runs(runs: pl.DataFrame, arms: Mapping[str, str]) -> dict[str, str]:
    """Return for both ways of labelling the run that stands for what it can do.

    It is the first repeat at the largest budget: with the encoder trained on as well where there
    is such a run, and else of the way to draw that opened the fewest exams.

    Args:
        runs: ``RUNS`` of a study.
        arms: ``strong`` and ``weak`` to their learners.

    Returns:
        ``strong`` and ``weak`` to the run, where there is one.
    """
    rank = pl.col("mode").replace_strict({FINE_TUNED: 0, BUDGETED: 1}, default=None)
    shown = _of_curves(runs).with_columns(rank.alias("rank")).drop_nulls("rank")
    ordered = shown.sort("rank", "n_exams_opened", "run_id")
    found = {}
    for arm, learner in arms.items():
        own = ordered.filter(pl.col("learner") == learner)
        if not own.is_empty():
            found[arm] = str(own["run_id"][0])
    return found


def compared_pairs(runs: pl.DataFrame, arms: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return which shown runs are held against each other, few enough to be read together.

    Exam labels against slice labels, where the encoder was treated alike; each main run against
    the same labels with the encoder frozen, and against every reference.

    Args:
        runs: ``RUNS`` of a study.
        arms: ``strong`` and ``weak`` to their learners.
    """
    shown = _of_curves(runs).sort("run_id")
    main = main_runs(runs, arms)

    def ids(*conditions: pl.Expr) -> list[str]:
        return shown.filter(*conditions)["run_id"].to_list()

    pairs = [
        (weak, strong)
        for mode in (FINE_TUNED, BUDGETED)
        for weak in ids(pl.col("mode") == mode, pl.col("learner") == arms["weak"])
        for strong in ids(pl.col("mode") == mode, pl.col("learner") == arms["strong"])
    ]
    for run in sorted(main.values(), reverse=True):
        learner = shown.filter(pl.col("run_id") == run)["learner"][0]
        same = (pl.col("learner") == learner) & (pl.col("mode") == BUDGETED)
        pairs += [(run, other) for other in ids(same) if other != run]
        references = ~pl.col("learner").is_in(list(arms.values()))
        pairs += [(run, other) for other in ids(references)]
    return list(dict.fromkeys(pairs))


def _of_curves(runs: pl.DataFrame) -> pl.DataFrame:
    return runs.sort("budget", "repeat", descending=[True, False]).unique(
        CurveKey._fields, keep="first", maintain_order=True
    )
