"""``examwise report DIR``: a study's page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import add_stores, common, make_parser, parse
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Write report.html, one file that needs no network: the answer, figures, some
exams, and how it was made."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Write the report."""
    parser = make_parser("report", _DESCRIPTION)
    parser.add_argument("directory", type=Path, metavar="DIR", help="a finished study")
    add_stores(
        parser,
        stores="the exam stores, where they are not in DIR",
        external="the exam stores that were tested on only, where they are not in DIR",
    )
    parser.add_argument("--out", type=Path, help="the page (default: DIR/report.html)")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.reporting.report import write_report

    path = write_report(
        options.directory,
        options.out,
        stores=options.stores,
        external=options.external_stores,
        progress=output.progress,
    )
    return output.result({"report": str(path)}, str(path))
