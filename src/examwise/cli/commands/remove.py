"""``examwise remove STORE``: withdrawn exams go, for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from examwise.cli.output import Output
from examwise.cli.parsing import add_identity, common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Take withdrawn exams out of a store: pixels, labels, boxes, masks, parts, rows of
tables and of the crosswalk. No later import brings them back. Says which runs, encoders,
predictions, evaluations and studies have seen them; trained weights are not changed. Or take back
an addition that was interrupted. Interrupted, the same command goes on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Withdraw the exams."""
    parser = make_parser("remove", _DESCRIPTION)
    parser.add_argument("store", metavar="STORE", help="exam store")
    parser.add_argument(
        "--exam",
        nargs="+",
        action="extend",
        default=[],
        metavar="ID",
        help="exams to withdraw, by their exam_id",
    )
    parser.add_argument(
        "--patient",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY",
        help="patients all of whose exams are withdrawn, by their patient_key",
    )
    parser.add_argument(
        "--runs",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="folders whose runs, encoders, predictions, evaluations and studies are looked at",
    )
    parser.add_argument(
        "--unfinished-addition",
        action="store_true",
        help="instead take back an ingest --append that was interrupted: the store is as before it",
    )
    add_identity(parser)
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.growing_text import remove_text, taken_back_text
    from examwise.core.identity import Identity
    from examwise.ingest.remove import remove_exams
    from examwise.ingest.seen_by import find_sightings

    if options.unfinished_addition:
        from examwise.ingest.unfinished_addition import take_back_addition

        beside = [name for name in ("exam", "patient", "runs") if getattr(options, name)]
        if beside:
            raise InputError(
                where="--unfinished-addition",
                expected="no exams, patients or runs beside it",
                got=" and ".join(f"--{name}" for name in beside),
                remedy="take the addition back first, then withdraw exams",
            )
        taken = take_back_addition(options.store, identity=Identity(options.identity))
        return output.result(asdict(taken), taken_back_text(taken, options.store))

    # A wrong folder is refused before anything is taken out.
    find_sightings(options.runs, exam_ids=(), patient_keys=())
    removal = remove_exams(
        options.store,
        identity=Identity(options.identity),
        exam_ids=options.exam,
        patient_keys=options.patient,
    )
    sightings, n_looked = find_sightings(
        options.runs, exam_ids=removal.exam_ids, patient_keys=removal.patient_keys
    )
    values = {
        **asdict(removal),
        "looked_through": n_looked,
        "seen_by": [asdict(sighting) for sighting in sightings],
    }
    text = remove_text(removal, sightings, n_looked, options.store, looked=bool(options.runs))
    return output.result(values, text)
