"""``examwise evaluate PREDICTIONS… [--store STORE…] --out DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Turn predictions directories into tables: exam and slice AUC with intervals by
patient bootstrap, ROC points, sensitivity and specificity at the thresholds fitted on validation.
Several archives are evaluated each for itself and together. No model is needed."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Evaluate the predictions."""
    parser = make_parser("evaluate", _DESCRIPTION)
    parser.add_argument(
        "predictions", nargs="+", type=Path, metavar="PREDICTIONS", help="predictions directories"
    )
    parser.add_argument(
        "--store",
        nargs="+",
        action="extend",
        default=[],
        metavar="STORE",
        dest="stores",
        help="stores that were predicted, to look labels up in anew; default: the labels that "
        "were written into the predictions",
    )
    parser.add_argument("--out", type=Path, required=True, help="new folder for the tables")
    parser.add_argument("--replicates", type=int, default=1000, help="bootstrap replicates")
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.terms_text import both_terms_text
    from examwise.core.manifest import read_manifest
    from examwise.core.schemas.evaluation import EXAM_METRICS
    from examwise.core.storage import Storage
    from examwise.evaluation.evaluate import evaluate_predictions

    evaluate_predictions(
        [str(folder) for folder in options.predictions],
        str(options.out),
        n_replicates=options.replicates,
        seed=options.seed,
        stores=options.stores,
        progress=output.progress,
    )
    rows = EXAM_METRICS.read(Storage(options.out)).to_dicts()
    terms = read_manifest(options.out, kind="evaluation").configuration["data_terms"]
    lines = [*map(_line, rows), both_terms_text(terms)]
    return output.result({"exam_metrics": rows, "data_terms": terms}, "\n".join(lines))


def _line(row: dict[str, object]) -> str:
    if not row["n_exams"]:
        return f"{row['run_id']} ({row['learner']}), {row['archive']}: no exam has a label"
    auc = (
        "AUC undefined: only one class"
        if row["auc"] is None
        else f"AUC {row['auc']:.3f} {_interval(row['auc_lower'], row['auc_upper'])}"
    )
    return (
        f"{row['run_id']} ({row['learner']}), {row['archive']}, {row['finding']}: {auc}, "
        f"{row['n_exams']} exams of {row['n_patients']} patients, {row['n_positive']} positive"
    )


def _interval(lower: object, upper: object) -> str:
    if lower is None or upper is None:
        return "(too few patients for an interval)"
    return f"[{lower:.3f}, {upper:.3f}]"
