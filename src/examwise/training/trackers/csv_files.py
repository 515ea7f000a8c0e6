"""Plain files: a CSV table of metrics, and everything else beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import polars as pl

from examwise.core.digests import readable_json
from examwise.core.errors import InputError
from examwise.core.storage import Storage
from examwise.core.tracking import TrackedRun
from examwise.training.trackers.names import folder_name, key_name
from examwise.training.tracking_config import TrackingConfig

METRICS_FILE = "metrics.csv"

_STEP = "step"


class CsvTracker:
    """Writes ``csv/RUN/metrics.csv``, and tables, pictures and files into folders of that name.

    A run that is gone on with keeps its rows; a step has one row.

    Args:
        config: Of no influence.
        folder: Where to write; a folder or a URL.
    """

    def __init__(self, config: TrackingConfig, *, folder: str) -> None:
        del config
        self._folder = folder
        self._storage: Storage | None = None
        self._rows: dict[int, dict[str, str]] = {}

    def begin(self, run: TrackedRun) -> None:
        """Read what is there of the run, and write its configuration."""
        self._storage = Storage(f"{self._folder}/csv/{folder_name(run.run_id)}")
        self._rows = {}
        if self._storage.exists(METRICS_FILE):
            self._rows = _read_rows(self._storage)
        self._storage.write(f"{run.kind}.json", readable_json(run.configuration))

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Write the table again, with the step's values."""
        values = {key_name(name): repr(float(value)) for name, value in metrics.items()}
        values.pop(_STEP, None)  # the column has it
        self._rows.setdefault(step, {}).update(values)
        columns = dict.fromkeys(name for row in self._rows.values() for name in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, [_STEP, *columns], lineterminator="\n")
        writer.writeheader()
        for number in sorted(self._rows):
            writer.writerow({_STEP: number, **self._rows[number]})
        self._open.write(METRICS_FILE, text.getvalue().encode())

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Write ``tables/NAME.csv``."""
        self._open.write(f"tables/{key_name(name)}.csv", frame.write_csv().encode())

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Write ``pictures/NAME.png``, and its caption beside it."""
        key = f"pictures/{key_name(name)}"
        self._open.write(f"{key}.png", png)
        if caption:
            self._open.write(f"{key}.txt", f"{caption}\n".encode())

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Write ``files/NAME/…``."""
        del kind
        for key, data in files.items():
            self._open.write(f"files/{key_name(name)}/{key_name(key)}", data)

    def finish(self, *, failed: bool) -> None:
        """Do nothing: everything is written."""

    @property
    def _open(self) -> Storage:
        if self._storage is None:
            raise RuntimeError("begin comes first")
        return self._storage


def _read_rows(storage: Storage) -> dict[int, dict[str, str]]:
    text = storage.read(METRICS_FILE).decode("utf-8", "replace")
    rows = {}
    try:
        for row in csv.DictReader(io.StringIO(text), strict=True):
            step = int(row.pop(_STEP))
            rows[step] = {name: value for name, value in row.items() if value}
    except (ValueError, KeyError, csv.Error) as error:
        raise InputError(
            where=f"{storage.url}/{METRICS_FILE}",
            expected="a table of metrics with a column step",
            got=f"{type(error).__name__}: {error}",
            remedy="take the file away; examwise track writes it again",
        ) from None
    return rows
