"""Experiment trackers by name."""

from __future__ import annotations

from examwise.core.errors import InputError
from examwise.core.progress import Progress, SilentProgress
from examwise.core.registry import Registry
from examwise.core.tracking import Tracker
from examwise.training.trackers.isolation import IsolatedTracker, Trackers
from examwise.training.tracking_config import TrackingConfig

TRACKERS = Registry(
    "tracker",
    {
        "csv": "examwise.training.trackers.csv_files:CsvTracker",
        "wandb": "examwise.training.trackers.wandb_run:WandbTracker",
        "mlflow": "examwise.training.trackers.mlflow_run:MlflowTracker",
        "tensorboard": "examwise.training.trackers.tensorboard_events:TensorboardTracker",
    },
)
"""Each entry is called with a ``TrackingConfig`` and ``folder``, and returns a ``Tracker``."""


def make_trackers(
    config: TrackingConfig, *, folder: str, progress: Progress | None = None
) -> Trackers:
    """Return the trackers that were asked for, as one; nothing is written or sent yet.

    Args:
        config: Which, and where to.
        folder: Local folder in which they write, unless ``config`` names one.
        progress: Where to say that a tracker failed.

    Raises:
        InputError: If a tracker is unknown, named twice, its package is missing, or a Lightning
            logger cannot be made.

    Example:
        >>> len(make_trackers(TrackingConfig(), folder="unused"))
        0
    """
    if len(set(config.trackers)) < len(config.trackers):
        raise InputError(where="trackers", expected="each once", got=", ".join(config.trackers))
    place = config.folder or folder
    say = (progress or SilentProgress()).say
    members: list[tuple[str, Tracker]] = [
        (name, TRACKERS.load(name)(config, folder=place))
        for name in config.trackers
        if not (name == "wandb" and config.wandb_mode == "disabled")
    ]
    if config.loggers:
        from examwise.training.trackers.lightning_logger import LightningTracker

        members += [(one.logger, LightningTracker(one)) for one in config.loggers]
    return Trackers(
        [IsolatedTracker(name, one, say=say, group=config.group) for name, one in members]
    )
