"""``examwise train STORE --learner NAME --out RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig

_DESCRIPTION = """Train one learner on all labels of a store's training patients. Leaves the
weights (safetensors), model.json, thresholds fitted on the validation patients, and metrics.
Interrupted, the same command goes on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Train the learner."""
    parser = make_parser("train", _DESCRIPTION)
    parser.add_argument("store", metavar="STORE", help="exam store with splits")
    parser.add_argument("--config", action="config", help="YAML with the options below")
    parser.add_argument("--learner", required=True, help="strong or weak")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the run")
    parser.add_class_arguments(ModelConfig, "model")
    parser.add_class_arguments(TrainingConfig, "training")
    options = parse(parser, argv)
    made = parser.instantiate(options)
    output = Output(common(options))

    from examwise.data.label_set import all_labels
    from examwise.data.splits import read_splits
    from examwise.imaging.stored_exams import StoredExams
    from examwise.training.learners import LEARNERS
    from examwise.training.train import train_run

    kind = LEARNERS.load(options.learner)().label_kind
    summary = train_run(
        store=options.store,
        label_set=all_labels(
            StoredExams(options.store), read_splits(options.store), made.model.findings, kind=kind
        ),
        learner=options.learner,
        model=made.model,
        training=made.training,
        out=str(options.out),
        progress=output.progress,
    )
    text = (
        f"{options.out}: {options.learner} learner, {summary.steps} steps, "
        f"weights of step {summary.best_step} kept"
    )
    return output.result(asdict(summary), text)
