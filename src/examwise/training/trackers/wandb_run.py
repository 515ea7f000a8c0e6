"""Weights & Biases: online, or into files to send later; nothing that names man or machine."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image

from examwise.core.errors import InputError
from examwise.core.extras import require
from examwise.core.storage import Storage
from examwise.core.tracking import CURVES, TrackedRun
from examwise.training.trackers.names import folder_name, key_name
from examwise.training.tracking_config import TrackingConfig

LARGEST_TABLE = 10_000
"""Rows of a table that W&B shows; a longer one goes whole into an artifact, as Parquet."""

_STAGING = "WANDB_DATA_DIR"
# Read when the package is imported: reports of its faults go to its makers, with paths in them.
_NO_FAULT_REPORTS = ("WANDB_ERROR_REPORTING", "false")
_PATIENCE: dict[str, Any] = {
    # A server that cannot be reached may hold a run up for so many seconds, then is a fault.
    "init_timeout": 30,
    "finish_timeout": 600,
    "finish_timeout_raises": True,
}
_NOTHING_ABOUT_THE_MACHINE: dict[str, Any] = {
    "host": "",
    "username": "",
    "email": "",
    "program": "",
    "program_relpath": "",
    "program_abspath": "",
    "disable_git": True,
    "disable_code": True,
    "save_code": False,
    "disable_job_creation": True,
    "console": "off",
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
    "silent": True,
    "reinit": "create_new",
}


class WandbTracker:
    """A W&B run, under the run's own name: the same run goes on where it was.

    Curves are drawn by W&B, so that it can lay those of several runs over each other. A metric
    of a step that W&B has passed, or that belongs to none, stands in the run's summary.

    Args:
        config: Project, entity and mode.
        folder: A local folder; an offline run is whole in it, and can be sent from any machine
            by ``wandb sync``, called in it.

    Raises:
        InputError: If the package is missing or the folder is not on a local disk.
    """

    def __init__(self, config: TrackingConfig, *, folder: str) -> None:
        os.environ.setdefault(*_NO_FAULT_REPORTS)
        self._wandb = require("wandb")
        local = Storage(folder).local
        if local is None:
            raise InputError(
                where="folder of tracker wandb",
                expected="a folder on a local disk",
                got="another kind of storage",
                remedy="name one by the option folder",
            )
        self._config = config
        self._folder = local.resolve()
        self._is_online = config.wandb_mode == "online"
        self._staging = self._folder / "wandb"
        self._run: Any = None
        self._next_step = 0

    def begin(self, run: TrackedRun) -> None:
        """Begin the W&B run, or go on with it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._is_online:
            # Where these files lie is sent with them.
            short = "/tmp" if Path("/tmp").is_dir() else None
            self._staging = Path(tempfile.mkdtemp(prefix="examwise-", dir=short))
        name = folder_name(run.run_id)
        # In a sweep the server has given the run a name already, and waits for it.
        is_swept = "WANDB_SWEEP_ID" in os.environ
        settings = self._wandb.Settings(
            **_NOTHING_ABOUT_THE_MACHINE,
            **_PATIENCE,
            mode=self._config.wandb_mode,
            root_dir=str(self._folder),
            project=self._config.project,
            entity=self._config.wandb_entity or None,
            run_id=os.environ.get("WANDB_RUN_ID", name) if is_swept else name,
            run_name=name,
            run_group=self._config.group or None,
            run_job_type=self._config.job_type or None,
            resume="allow",
        )
        self._run = self._wandb.init(settings=settings)
        self._next_step = max(self._run.step, self._read_next_step())
        self._run.config.update(dict(run.configuration), allow_val_change=True)
        if not self._is_online:
            self._run.log_artifact = self._relative(self._run.log_artifact)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Log at the step, or into the summary where W&B is past it."""
        values = {key_name(name): value for name, value in metrics.items()}
        if step < self._next_step or step == 0:
            self._run.summary.update(values)
            return
        self._run.log(values, step=step, commit=True)
        self._next_step = step + 1
        self._step_file.write_text(f"{self._next_step}\n")

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Log a table, and a curve as a curve."""
        key = key_name(name)
        shown = frame.head(LARGEST_TABLE)
        table = self._wandb.Table(columns=shown.columns, data=[list(row) for row in shown.rows()])
        columns = CURVES.get(key.rpartition("/")[2])
        logged = table
        if columns is not None:
            across, up = columns
            logged = self._wandb.plot.line(table, across, up, stroke="finding", title=key)
        with self._staged():
            self._log_at_end({key: logged})
        if shown.height < frame.height:
            buffer = io.BytesIO()
            frame.write_parquet(buffer)
            self.log_files(f"table-{name}", {"table.parquet": buffer.getvalue()}, kind="table")

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Log a picture."""
        with Image.open(io.BytesIO(png)) as image, self._staged():
            shown = self._wandb.Image(image.convert("RGB"), caption=caption or None)
            self._log_at_end({key_name(name): shown})

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Log an artifact."""
        key = key_name(name).replace("/", "-")
        artifact = self._wandb.Artifact(f"{self._run.id}-{key}"[:128], type=kind)
        with self._staged(), tempfile.TemporaryDirectory(prefix="examwise-") as folder:
            for file, data in files.items():
                path = Path(folder, key_name(file))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                artifact.add_file(str(path), name=key_name(file), skip_cache=True)
            self._run.log_artifact(artifact)

    def finish(self, *, failed: bool) -> None:
        """End the W&B run; online, when everything is sent."""
        run, self._run = self._run, None
        try:
            if run is not None:
                run.finish(exit_code=int(failed))
        finally:
            if run is not None:
                self._remove_logs(run)
            if self._is_online:
                shutil.rmtree(self._staging, ignore_errors=True)

    def _remove_logs(self, run: Any) -> None:
        """Remove W&B's own logs, which name folders, and its links to them."""
        shutil.rmtree(run.settings.log_dir, ignore_errors=True)
        for link in (*self._folder.glob("wandb/debug*.log"), self._folder / "wandb/latest-run"):
            if link.is_symlink():
                with suppress(OSError):
                    link.unlink()

    @property
    def _step_file(self) -> Path:
        # An offline run cannot ask how far it was when it was interrupted.
        return self._folder / "wandb" / f"{self._run.id}.step"

    def _read_next_step(self) -> int:
        return int(self._step_file.read_text()) if self._step_file.is_file() else 0

    def _log_at_end(self, values: Mapping[str, Any]) -> None:
        """Log what belongs to no step, all of it in one row after the last."""
        self._run.log(dict(values), step=max(self._run.step, self._next_step), commit=False)

    @contextmanager
    def _staged(self) -> Iterator[None]:
        """Have W&B put an artifact's files into this run's place, not into the user's home."""
        before = os.environ.get(_STAGING)
        os.environ[_STAGING] = str(self._staging)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_STAGING]
            else:
                os.environ[_STAGING] = before

    def _relative(self, log_artifact: Callable[..., Any]) -> Callable[..., Any]:
        """Make files' places relative to the folder, which can be moved, and names no other."""

        def log(artifact: Any, *arguments: Any, **options: Any) -> Any:
            for entry in artifact.manifest.entries.values():
                if entry.local_path:
                    path = Path(entry.local_path)
                    entry.local_path = path.relative_to(self._folder).as_posix()
            return log_artifact(artifact, *arguments, **options)

        return log
