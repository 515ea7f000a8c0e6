"""``examwise tune STORE [STORE …] --learner NAME --space SPACE.yaml --out DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse, worker_count
from examwise.cli.training_options import add_training_options, with_defaults
from examwise.core.errors import ExitStatus
from examwise.studies.tuning.config import Objective, TuningConfig

_DESCRIPTION = """Search options for those that do best on the validation labels, by Ray Tune and
Optuna: every trial is a run as by train, with its own values of the options that the space file
names. Leaves the runs, a table of trials, and best.yaml, which train --config takes. Test exams
are never looked at. Interrupted, the same command goes on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Tune."""
    parser = make_parser("tune", _DESCRIPTION)
    parser.add_argument("stores", nargs="+", metavar="STORE", help="exam stores with splits")
    parser.add_argument(
        "--space",
        type=Path,
        required=True,
        help="YAML file: option to {choice: […]}, {uniform: [low, high]}, {log_uniform: [low, "
        "high]} or {int: [low, high]}",
    )
    parser.add_argument("--out", type=Path, required=True, help="new folder for runs and tables")
    parser.add_argument("--trials", type=int, default=20, help="runs in all")
    parser.add_argument("--seed", type=int, default=0, help="seed of what is tried")
    parser.add_argument(
        "--objective",
        type=Objective,
        default="loss",
        help="what is best on the validation labels: the lowest loss, or the highest auc of exams",
    )
    parser.add_argument(
        "--stop-early",
        action="store_true",
        help="end runs whose loss is above the median of others' at the same step",
    )
    parser.add_argument(
        "--wandb-sweep",
        type=Path,
        metavar="FILE",
        help="write a W&B sweep of the same space into a YAML file, and train nothing",
    )
    add_training_options(parser)
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="trials at a time; with one, the same seed gives the same trials",
    )
    options = parse(parser, argv)
    output = Output(common(options))
    config = TuningConfig(
        trials=options.trials,
        seed=options.seed,
        objective=options.objective,
        stop_early=options.stop_early,
    )

    from examwise.cli.tuning_text import sweep_text, tuning_text
    from examwise.studies.tuning.space import read_space
    from examwise.studies.tuning.sweep import write_sweep
    from examwise.studies.tuning.trial_training import TrialTraining
    from examwise.studies.tuning.tune import tune

    space = read_space(options.space)
    made, recipe = with_defaults(parser, argv, options)
    training = TrialTraining(
        learner=options.learner,
        learner_options=options.learner_options,
        model=made.model,
        training=made.training,
        trainer=made.trainer,
        tracking=made.tracking,
        init=options.init,
        recipe_name=options.recipe or "",
        recipe=recipe.record() if recipe else {},
        features=str(options.features) if options.features else None,
    )
    if options.wandb_sweep is not None:
        written = write_sweep(
            options.wandb_sweep,
            stores=options.stores,
            space=space,
            config=config,
            training=training,
            out=str(options.out),
        )
        return output.result({"written": [str(path) for path in written]}, sweep_text(*written))
    summary = tune(
        stores=options.stores,
        space=space,
        config=config,
        training=training,
        out=str(options.out),
        n_workers=worker_count(options.workers),
        progress=output.progress,
    )
    return output.result(asdict(summary), tuning_text(summary, str(options.out), config))
