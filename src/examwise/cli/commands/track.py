"""``examwise track DIR --trackers NAME…``: a finished directory to experiment trackers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from examwise.cli.output import Output
from examwise.cli.parsing import common, make_parser, parse
from examwise.core.errors import ExitStatus, InputError, shorten
from examwise.training.tracking_config import TrackingConfig

_DESCRIPTION = """Send what a finished directory has to experiment trackers: a run's metrics and
model; the curves, figures and exams of predictions; an evaluation's tables; and the pictures of
any directory that offers some. Pseudonyms only, and nothing leaves the machine unless
--wandb_mode online or a server's --mlflow_uri says so."""


def run(argv: Sequence[str]) -> ExitStatus:
    """Send the directory."""
    parser = make_parser("track", _DESCRIPTION)
    parser.add_argument("directory", type=Path, metavar="DIR", help="a finished directory")
    parser.add_argument(
        "--trackers", nargs="+", default=[], help="csv, wandb, mlflow, tensorboard; any of them"
    )
    parser.add_argument(
        "--name",
        help="group that figures and tables of predictions and evaluations are put into, where "
        "a run has several; default: the part of the store that was predicted",
    )
    parser.add_class_arguments(TrackingConfig, skip={"trackers"})
    options = parse(parser, argv)
    output = Output(common(options))
    made = parser.instantiate(options)
    fields = {name: made[name] for name in TrackingConfig.__dataclass_fields__ if name in made}
    config = replace(TrackingConfig(**fields), trackers=tuple(options.trackers))
    if not config.trackers and not config.loggers:
        raise InputError(
            where="examwise track",
            expected="--trackers or --loggers",
            got="neither",
            remedy="name one, --trackers csv for instance",
        )

    from examwise.training.trackers import make_trackers
    from examwise.training.trackers.follow import follow_directory

    directory = str(options.directory)
    folder = config.folder or f"{directory.rstrip('/')}-tracking"
    trackers = make_trackers(config, folder=folder)
    run_ids = follow_directory(trackers, directory, name=options.name)
    for name, fault in trackers.faults.items():
        raise InputError(
            where=f"tracker {name}",
            expected="it to take what it was sent",
            got=f"{type(fault).__name__}: {shorten(fault)}",
            remedy="run the same command again when that is mended",
        )
    names = [tracker.name for tracker in trackers]
    text = f"{directory}: sent to {', '.join(names) or 'no tracker'} as {', '.join(run_ids)}"
    return output.result({"run_ids": run_ids, "trackers": names, "folder": folder}, text)
