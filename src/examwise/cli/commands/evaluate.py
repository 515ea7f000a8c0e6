"""``examwise evaluate PREDICTIONS… [--store STORE…] --out DIR``, or ``--csv FILE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError

_DESCRIPTION = """Turn predictions into evidence: tables (Parquet, CSV, LaTeX), figures (SVG, PNG)
and a checklist. AUCs with intervals, bands of curves, comparisons of runs on the same exams,
operating points, calibration, subgroups, which slices are found. Several archives are evaluated
each for itself and together. No model is needed. A CSV file of predictions made elsewhere has the
columns exam_id, label (1, 0 or empty), probability (0 to 1) or score (any number, taken for a
logit), and if wanted patient_key or patient_id, run, learner, archive, finding."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Evaluate the predictions."""
    parser = make_parser("evaluate", _DESCRIPTION)
    parser.add_argument(
        "predictions", nargs="*", type=Path, metavar="PREDICTIONS", help="predictions directories"
    )
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="predictions made elsewhere, instead"
    )
    parser.add_argument(
        "--csv-slices",
        type=Path,
        metavar="FILE",
        help="their slices: exam_id, slice_index (from 0, lowest first), probability, label, and "
        "run and finding as in FILE",
    )
    parser.add_argument(
        "--csv-threshold",
        type=float,
        help="probability from which on they call an exam positive, chosen beforehand "
        "(default: 0.5)",
    )
    parser.add_argument(
        "--store",
        nargs="+",
        action="extend",
        default=[],
        metavar="STORE",
        dest="stores",
        help="stores that were predicted, to look labels up in anew, and for subgroups and the "
        "flow of exams; default: the labels that were written into the predictions",
    )
    parser.add_argument(
        "--explanations",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="explanations of these runs (examwise explain)",
    )
    parser.add_argument(
        "--compare",
        nargs="+",
        action="extend",
        default=[],
        metavar="RUN",
        help="two runs to hold against each other; may be given again; default: every two of up "
        "to six",
    )
    parser.add_argument(
        "--non-inferior",
        nargs=2,
        metavar=("NEW", "REFERENCE"),
        help="test whether the run NEW is no worse than REFERENCE; with --margin; of several "
        "archives the first by name is tested first, each other one only after it",
    )
    parser.add_argument(
        "--margin",
        type=float,
        help="AUC that NEW may be lower by; it has no default, and only a study can have it on "
        "record before training: this one is said not to be",
    )
    parser.add_argument("--out", type=Path, required=True, help="new folder for the tables")
    parser.add_argument("--replicates", type=int, default=1000, help="bootstrap replicates")
    parser.add_argument(
        "--permutations",
        type=int,
        default=1000,
        help="behind each test of equal curves; 0: no such test",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of both")
    options = parse(parser, argv)
    output = Output(common(options))
    _require_source(options)
    pairs = _pairs(options.compare)

    from examwise.core.storage import Storage
    from examwise.evaluation.evaluate import evaluate_predictions
    from examwise.evaluation.exported_tables import export_tables
    from examwise.reporting.evaluation_files import write_evaluation_files

    evaluate_predictions(
        [str(folder) for folder in options.predictions],
        str(options.out),
        n_replicates=options.replicates,
        seed=options.seed,
        stores=options.stores,
        csv=_csv(options),
        explanations=options.explanations,
        compare=pairs or None,
        non_inferior=_question(options),
        n_permutations=options.permutations,
        progress=output.progress,
    )
    export_tables(Storage(options.out))
    write_evaluation_files(options.out)
    return _result(output, options.out)


def _result(output: Output, out: Path) -> ExitStatus:
    from examwise.cli.evaluated_text import comparison_text, exam_text, non_inferiority_text
    from examwise.cli.terms_text import both_terms_text
    from examwise.core.manifest import read_manifest
    from examwise.core.schemas.evaluation import EXAM_METRICS
    from examwise.core.schemas.evidence import COMPARISONS, NON_INFERIORITY
    from examwise.core.storage import Storage

    said = (
        (EXAM_METRICS, exam_text),
        (COMPARISONS, comparison_text),
        (NON_INFERIORITY, non_inferiority_text),
    )
    values: dict[str, Any] = {}
    lines: list[str] = []
    for schema, text in said:
        rows = schema.read(Storage(out)).to_dicts()
        values[schema.file.removesuffix(".parquet")] = rows
        lines += map(text, rows)
    values["data_terms"] = read_manifest(out, kind="evaluation").configuration["data_terms"]
    lines.append(both_terms_text(values["data_terms"]))
    lines.append(f"{out}: tables, figures and checklist.md")
    return output.result(values, "\n".join(lines))


def _require_source(options: Any) -> None:
    if bool(options.predictions) == (options.csv is not None):
        raise InputError(
            where="what to evaluate",
            expected="predictions directories, or --csv FILE",
            got="both" if options.predictions else "neither",
        )
    only_csv = (("--csv-slices", options.csv_slices), ("--csv-threshold", options.csv_threshold))
    only_directories = (("--store", options.stores), ("--explanations", options.explanations))
    wrong = only_csv if options.csv is None else only_directories
    for name, value in wrong:
        if value not in (None, []):
            raise InputError(
                where=name,
                expected="--csv beside it" if options.csv is None else "predictions directories",
                got="none" if options.csv is None else "predictions made elsewhere (--csv)",
                remedy=f"leave {name} out",
            )


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    if len(names) % 2:
        raise InputError(
            where="--compare",
            expected="two runs each time",
            got=f"{len(names)} in all",
            remedy="write --compare RUN RUN, once for each pair",
        )
    return list(zip(names[::2], names[1::2], strict=True))


def _csv(options: Any) -> Any:
    if options.csv is None:
        return None

    from examwise.evaluation.csv_predictions import CsvPredictions

    return CsvPredictions(options.csv, options.csv_slices, threshold=options.csv_threshold)


def _question(options: Any) -> Any:
    if options.non_inferior is None and options.margin is None:
        return None
    if options.non_inferior is None or options.margin is None:
        raise InputError(
            where="non-inferiority",
            expected="--non-inferior NEW REFERENCE together with --margin",
            got="one without the other",
            remedy="say both: there is no usual margin",
        )

    from examwise.evaluation.runs_together import NonInferiorityQuestion

    new_run, reference_run = options.non_inferior
    return NonInferiorityQuestion(new_run, reference_run, margin=options.margin)
