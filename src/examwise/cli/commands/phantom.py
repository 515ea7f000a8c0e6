"""``examwise phantom OUT``: a synthetic archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import add_workers, common, make_parser, parse, worker_count
from examwise.core.errors import ExitStatus
from examwise.phantom.config import PhantomConfig

_DESCRIPTION = """Write a synthetic head-CT archive with known truth, as DICOM and label files in
the layout of a real archive. It is for trying the tool and for tests; nothing learned from it
says anything about patients."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Write the archive."""
    parser = make_parser("phantom", _DESCRIPTION)
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder for the archive")
    parser.add_argument("--layout", default="rsna", help="layout of the files (default: rsna)")
    parser.add_class_arguments(PhantomConfig, "phantom")
    add_workers(parser)
    options = parse(parser, argv)
    config = parser.instantiate(options).phantom
    output = Output(common(options))

    from examwise.core.executors import make_executor
    from examwise.phantom.archive import make_phantom_archive

    summary = make_phantom_archive(
        options.out,
        config,
        layout=options.layout,
        executor=make_executor(worker_count(options.workers)),
        progress=output.progress,
    )
    text = (
        f"{options.out}: {summary.n_exams} exams of {summary.n_patients} patients, "
        f"{summary.n_slices} slices; positive: {summary.n_positive_exams} exams, "
        f"{summary.n_positive_slices} slices"
    )
    return output.result(asdict(summary), text)
