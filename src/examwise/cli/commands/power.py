"""``examwise power``: what a planned test set can show of two learners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Say how likely a test set is to show that one learner is no worse than another by
more than a margin, where both are in truth equally good; and how many exams it takes. One exam a
patient: where patients have several, count patients. Whoever fixes the margin after seeing
results can show anything: fix it before."""

_MARGINS = (0.02, 0.03, 0.04, 0.05, 0.075, 0.1)
"""Of the table, beside the one that is asked for."""

_POWERS = (0.8, 0.9)

_TOO_MANY = "> 1e9"
"""In the table, where a billion exams are too few."""

_LARGEST_CORRELATION = 0.999
"""Beyond it any test set shows anything."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Say the power."""
    parser = make_parser("power", _DESCRIPTION)
    parser.add_argument("--positive", type=int, metavar="N", help="exams with the finding")
    parser.add_argument("--negative", type=int, metavar="N", help="exams without it")
    parser.add_argument(
        "--exams", type=int, metavar="N", help="all exams, instead of these; with --prevalence"
    )
    parser.add_argument("--prevalence", type=float, help="share of them with the finding")
    parser.add_argument(
        "--auc", type=float, required=True, help="exam AUC that both are expected to have"
    )
    parser.add_argument(
        "--margin", type=float, required=True, help="AUC that the one may be lower by"
    )
    parser.add_argument(
        "--correlation",
        type=float,
        default=0.5,
        help="of the errors of both AUCs, which the same exams tie together (default: %(default)s; "
        "examwise evaluate finds it in exams that both have predicted)",
    )
    options = parse(parser, argv)
    output = Output(common(options))
    n_positive, n_negative = _counts(options)
    if not 0 < options.auc < 1:
        raise InputError(where="--auc", expected="above 0 and below 1", got=options.auc)
    if not -1 < options.correlation <= _LARGEST_CORRELATION:
        raise InputError(
            where="--correlation",
            expected=f"above -1, and {_LARGEST_CORRELATION} at most",
            got=options.correlation,
        )

    from examwise.core.analysis_protocol import require_margin

    require_margin(options.margin, where="--margin")

    from examwise.metrics.auc_power import needed_exams, non_inferiority_power

    prevalence = n_positive / (n_positive + n_negative)
    shared = {"auc": options.auc, "correlation": options.correlation}

    def needed(margin: float, wanted: float) -> int | None:
        # With so few positive exams among so many, a margin may be out of reach.
        try:
            return needed_exams(margin=margin, prevalence=prevalence, power=wanted, **shared)
        except InputError:
            return None

    def at(margin: float) -> dict[str, Any]:
        power = non_inferiority_power(
            margin=margin, n_positive=n_positive, n_negative=n_negative, **shared
        )
        sizes = {f"needed_for_{100 * wanted:.0f}": needed(margin, wanted) for wanted in _POWERS}
        return {"margin": margin, "power": power, **sizes}

    rows = [at(margin) for margin in sorted({*_MARGINS, options.margin})]
    (asked,) = (row for row in rows if row["margin"] == options.margin)
    values = {**asked, "n_positive": n_positive, "n_negative": n_negative, "margins": rows}
    text = "\n".join([_sentence(values, options.auc, options.correlation), "", *_table(rows)])
    return output.result(values, text)


def _counts(options: Any) -> tuple[int, int]:
    """Return how many exams there are with the finding, and without it."""
    counted = (options.positive, options.negative)
    shared = (options.exams, options.prevalence)
    given = [None not in pair for pair in (counted, shared)]
    half = [None in pair and pair != (None, None) for pair in (counted, shared)]
    if sum(given) != 1 or any(half):
        raise InputError(
            where="the size of the test set",
            expected="either --positive and --negative, or --exams and --prevalence",
            got="both, or a part" if any((*given, *half)) else "neither",
        )
    if given[0]:
        n_positive, n_negative = options.positive, options.negative
    else:
        if not 0 < options.prevalence < 1:
            raise InputError(
                where="--prevalence", expected="above 0 and below 1", got=options.prevalence
            )
        n_positive = round(options.exams * options.prevalence)
        n_negative = options.exams - n_positive
    if min(n_positive, n_negative) < 1:
        raise InputError(
            where="the size of the test set",
            expected="at least one exam with the finding and one without",
            got=f"{n_positive} and {n_negative}",
        )
    return n_positive, n_negative


def _sentence(values: dict[str, Any], auc: float, correlation: float) -> str:
    n_exams = values["n_positive"] + values["n_negative"]
    return (
        f"{n_exams:,} exams, {values['n_positive']:,} of them positive: {values['power']:.0%} "
        f"power to show that an AUC is lower by less than {values['margin']:g}, where both are "
        f"{auc:g} in truth and their errors correlate by {correlation:g} (one-sided, 2.5%). "
        f"For 80% it takes {_size(values['needed_for_80'])} exams, for 90% "
        f"{_size(values['needed_for_90'])}."
    )


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [
        "margin  power  exams for 80%  for 90%",
        *(
            f"{row['margin']:>6g}  {row['power']:>5.0%}  "
            f"{_size(row['needed_for_80'], _TOO_MANY):>13}  "
            f"{_size(row['needed_for_90'], _TOO_MANY):>7}"
            for row in rows
        ),
    ]


def _size(n_exams: int | None, beyond: str = "more than a billion") -> str:
    return beyond if n_exams is None else f"{n_exams:,}"
