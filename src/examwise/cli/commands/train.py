"""``examwise train STORE [STORE …] --learner NAME --out RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.cli.terms_text import terms_text
from examwise.core.errors import ExitStatus
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig

_DESCRIPTION = """Train one learner on all labels of the training patients of a store, or of
several stores of one key. Findings and window are those of the stores' task where none are named.
Leaves the weights (safetensors), model.json, thresholds fitted on the validation patients, and
metrics. Interrupted, the same command goes on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Train the learner."""
    parser = make_parser("train", _DESCRIPTION)
    parser.add_argument("stores", nargs="+", metavar="STORE", help="exam stores with splits")
    parser.add_argument("--config", action="config", help="YAML with the options below")
    parser.add_argument("--learner", required=True, help="strong or weak")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the run")
    parser.add_class_arguments(ModelConfig, "model")
    parser.add_class_arguments(TrainingConfig, "training")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.task_defaults import common_task, model_defaults
    from examwise.data.joined_splits import read_joined_splits
    from examwise.data.label_set import all_labels
    from examwise.imaging.joined_stores import JoinedStores
    from examwise.training.learners import LEARNERS
    from examwise.training.run_plan import require_labels
    from examwise.training.train import train_run

    kind = LEARNERS.load(options.learner)().label_kind
    stored = JoinedStores(options.stores)
    # What the words leave open is the task's to say, and which task it is, the stores' alone.
    parser.set_defaults(model_defaults(common_task(stored.stores), "model"))
    made = parser.instantiate(parse(parser, argv))
    require_labels(stored, made.model.findings, kind)
    summary = train_run(
        stores=options.stores,
        label_set=all_labels(
            stored, read_joined_splits(options.stores), made.model.findings, kind=kind
        ),
        learner=options.learner,
        model=made.model,
        training=made.training,
        out=str(options.out),
        progress=output.progress,
    )
    text = (
        f"{options.out}: {options.learner} learner, {summary.steps} steps, "
        f"weights of step {summary.best_step} kept\n{terms_text(summary.data_terms)}"
    )
    return output.result(asdict(summary), text)
