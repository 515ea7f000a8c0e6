"""``examwise train STORE [STORE …] --learner NAME --out RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.cli.terms_text import terms_text
from examwise.cli.training_options import add_training_options, with_defaults
from examwise.core.errors import ExitStatus

_DESCRIPTION = """Train one learner on all labels of the training patients of a store, or of
several stores of one key. Findings and window are those of the stores' task where none are named.
Leaves the weights (safetensors), model.json, thresholds fitted on the validation patients, and
metrics. Interrupted, the same command goes on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Train the learner."""
    parser = make_parser("train", _DESCRIPTION)
    parser.add_argument("stores", nargs="+", metavar="STORE", help="exam stores with splits")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the run")
    add_training_options(parser)
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.data.joined_splits import read_joined_splits
    from examwise.data.label_set import all_labels
    from examwise.imaging.joined_stores import JoinedStores
    from examwise.training.find_learner import label_kind_of
    from examwise.training.process_rank import process_rank
    from examwise.training.run_plan import require_labels
    from examwise.training.trackers import make_trackers
    from examwise.training.train import train_run

    kind = label_kind_of(options.learner)
    stored = JoinedStores(options.stores)
    made, recipe = with_defaults(parser, argv, options)
    require_labels(stored, made.model.findings, kind)
    summary = train_run(
        stores=options.stores,
        label_set=all_labels(
            stored, read_joined_splits(options.stores), made.model.findings, kind=kind
        ),
        learner=options.learner,
        learner_options=options.learner_options,
        model=made.model,
        training=made.training,
        trainer=made.trainer,
        init=options.init,
        recipe=recipe.record() if recipe else None,
        trackers=make_trackers(
            made.tracking, folder=f"{options.out}-tracking", progress=output.progress
        ),
        features=str(options.features) if options.features else None,
        out=str(options.out),
        progress=output.progress,
    )
    if process_rank() > 0:
        return ExitStatus.DONE
    text = (
        f"{options.out}: {options.learner} learner, {summary.steps} steps, "
        f"weights of step {summary.best_step} kept\n{terms_text(summary.data_terms)}"
    )
    return output.result(asdict(summary), text)
