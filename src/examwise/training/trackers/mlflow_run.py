"""MLflow: on a tracking server, or in a database file of its own."""

from __future__ import annotations

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.errors import InputError
from examwise.core.extras import require
from examwise.core.storage import Storage
from examwise.core.tracking import TrackedRun, flattened
from examwise.core.writer_lock import BusyError, sole_writer
from examwise.training.trackers.names import key_name
from examwise.training.tracking_config import TrackingConfig

RUN_TAG = "examwise.run_id"
"""Tag by which a run is found again."""

GROUP_TAG, JOB_TYPE_TAG = "examwise.group", "examwise.job_type"
"""Tags by which runs are looked at together."""

_LONGEST_PARAMETER = 6000
_SECONDS_BETWEEN_TRIES = 0.1
_PARAMETERS_AT_ONCE = 100
_METRICS_AT_ONCE = 1000
# Read when the package is imported: counts of use go to its makers.
_NO_TELEMETRY = ("MLFLOW_DISABLE_TELEMETRY", "true")
_LOGGERS = ("mlflow", "alembic")


class MlflowTracker:
    """An MLflow run, found again by its tag.

    MLflow's plain client is used, which, unlike its fluent functions, records no user, source
    file or commit.

    Args:
        config: Experiment (its project) and URI.
        folder: Where the database ``mlflow.db`` and the files ``mlflow-files`` lie, unless the
            configuration has a URI.

    Raises:
        InputError: If the package is missing or the folder is not on a local disk.
    """

    def __init__(self, config: TrackingConfig, *, folder: str) -> None:
        os.environ.setdefault(*_NO_TELEMETRY)
        self._mlflow = require("mlflow")
        self._config = config
        self._folder = Storage(folder).local
        if self._folder is None and not config.mlflow_uri:
            raise InputError(
                where="folder of tracker mlflow",
                expected="a folder on a local disk, or a URI",
                got="another kind of storage",
                remedy="name one by the option folder or mlflow_uri",
            )
        self._client: Any = None
        self._run_id = ""
        self._kept: set[tuple[str, int]] = set()

    def begin(self, run: TrackedRun) -> None:
        """Find the run or make it, and add to its parameters those that it has not."""
        with _quiet(), self._alone():
            self._client = self._connect()
            self._run_id = self._find_or_create(run.run_id)
            known = self._client.get_run(self._run_id).data
        self._kept = {
            (name, one.step)
            for name in known.metrics
            for one in self._client.get_metric_history(self._run_id, name)
        }
        entity = self._mlflow.entities.Param
        parameters = [
            entity(key_name(name), str(value)[:_LONGEST_PARAMETER])
            for name, value in flattened(run.configuration).items()
            if key_name(name) not in known.params
        ]
        for part in _parts(parameters, _PARAMETERS_AT_ONCE):
            self._client.log_batch(self._run_id, params=part)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Log what the run does not have at this step."""
        entity = self._mlflow.entities.Metric
        now_ms = round(time.time() * 1000)
        fresh = [
            entity(key_name(name), float(value), now_ms, step)
            for name, value in metrics.items()
            if (key_name(name), step) not in self._kept
        ]
        for part in _parts(fresh, _METRICS_AT_ONCE):
            self._client.log_batch(self._run_id, metrics=part)
        self._kept |= {(one.key, step) for one in fresh}

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Keep ``tables/NAME.csv`` among the run's artifacts."""
        self._keep(f"tables/{key_name(name)}.csv", frame.write_csv().encode())

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Keep ``pictures/NAME.png`` among the run's artifacts, and its caption beside it."""
        self._keep(f"pictures/{key_name(name)}.png", png)
        if caption:
            self._keep(f"pictures/{key_name(name)}.txt", f"{caption}\n".encode())

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Keep ``NAME/…`` among the run's artifacts."""
        del kind
        for file, data in files.items():
            self._keep(f"{key_name(name)}/{key_name(file)}", data)

    def finish(self, *, failed: bool) -> None:
        """End the run."""
        if self._run_id:
            self._client.set_terminated(self._run_id, "FAILED" if failed else "FINISHED")
            self._run_id = ""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for others who begin in the same database: MLflow makes its tables unguarded."""
        if self._config.mlflow_uri or self._folder is None:
            yield
            return
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(sole_writer(Storage(self._folder / "mlflow-beginning")))
                    break
                except BusyError:
                    time.sleep(_SECONDS_BETWEEN_TRIES)
            yield

    def _connect(self) -> Any:
        uri = self._config.mlflow_uri
        if not uri and self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            uri = f"sqlite:///{self._folder.absolute()}/mlflow.db"
        return self._mlflow.MlflowClient(tracking_uri=uri)

    def _find_or_create(self, run_id: str) -> str:
        project = self._config.project
        found = self._client.get_experiment_by_name(project)
        if found is None:
            place = None
            if not self._config.mlflow_uri and self._folder is not None:
                place = (self._folder.absolute() / "mlflow-files").as_uri()
            experiment_id = self._client.create_experiment(project, artifact_location=place)
        else:
            experiment_id = found.experiment_id
        quoted = run_id.replace("'", "''")
        runs = self._client.search_runs(
            [experiment_id], f"tags.`{RUN_TAG}` = '{quoted}'", max_results=1
        )
        if runs:
            again: str = runs[0].info.run_id
            self._client.set_terminated(again, "RUNNING")
            return again
        tags = {GROUP_TAG: self._config.group, JOB_TYPE_TAG: self._config.job_type}
        created = self._client.create_run(
            experiment_id,
            run_name=run_id,
            tags={RUN_TAG: run_id, **{name: value for name, value in tags.items() if value}},
        )
        return str(created.info.run_id)

    def _keep(self, key: str, data: bytes) -> None:
        folder, _, name = key.rpartition("/")
        with tempfile.TemporaryDirectory(prefix="examwise-") as place:
            path = Path(place, name)
            path.write_bytes(data)
            self._client.log_artifact(self._run_id, str(path), folder or None)


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep off the screen what is said while a database is made."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    try:
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
