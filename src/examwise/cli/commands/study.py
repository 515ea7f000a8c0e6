"""``examwise study [CONFIG] --out DIR``: from raw files to the answer; ``examwise study init``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from examwise.cli.commands import study_init
from examwise.cli.output import Output
from examwise.cli.parsing import (
    add_engine,
    add_identity,
    add_stores,
    common,
    engine_of,
    make_parser,
    parse,
)
from examwise.cli.study_file import (
    embedded_default,
    naming_the_file,
    read_study_file,
    within_hours,
)
from examwise.cli.study_places import StudyPlaces, require_places
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Run a label-budget study: how well does a learner detect, by the number and the
price of its labels? Without CONFIG the embedded default runs; without --source and --store it
makes the synthetic archives of CONFIG. Ends with the answer, a table and the path of report.html.
Interrupted, the same command goes on where it was. To begin with a study file of your own:
examwise study init FILE."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Run the study."""
    if argv[:1] == ["init"]:
        return study_init.run(argv[1:])
    parser = make_parser("study", _DESCRIPTION)
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="study file (YAML)")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the study")
    parser.add_argument("--source", type=Path, help="folder of raw files, in source.layout")
    parser.add_argument(
        "--external",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="RAW",
        help="folders of raw files that are tested on and nothing else, each in the layout of an "
        "entry of CONFIG's external, in order",
    )
    add_stores(
        parser,
        stores="exam stores with labels and splits, instead of raw files; several train together",
        external="exam stores that are tested on and nothing else, each judged by itself; all "
        "their exams, or their test part where they are split",
    )
    add_identity(parser)
    add_engine(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="stop at the plan: labels, hours and disk of each arm and budget; synthetic archives "
        "are made for it, and raw files ingested",
    )
    parser.add_argument(
        "--first",
        action="store_true",
        help="stop at the first answer, by frozen features; the same command without goes on",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        metavar="HOURS",
        help="plan budgets and repeats that this machine trains in so many hours, in place of "
        "CONFIG's for the learners that are compared",
    )
    options = parse(parser, argv)
    output = Output(common(options))
    places = StudyPlaces(
        out=options.out,
        source=options.source,
        stores=tuple(options.stores),
        external=tuple(options.external),
        external_stores=tuple(options.external_stores),
        identity=options.identity,
    )
    require_places(places)

    path = options.config or embedded_default()
    file = read_study_file(path, **_of_stores(places.stores))
    if options.time_limit is not None:
        file = within_hours(file, options.time_limit)

    from examwise.cli.outline_text import outline_text
    from examwise.cli.study_pipeline import run_pipeline
    from examwise.studies.study_outline import StudyOutline

    with naming_the_file(path):
        outcome = run_pipeline(
            file,
            places,
            executor=engine_of(options),
            first=options.first,
            dry_run=options.dry_run,
            progress=output.progress,
        )
    if isinstance(outcome, StudyOutline):
        return output.result({"outline": outcome.to_dict()}, outline_text(outcome))
    values: dict[str, Any] = {
        "answer": asdict(outcome.answer),
        "report": str(outcome.report),
        "set_aside": dict(outcome.set_aside_in_all),
    }
    status = ExitStatus.DONE_WITH_ITEMS_SET_ASIDE if outcome.set_aside else ExitStatus.DONE
    return output.result(values, outcome.text, status=status)


def _of_stores(urls: Sequence[str]) -> dict[str, Any]:
    """Return the task and the matrix of given stores, which a study file may leave out."""
    if not urls:
        return {}

    from examwise.cli.task_defaults import common_task
    from examwise.imaging.joined_stores import JoinedStores

    stores = JoinedStores(urls).stores
    rows = stores[0].exams["rows"].to_list()
    return {"task": common_task(stores), "matrix": max(rows, default=None)}
