"""``examwise study [CONFIG] --out DIR``: from raw files to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from examwise.cli.output import Output
from examwise.cli.parsing import add_identity, add_workers, common, make_parser, parse
from examwise.cli.study_file import embedded_default, read_study_file
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Run a label-budget study: how well does a learner detect, by the number and the
price of its labels? Without CONFIG the embedded default runs, on a synthetic archive that it
writes first. Ends with a table, a sentence and the path of report.html. Interrupted, the same
command goes on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Run the study."""
    parser = make_parser("study", _DESCRIPTION)
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="study file (YAML)")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the study")
    parser.add_argument("--source", type=Path, help="folder of raw files, in source.layout")
    parser.add_argument(
        "--store",
        nargs="+",
        action="extend",
        default=[],
        dest="stores",
        metavar="STORE",
        help="exam stores with labels and splits, instead of raw files; several train together",
    )
    add_identity(parser)
    add_workers(parser)
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.study_pipeline import StudyPlaces, run_pipeline
    from examwise.cli.task_defaults import common_task
    from examwise.imaging.joined_stores import JoinedStores

    task = common_task(JoinedStores(options.stores).stores) if options.stores else None
    file = read_study_file(options.config or embedded_default(), task=task)

    outcome = run_pipeline(
        file,
        StudyPlaces(
            out=options.out,
            source=options.source,
            stores=tuple(options.stores),
            identity=options.identity,
        ),
        workers=options.workers,
        progress=output.progress,
    )
    values: dict[str, Any] = {
        "answer": asdict(outcome.answer),
        "report": str(outcome.report),
        "set_aside": dict(outcome.set_aside),
    }
    status = ExitStatus.DONE_WITH_ITEMS_SET_ASIDE if outcome.set_aside else ExitStatus.DONE
    return output.result(values, outcome.text, status=status)
