"""``examwise pretrain STORE [STORE …] --out ENCODER``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.cli.terms_text import terms_text
from examwise.core.errors import ExitStatus
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig

_DESCRIPTION = """Train an encoder on the slices of a store, or of several stores of one key,
without reading a label: it learns to solve a task that the slices set by themselves. Slices of test
patients are left out. Leaves the encoder (safetensors), encoder.json, whose slices were used, and
metrics; 'examwise train --model.weights ENCODER' begins from it. Interrupted, the same command goes
on where it was."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Pretrain the encoder."""
    parser = make_parser("pretrain", _DESCRIPTION)
    parser.add_argument("stores", nargs="+", metavar="STORE", help="exam stores with splits")
    parser.add_argument("--config", action="config", help="YAML with the options below")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the encoder")
    parser.add_argument(
        "--allow-unsplit",
        action="store_true",
        help="use all exams of stores that have no splits; none of their patients may be tested on",
    )
    parser.add_class_arguments(EncoderConfig, "model")
    parser.add_class_arguments(PretrainingConfig, "pretraining")
    options = parse(parser, argv)
    output = Output(common(options))

    from examwise.cli.task_defaults import common_task
    from examwise.imaging.joined_stores import JoinedStores
    from examwise.training.pretraining.pretrain import pretrain

    task = common_task(JoinedStores(options.stores).stores)
    window = {"center": task.window_center, "width": task.window_width}
    # What the words leave open is the task's to say, and which task it is, the stores' alone.
    parser.set_defaults({f"model.window_{name}_hu": float(hu) for name, hu in window.items()})
    made = parser.instantiate(parse(parser, argv))
    summary = pretrain(
        stores=options.stores,
        encoder=made.model,
        pretraining=made.pretraining,
        out=str(options.out),
        allow_unsplit=options.allow_unsplit,
        progress=output.progress,
    )
    solved = "" if summary.score is None else f", solved to {summary.score:.3f}"
    text = (
        f"{options.out}: {summary.encoder}, {summary.steps} steps of {summary.pretext}{solved}\n"
        f"{summary.n_slices} slices of {summary.n_patients} patients, no label read; "
        f"{summary.n_exams_left_out} exams left out for testing\n{terms_text(summary.data_terms)}"
    )
    if summary.n_unsplit_stores:
        text += (
            f"\nall exams of {summary.n_unsplit_stores} stores without splits were used: a model "
            "that begins from this encoder must not be tested on any of their patients"
        )
    return output.result(asdict(summary), text)
