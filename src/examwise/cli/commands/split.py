"""``examwise split STORE``: train, validation and test patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Divide a store's patients, never their exams, into train, validation and test
parts, in proportion within every stratum of labels and numbers of exams; or take a split that was
published. Leaves splits.parquet in the store."""


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
    parser.add_argument(
        "--finding",
        type=str | list[str],
        default="any",
        help="finding to stratify on; or several, the most important one first: '[any, subdural]'",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument(
        "--given",
        type=Path,
        metavar="CSV",
        help="take this split instead: columns exam_id and split, or patient_key and split, where "
        "split is train, validation or test",
    )
    parser.add_argument("--replace", action="store_true", help="replace other splits")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.summary_text import split_text
    from examwise.data.splits import give_split, split_store

    if options.given is not None:
        first = (
            options.finding if isinstance(options.finding, str) else (options.finding or ["any"])[0]
        )
        summary = give_split(options.store, options.given, finding=first, replace=options.replace)
    else:
        summary = split_store(
            options.store,
            fractions=options.fractions,
            seed=options.seed,
            finding=options.finding,
            replace=options.replace,
        )
    return output.result(asdict(summary), split_text(summary))
