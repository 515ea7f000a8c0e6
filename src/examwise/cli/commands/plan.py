"""``examwise plan``: what to label next, and what to expect of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Plan a round of labelling: how many reader hours to set aside for a test set that
can show what is wanted, which pilot to time, and what to label with the rest. It works before any
label exists, from a study of another archive (public or synthetic; expectations are widened
accordingly), and after each round, from a study of your own (--local) and the label events of its
store. What a label takes is asked for, or measured from timed label events; nothing is assumed."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Write a plan."""
    parser = make_parser("plan", _DESCRIPTION)
    parser.add_argument(
        "--study", required=True, metavar="DIR", help="finished study that knows learning curves"
    )
    parser.add_argument("--local", action="store_true", help="it is a study of this very archive")
    parser.add_argument("--store", metavar="STORE", help="exam store of this archive")
    parser.add_argument("--hours", type=float, metavar="H", help="reader hours that there are")
    parser.add_argument("--money", type=float, help="or money, with --rate")
    parser.add_argument("--rate", type=float, metavar="MONEY", help="what a reader hour costs")
    for kind, what in (
        ("exam", "to open an exam and read all of it"),
        ("slice", "to look at one slice shown alone"),
        ("action", "to enter one answer, where the others do not hold it"),
    ):
        parser.add_argument(f"--seconds-per-{kind}", type=float, metavar="S", help=what)
    parser.add_argument("--prevalence", type=float, help="expected share of positive exams")
    parser.add_argument("--goal", type=float, metavar="AUC", help="exam AUC to reach")
    parser.add_argument(
        "--margin",
        type=float,
        required=True,
        help="AUC by which one learner may be lower and still count as no worse, in the test set",
    )
    parser.add_argument("--power", type=float, default=0.8, help="of the test set (%(default)s)")
    parser.add_argument(
        "--correlation", type=float, default=0.5, help="of both AUCs' errors (%(default)s)"
    )
    parser.add_argument(
        "--readers", type=int, default=2, help="who read each test exam (%(default)s)"
    )
    parser.add_argument(
        "--double-reading",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="of training labels, read twice (%(default)s)",
    )
    parser.add_argument("--archive-exams", type=int, metavar="N", help="exams there are to label")
    parser.add_argument("--report-sensitivity", type=float, help="of labels taken from reports")
    parser.add_argument("--report-specificity", type=float, help="of labels taken from reports")
    parser.add_argument(
        "--report-seconds", type=float, default=0.0, help="for one of them (%(default)s)"
    )
    parser.add_argument(
        "--public", metavar="EVALUATION", help="evaluation of a public model on exams of yours"
    )
    parser.add_argument("--out", type=Path, help="new file for the plan (JSON)")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.planned_text import planned_text
    from examwise.planning.label_prices import find_prices
    from examwise.planning.plan import make_plan
    from examwise.planning.studied_ways import read_study_ways

    studied = read_study_ways(options.study)
    local = _local(options.store, studied.finding)
    prices = find_prices(
        {kind: getattr(options, f"seconds_per_{kind}") for kind in ("exam", "slice", "action")},
        local.events,
        finding=studied.finding,
    )
    plan = make_plan(studied, prices, _question(options, local))
    values = plan.to_dict()
    if options.out is not None:
        _write(options.out, values)
    return output.result(values, planned_text(plan, prices))


def _write(path: Path, values: dict[str, Any]) -> None:
    from examwise.core.digests import readable_json
    from examwise.core.storage import Storage

    if path.exists():
        raise InputError(where=path, expected="a new file", got="one that is there")
    Storage(path.resolve().parent).write(path.name, readable_json(values))


def _local(store: str | None, finding: str) -> Any:
    from examwise.planning.local_labels import LocalLabels, read_local_labels

    return LocalLabels() if store is None else read_local_labels(store, finding=finding)


def _question(options: Any, local: Any) -> Any:
    from examwise.core.analysis_protocol import require_margin
    from examwise.planning.question import Question

    require_margin(options.margin, where="--margin")
    prevalence = local.prevalence if options.prevalence is None else options.prevalence
    if prevalence is None:
        raise InputError(
            where="--prevalence",
            expected="the share of positive exams that is expected",
            got="none, and no labelled exams that tell",
            remedy="give it, or a --store with labels of both kinds",
        )
    return Question(
        hours=_hours(options),
        prevalence=prevalence,
        margin=options.margin,
        goal=options.goal,
        archive_exams=options.archive_exams or local.n_exams,
        exams_labelled=local.n_labelled,
        test_labelled=local.n_test_labelled,
        power=options.power,
        correlation=options.correlation,
        readers=options.readers,
        double_reading=options.double_reading,
        is_local=options.local,
        reports=_reports(options),
        public=_public(options.public),
    )


def _hours(options: Any) -> float:
    if (options.hours is None) == (options.money is None):
        raise InputError(
            where="--hours and --money",
            expected="one of them",
            got="both" if options.hours is not None else "neither",
        )
    if options.hours is not None:
        return float(options.hours)
    if options.rate is None or not options.rate > 0:
        raise InputError(
            where="--rate", expected="what a reader hour costs, above 0", got=options.rate or "none"
        )
    return float(options.money / options.rate)


def _reports(options: Any) -> Any:
    from examwise.planning.question import Reports

    given = options.report_sensitivity, options.report_specificity
    if given == (None, None):
        return None
    if None in given:
        raise InputError(
            where="--report-sensitivity and --report-specificity",
            expected="both, or neither",
            got="one",
        )
    return Reports(*given, seconds=options.report_seconds)


def _public(url: str | None) -> Any:
    if url is None:
        return None
    from examwise.planning.public_model import read_public_model

    return read_public_model(url)
