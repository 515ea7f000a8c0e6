"""What a study planned, what was added to the plan later, and what of it was done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from examwise.reporting.configuration_words import setting, value_words
from examwise.reporting.contents import MethodSection, Table
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import MODE_NAMES, short_learner

PLAN = "plan.json"


def plan_section(study: StudyFiles) -> MethodSection | None:
    """Hold the plan on record against the runs that are there.

    Returns:
        None where the study keeps no plan.
    """
    plan = _read(study)
    runs = plan.get("runs")
    if not isinstance(runs, list) or not runs:
        return None
    return MethodSection(
        id="plan",
        title="What was planned",
        paragraphs=(
            "All runs were on record before the first began; a study that was extended later says "
            "so here.",
            *_grid_words(study),
        ),
        points=tuple(_rounds(plan.get("rounds", []))),
        tables=(_table(study, runs),),
    )


def _read(study: StudyFiles) -> Mapping[str, Any]:
    if not study.storage.exists(PLAN):
        return {}
    found = json.loads(study.storage.read(PLAN))
    return found if isinstance(found, Mapping) else {}


def _grid_words(study: StudyFiles) -> Iterator[str]:
    grid = setting(study.manifest.configuration, "study", "grid")
    if not isinstance(grid, Mapping):
        return
    if grid.get("name") is not None:
        yield (
            f"Budgets and repeats are those of the “{value_words(grid['name'])}” grid, as far as "
            "the archive reaches."
        )
    elif grid.get("time_limit_hours") is not None:
        yield (
            "Budgets and repeats were planned for a time limit of "
            f"{value_words(grid['time_limit_hours'])} hours on the machine that began the study."
        )


def _rounds(rounds: object) -> Iterator[str]:
    if not isinstance(rounds, Sequence) or len(rounds) < 2:
        return
    for number, added in enumerate(rounds):
        said = [
            f"{count:,} {noun}{'s' if count != 1 else ''}"
            for key, noun in (("runs", "run"), ("external", "external archive"))
            if (count := int(added.get(key, 0)))
        ]
        if said:
            yield f"{'Begun with' if number == 0 else 'Added later:'} {' and '.join(said)}."


def _table(study: StudyFiles, runs: Sequence[Mapping[str, Any]]) -> Table:
    done = set(study.runs["run_id"].to_list())
    planned: Counter[tuple[str, str, str, int]] = Counter()
    finished: Counter[tuple[str, str, str, int]] = Counter()
    for run in runs:
        key = (str(run["learner"]), str(run["acquisition"]), str(run["mode"]), int(run["budget"]))
        planned[key] += 1
        finished[key] += run["run_id"] in done
    places = {(arm.learner, arm.acquisition): arm for arm in study.arms}
    ordered = sorted(
        planned,
        key=lambda key: (
            places[key[:2]].place if key[:2] in places else len(places),
            list(MODE_NAMES).index(key[2]) if key[2] in MODE_NAMES else len(MODE_NAMES),
            key,
        ),
    )
    return Table(
        id="table-plan",
        caption="Runs planned and done",
        columns=("Arm", "Answer", "Labels, m", "Repeats planned", "Done"),
        rows=tuple(
            (
                places[key[:2]].name if key[:2] in places else short_learner(key[0]),
                MODE_NAMES.get(key[2], "no labels"),
                f"{key[3]:,}",
                f"{planned[key]}",
                f"{finished[key]}",
            )
            for key in ordered
        ),
        source=f"{PLAN}, runs.parquet",
        row_headers=2,
    )
