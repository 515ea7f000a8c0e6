"""``examwise crossval STORE [STORE …] --learner NAME --folds K --out DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import add_engine, common, engine_of, make_parser, parse
from examwise.cli.training_options import add_training_options, with_defaults
from examwise.core.errors import ExitStatus
from examwise.studies.cross_validation_config import CrossValidationConfig

_DESCRIPTION = """Cross-validate a learner by patient: deal all but the test patients into folds,
and for each fold train on the others and predict it. Leaves the runs, a predictions directory a
repeat in which every exam is predicted by a run that has not learned from its patient, and the AUC
of every fold. All runs together predict as an ensemble: examwise predict DIR SOURCE. Interrupted,
the same command goes on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Cross-validate the learner."""
    parser = make_parser("crossval", _DESCRIPTION)
    parser.add_argument("stores", nargs="+", metavar="STORE", help="exam stores with splits")
    parser.add_argument("--out", type=Path, required=True, help="new folder for runs and tables")
    parser.add_argument("--folds", type=int, default=5, help="parts, each held out once")
    parser.add_argument(
        "--repeats", type=int, default=1, help="how often patients are dealt into folds anew"
    )
    parser.add_argument(
        "--validation-fraction",
        type=float,
        default=0.2,
        help="share of the other folds' patients that chooses weights and thresholds",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the folds")
    add_training_options(parser)
    add_engine(parser)
    options = parse(parser, argv)
    output = Output(common(options))
    folds = CrossValidationConfig(
        folds=options.folds,
        repeats=options.repeats,
        validation_fraction=options.validation_fraction,
        seed=options.seed,
    )
    executor = engine_of(options)

    from examwise.cli.cross_validation_text import cross_validation_text
    from examwise.studies.cross_validation import cross_validate
    from examwise.studies.fold_training import FoldTraining

    made, recipe = with_defaults(parser, argv, options)
    summary = cross_validate(
        stores=options.stores,
        config=folds,
        training=FoldTraining(
            learner=options.learner,
            learner_options=options.learner_options,
            model=made.model,
            training=made.training,
            trainer=made.trainer,
            tracking=made.tracking,
            init=options.init,
            recipe=recipe.record() if recipe else {},
            features=str(options.features) if options.features else None,
        ),
        out=str(options.out),
        executor=executor,
        progress=output.progress,
    )
    return output.result(asdict(summary), cross_validation_text(summary, str(options.out)))
