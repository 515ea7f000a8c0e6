"""TensorBoard: event files, without the host's name that its usual writer puts into theirs."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import Any

import polars as pl
from PIL import Image

from examwise.core.digests import readable_json
from examwise.core.errors import InputError
from examwise.core.extras import require
from examwise.core.storage import Storage
from examwise.core.tracking import TrackedRun
from examwise.training.trackers.names import folder_name, key_name
from examwise.training.tracking_config import TrackingConfig

LARGEST_TABLE = 100
"""Rows of a table that are shown; TensorBoard has text for them, no tables."""

_VERSION = "brain.Event:2"
_DT_STRING = 7  # number of the type in TensorFlow's types.proto


class TensorboardTracker:
    """Writes ``tensorboard/RUN/NUMBER.tfevents``, a file each time the run is gone on with.

    Scalars, pictures, and tables and configuration as text; files are not kept, since it has no
    place for them.

    Args:
        config: Of no influence.
        folder: Where to write.

    Raises:
        InputError: If the package is missing or the folder is not on a local disk.
    """

    def __init__(self, config: TrackingConfig, *, folder: str) -> None:
        del config
        require("tensorboard")
        self._folder = Storage(folder).local
        if self._folder is None:
            raise InputError(
                where="folder of tracker tensorboard",
                expected="a folder on a local disk",
                got="another kind of storage",
                remedy="name one by the option folder",
            )
        self._writer: Any = None
        self._file: Any = None
        self._kept: set[tuple[str, int]] = set()

    def begin(self, run: TrackedRun) -> None:
        """Find out what the run has, and open a file for more."""
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.summary.writer.record_writer import RecordWriter

        if self._folder is None:
            raise RuntimeError("no folder")
        place = self._folder / "tensorboard" / folder_name(run.run_id)
        place.mkdir(parents=True, exist_ok=True)
        before = EventAccumulator(str(place), size_guidance={"scalars": 0})
        before.Reload()
        self._kept = {
            (tag, scalar.step) for tag in before.Tags()["scalars"] for scalar in before.Scalars(tag)
        }
        number = len(list(place.glob("*.tfevents")))
        self._file = (place / f"{number:06d}.tfevents").open("xb")
        self._writer = RecordWriter(self._file)
        self._write(file_version=_VERSION)
        text = readable_json(run.configuration).decode()
        self._write_text(f"configuration/{run.kind}", f"```\n{text}```")

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Write scalars that the run does not have at this step."""
        for name, value in metrics.items():
            tag = key_name(name)
            if (tag, step) not in self._kept:
                self._write_summary(tag, step=step, simple_value=float(value))
                self._kept.add((tag, step))
        self._file.flush()

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Write a table's first rows as text."""
        lines = [
            " | ".join(frame.columns),
            " | ".join("---" for _ in frame.columns),
            *(" | ".join(map(_cell, row)) for row in frame.head(LARGEST_TABLE).rows()),
        ]
        if frame.height > LARGEST_TABLE:
            lines += ["", f"({LARGEST_TABLE} of {frame.height} rows)"]
        self._write_text(f"table/{key_name(name)}", "\n".join(lines))

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Write a picture."""
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata

        with Image.open(io.BytesIO(png)) as image:
            width, height, channels = *image.size, len(image.getbands())
        kept = Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=png
        )
        plugin = SummaryMetadata.PluginData(plugin_name="images")
        metadata = SummaryMetadata(summary_description=caption, plugin_data=plugin)
        self._write_summary(key_name(name), image=kept, metadata=metadata)
        self._file.flush()

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Write what files there would be, by name and size."""
        lines = [f"- {file}: {len(data):,} bytes" for file, data in sorted(files.items())]
        self._write_text(f"{kind}/{key_name(name)}", "\n".join(lines))

    def finish(self, *, failed: bool) -> None:
        """Close the file."""
        del failed
        if self._file is not None:
            self._file.close()
            self._file = self._writer = None

    def _write_text(self, tag: str, text: str) -> None:
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        tensor = TensorProto(
            dtype=_DT_STRING,
            string_val=[text.encode()],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        )
        plugin = SummaryMetadata.PluginData(plugin_name="text")
        self._write_summary(tag, tensor=tensor, metadata=SummaryMetadata(plugin_data=plugin))
        self._file.flush()

    def _write_summary(self, tag: str, *, step: int = 0, **content: Any) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._write(step=step, summary=Summary(value=[Summary.Value(tag=tag, **content)]))

    def _write(self, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=time.time(), **content)
        self._writer.write(event.SerializeToString())


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("|", "\\|")
