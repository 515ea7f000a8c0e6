"""``examwise phantom OUT``: a synthetic archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from jsonargparse import Namespace

from examwise.cli.output import Output
from examwise.cli.parsing import (
    add_cluster,
    add_workers,
    chosen_executor,
    common,
    make_parser,
    parse,
)
from examwise.core.errors import ExitStatus, InputError
from examwise.phantom.config import PhantomConfig
from examwise.phantom.hospitals import HOSPITALS
from examwise.phantom.layouts import LAYOUTS, USUAL_HOSPITALS

_DESCRIPTION = """Write a synthetic head-CT archive with known truth, as DICOM or NIfTI and label
files in the layout of a real archive. It is for trying the tool and for tests; nothing learned from
it says anything about patients. Interrupted, the same command goes on where it was."""

_SHORT = {"exams": "n_exams", "seed": "seed", "hospital": "hospital", "matrix": "matrix"}
"""Short option to the field of :class:`PhantomConfig` that it stands for."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Write the archive."""
    parser = make_parser("phantom", _DESCRIPTION)
    parser.add_argument("out", metavar="OUT", help="new folder for the archive, or an fsspec URL")
    parser.add_argument(
        "--layout", default="rsna", help=f"layout of the files: {', '.join(LAYOUTS)}"
    )
    parser.add_argument("--exams", type=int, help="number of exams; same as --phantom.n_exams")
    parser.add_argument("--seed", type=int, help="same as --phantom.seed")
    parser.add_argument(
        "--hospital",
        help=f"where it comes from: {', '.join(HOSPITALS)}; default: the one like the layout's "
        "archive: " + ", ".join(f"{key} {name}" for key, name in USUAL_HOSPITALS.items()),
    )
    parser.add_argument("--matrix", type=int, help="same as --phantom.matrix")
    parser.add_class_arguments(PhantomConfig, "phantom")
    # Which hospital is usual depends on the layout, and is filled in below.
    parser.set_defaults({"phantom.hospital": None})
    add_workers(parser)
    add_cluster(parser)
    options = parse(parser, argv)
    output = Output(common(options))
    _fill_in(options)
    config = parser.instantiate(options).phantom

    from examwise.phantom.archive import make_phantom_archive

    summary = make_phantom_archive(
        options.out,
        config,
        layout=options.layout,
        executor=chosen_executor(options),
        progress=output.progress,
    )
    text = (
        f"{options.out}: {summary.n_exams:,} exams of {summary.n_patients:,} patients, "
        f"{summary.n_slices:,} slices; positive: {summary.n_positive_exams:,} exams, "
        f"{summary.n_positive_slices:,} slices; hospital {summary.hospital}, layout "
        f"{summary.layout}"
    )
    return output.result(asdict(summary), text)


def _fill_in(options: Namespace) -> None:
    """Put what the short options say, and the layout's usual hospital, where nothing else was said.

    Raises:
        InputError: If a short and a long option contradict each other, or the layout is unknown.
    """
    LAYOUTS[options.layout]  # an unknown one is refused here
    for option, field in _SHORT.items():
        value, given = options[option], options.phantom[field]
        if value is None:
            continue
        unsaid = None if field == "hospital" else getattr(PhantomConfig, field)
        if given not in (value, unsaid):
            raise InputError(
                where=f"--{option} and --phantom.{field}",
                expected="one of them, or both alike",
                got=f"{value} and {given}",
            )
        options.phantom[field] = value
    if options.phantom.hospital is None:
        options.phantom.hospital = USUAL_HOSPITALS[options.layout]
