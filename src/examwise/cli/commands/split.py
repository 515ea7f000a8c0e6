"""``examwise split STORE``: train, validation and test patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Divide a store's patients, never their exams, into train, validation and test
parts, in proportion within every stratum of labels and numbers of exams; or take a split that was
published. Leaves splits.parquet in the store. A store that has grown since gets parts for its new
exams; the others keep theirs."""
_FRACTIONS = (0.6, 0.15, 0.25)


def run(argv: Sequence[str]) -> ExitStatus:
    """Split the store."""
    parser = make_parser("split", _DESCRIPTION)
    parser.add_argument("store", metavar="STORE", help="exam store")
    parser.add_argument(
        "--fractions",
        type=tuple[float, float, float] | None,
        default=None,
        help="of patients: train, validation, test (default: [0.6, 0.15, 0.25], or those of the "
        "split that is there)",
    )
    parser.add_argument(
        "--finding",
        type=str | list[str] | None,
        default=None,
        help="finding to stratify on; or several, the most important one first: "
        "'[any, subdural]' (default: any)",
    )
    parser.add_argument(
        "--seed", type=int | None, default=None, help="seed of the draw (default: 0)"
    )
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
    from examwise.data.splits import give_split, has_splits, split_store

    if options.given is not None:
        drawn = [name for name in ("seed", "fractions") if getattr(options, name) is not None]
        if drawn:
            raise InputError(
                where="--given",
                expected="no option of a draw beside it",
                got=" and ".join(f"--{name}" for name in drawn),
                remedy="leave one of the two out",
            )
        first = (
            options.finding if isinstance(options.finding, str) else (options.finding or [None])[0]
        )
        summary = give_split(options.store, options.given, finding=first, replace=options.replace)
    else:
        anew = options.replace or not has_splits(options.store)
        summary = split_store(
            options.store,
            fractions=options.fractions or (_FRACTIONS if anew else None),
            seed=options.seed,
            finding=options.finding,
            replace=options.replace,
        )
    return output.result(asdict(summary), split_text(summary))
