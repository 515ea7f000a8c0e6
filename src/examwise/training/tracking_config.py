"""Options of following runs in experiment trackers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class LoggerConfig:
    """A Lightning logger.

    Attributes:
        logger: Its class, as ``package.module.Class``.
        options: What it is made with.
    """

    logger: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrackingConfig:
    """Options of following runs in experiment trackers.

    Attributes:
        trackers: Any of csv, wandb, mlflow and tensorboard; several go together.
        project: Project (W&B) or experiment (MLflow) that runs belong to.
        folder: Where trackers write; beside the run if empty.
        wandb_mode: offline writes files that `wandb sync` sends later; online sends to the W&B
            server while the run lasts, and has to be asked for; disabled does nothing.
        wandb_entity: User or team on the W&B server; its own default if empty.
        mlflow_uri: Tracking server, or database URL; a database file in the folder if empty.
        group: What runs belong to that are looked at together; a study names itself if empty.
        job_type: What part of the group a run is; a study's runs name their arm if empty.
        loggers: Lightning loggers by class path, each {logger: …, options: {…}}.
    """

    trackers: tuple[str, ...] = ()
    project: str = "examwise"
    folder: str = ""
    wandb_mode: Literal["offline", "online", "disabled"] = "offline"
    wandb_entity: str = ""
    mlflow_uri: str = ""
    group: str = ""
    job_type: str = ""
    loggers: tuple[LoggerConfig, ...] = ()
