"""``examwise split STORE``: train, validation and test patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Divide a store's patients, never their exams, into train, validation and test
parts, stratified on positive exams. Leaves splits.parquet in the store."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Split the store."""
    parser = make_parser("split", _DESCRIPTION)
    parser.add_argument("store", metavar="STORE", help="exam store")
    parser.add_argument(
        "--fractions",
        type=tuple[float, float, float],
        default=(0.6, 0.15, 0.25),
        help="of patients: train, validation, test",
    )
    parser.add_argument("--finding", default="any", help="finding to stratify on")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--replace", action="store_true", help="replace other splits")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.summary_text import split_text
    from examwise.data.splits import split_store

    summary = split_store(
        options.store,
        fractions=options.fractions,
        seed=options.seed,
        finding=options.finding,
        replace=options.replace,
    )
    return output.result(asdict(summary), split_text(summary))
