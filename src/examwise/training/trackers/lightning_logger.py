"""Any Lightning logger as a tracker."""

from __future__ import annotations

import io
from collections.abc import Mapping

import polars as pl
from lightning.pytorch.loggers import Logger
from PIL import Image

from examwise.core.class_paths import import_class
from examwise.core.errors import InputError
from examwise.core.tracking import TrackedRun
from examwise.training.trackers.names import key_name
from examwise.training.tracking_config import LoggerConfig


class LightningTracker:
    """Gives a Lightning logger metrics and configuration, tables and pictures where it takes them.

    What else a logger records (a host's name, say) is its own affair.

    Args:
        config: The logger's class, and what to make it with.

    Raises:
        InputError: If there is no such class, it is no logger, or it cannot be made so.
    """

    def __init__(self, config: LoggerConfig) -> None:
        where = f"logger {config.logger}"
        kind = import_class(config.logger, base=Logger, where=where)
        try:
            self._logger: Logger = kind(**config.options)
        except Exception as error:  # whatever a logger's package may raise
            raise InputError(
                where=where,
                expected="arguments that it takes, and the packages that it needs",
                got=f"{type(error).__name__}: {error}",
            ) from error

    def begin(self, run: TrackedRun) -> None:
        """Give the configuration, and the run's name with it."""
        self._logger.log_hyperparams({"run_id": run.run_id, **run.configuration})

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Give the metrics."""
        values = {key_name(name): float(value) for name, value in metrics.items()}
        self._logger.log_metrics(values, step=step)

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Give the table to a logger that has ``log_table``."""
        if take := getattr(self._logger, "log_table", None):
            take(
                key=key_name(name), columns=frame.columns, data=[list(row) for row in frame.rows()]
            )

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Give the picture to a logger that has ``log_image``."""
        if take := getattr(self._logger, "log_image", None):
            with Image.open(io.BytesIO(png)) as image:
                take(key=key_name(name), images=[image.convert("RGB")], caption=[caption])

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Do nothing: loggers take no files."""

    def finish(self, *, failed: bool) -> None:
        """Save and end."""
        self._logger.save()
        self._logger.finalize("failed" if failed else "success")
