"""A real offline run of W&B, read back by the format of its log and its own protocol buffers."""

from __future__ import annotations

import gc
import io
import json
import os
import struct
from typing import Any

import polars as pl
import pytest
from PIL import Image

from examwise.core.errors import InputError
from examwise.core.tracking import TrackedRun
from examwise.training.trackers import make_trackers
from examwise.training.trackers.wandb_run import LARGEST_TABLE
from examwise.training.tracking_config import TrackingConfig

pytest.importorskip("wandb")

# W&B leaves folders of artifacts to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")

_BLOCK = 32_768
_HEADER = struct.Struct("<IHB")
_FILE_HEADER_BYTES = 7
_FULL, _FIRST, _LAST = 1, 2, 4


def records(folder: Any) -> list[Any]:
    """Return the records of all runs in a folder, oldest run first."""
    from wandb.proto.wandb_internal_pb2 import Record

    found = []
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for payload in _payloads(path.read_bytes()):
            record = Record()
            record.ParseFromString(payload)
            found.append(record)
    return found


def history(folder: Any) -> list[dict[str, Any]]:
    """Return the rows that were logged."""
    return [
        {_key(item): json.loads(item.value_json) for item in record.history.item}
        for record in records(folder)
        if record.HasField("history")
    ]


def summary(folder: Any) -> dict[str, Any]:
    """Return the last values of the run."""
    found: dict[str, Any] = {}
    for record in records(folder):
        for item in record.summary.update:
            found[_key(item)] = json.loads(item.value_json)
    return found


def config(folder: Any) -> dict[str, Any]:
    """Return the run's configuration."""
    found: dict[str, Any] = {}
    for record in records(folder):
        for item in (*record.run.config.update, *record.config.update):
            found[_key(item)] = json.loads(item.value_json)
    return {name: value for name, value in found.items() if name != "_wandb"}


def artifacts(folder: Any) -> dict[str, dict[str, bytes]]:
    """Return the files of each artifact, found where the record says, from the folder on."""
    return {
        f"{record.artifact.type}: {record.artifact.name}": {
            entry.path: (folder / entry.local_path).read_bytes()
            for entry in record.artifact.manifest.contents
        }
        for record in records(folder)
        if record.HasField("artifact")
    }


def table(folder: Any, name: str) -> dict[str, Any]:
    """Return a table that the run's last row names."""
    rows = [row for row in history(folder) if f"{name}/path" in row]
    return json.loads(next(folder.rglob(rows[-1][f"{name}/path"])).read_text())


def _key(item: Any) -> str:
    return item.key or "/".join(item.nested_key)


def _payloads(data: bytes) -> list[bytes]:
    """Split a log in LevelDB's format: blocks of records, long ones in several pieces."""
    payloads, pieces, place = [], b"", _FILE_HEADER_BYTES
    assert data[:4] == b":W&B"
    while place + _HEADER.size <= len(data):
        if _BLOCK - place % _BLOCK < _HEADER.size:
            place += _BLOCK - place % _BLOCK
            continue
        _, length, kind = _HEADER.unpack_from(data, place)
        start = place + _HEADER.size
        place = start + length
        pieces = data[start:place] if kind in (_FULL, _FIRST) else pieces + data[start:place]
        if kind in (_FULL, _LAST):
            payloads.append(pieces)
    return payloads


@pytest.fixture(scope="module")
def place(tmp_path_factory, send):
    folder = tmp_path_factory.mktemp("Zqxjwvbk tracking")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("USER", "LOGNAME", "HOSTNAME", "WANDB_USERNAME", "WANDB_HOST"):
            patch.setenv(variable, "Zqxjwvbk")
        assert send(TrackingConfig(trackers=("wandb",), project="heads"), folder) == {}
    gc.collect()
    return folder


def test_metrics_stand_at_their_steps_once(place):
    rows = [row for row in history(place) if "training_loss" in row]
    assert [(row["_step"], row["training_loss"]) for row in rows] == [(10, 0.1), (20, 0.05)]
    # What belongs to no step comes after the last, in the run's later parts as well.
    assert {row["_step"] for row in history(place)} == {10, 20, 21}
    assert all(record.run.resume for record in records(place) if record.HasField("run"))
    assert {record.run.run_id for record in records(place) if record.HasField("run")} == {"weak-7f"}


def test_figures_of_predictions_are_in_the_summary(place):
    found = summary(place)
    assert 0.5 < found["test/any/exam_auc"] < 1
    assert found["training_loss"] == 0.05
    assert "test/rare/exam_auc" not in found


def test_the_configuration_is_there_without_paths(place):
    found = config(place)
    assert found["learner"] == "weak"
    assert found["model"] == {"width": 8, "weights": "<path>"}
    assert found["predictions"] == {"a": 1}


@pytest.mark.parametrize(
    ("curve", "columns"),
    [
        ("roc", ["false_positive_rate", "true_positive_rate"]),
        ("precision_recall", ["recall", "precision"]),
        ("calibration", ["mean_probability", "positive_fraction"]),
    ],
)
def test_curves_are_drawn_and_their_points_kept(place, curve, columns):
    drawn = config(place)[f"_wandb/visualize/test/{curve}"]["panel_config"]
    assert [drawn["fieldSettings"][axis] for axis in ("x", "y", "stroke")] == [*columns, "finding"]
    points = table(place, f"test/{curve}_table")
    assert points["columns"][:3] == ["finding", *columns]
    assert len(points["data"]) > 3
    (row,) = (row for row in history(place) if f"test/{curve}_picture/path" in row)
    with Image.open(next(place.rglob(row[f"test/{curve}_picture/path"]))) as image:
        assert image.size == (450, 450)


def test_the_table_of_exams_holds_pseudonyms_labels_and_probabilities(place, exams_sent):
    found = table(place, "test/exams")
    assert found["columns"] == exams_sent.columns
    assert found["data"] == [list(row) for row in exams_sent.rows()]


def test_offered_pictures_come_with_their_captions(place):
    (row, _) = (row for row in history(place) if "run/saliency-e0001/path" in row)
    assert row["run/saliency-e0001/caption"] == "Saliency of exam e0001."
    assert next(place.rglob(row["run/saliency-e0001/path"])).read_bytes()[1:4] == b"PNG"


def test_the_model_is_an_artifact(place, run_directory):
    (name,) = {name for name in artifacts(place) if name.startswith("model: ")}
    assert name == "model: weak-7f-model"
    found = artifacts(place)[name]
    assert sorted(found) == ["model.json", "model.safetensors", "thresholds.json"]
    assert found["model.safetensors"] == b"weights of the model" * 3


def test_no_file_names_man_or_machine(place, identifying):
    files = [path for path in place.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    for path in files:
        data = path.read_bytes()
        assert not [name for name in identifying if name in data], path.name
        assert not path.is_symlink()
    for record in records(place):
        assert not record.run.host
        assert not record.HasField("environment")
        assert not record.HasField("output_raw")


def test_nothing_is_left_in_the_users_home_or_the_environment(place):
    assert "WANDB_DATA_DIR" not in os.environ
    assert [path.name for path in place.iterdir()] == ["wandb"]


def test_long_tables_are_cut_and_kept_whole_as_an_artifact(tmp_path):
    frame = pl.DataFrame({"number": range(LARGEST_TABLE + 1)})
    trackers = make_trackers(TrackingConfig(trackers=("wandb",)), folder=str(tmp_path))
    trackers.begin(TrackedRun("long", "run"))
    trackers.log_table("exams", frame)
    trackers.finish(failed=True)
    gc.collect()
    assert trackers.faults == {}
    assert len(table(tmp_path, "exams")["data"]) == LARGEST_TABLE
    kept = artifacts(tmp_path)["table: long-table-exams"]["table.parquet"]
    assert pl.read_parquet(io.BytesIO(kept)).equals(frame)
    (code,) = (record.exit.exit_code for record in records(tmp_path) if record.HasField("exit"))
    assert code == 1


def test_disabled_there_is_no_tracker(tmp_path):
    config = TrackingConfig(trackers=("wandb", "csv"), wandb_mode="disabled")
    assert [one.name for one in make_trackers(config, folder=str(tmp_path))] == ["csv"]


def test_a_folder_elsewhere_is_refused():
    with pytest.raises(InputError, match="local disk"):
        make_trackers(TrackingConfig(trackers=("wandb",)), folder="memory://tracking")


def test_a_run_belongs_to_its_group_under_a_name_that_no_other_groups_run_has(tmp_path):
    options = TrackingConfig(trackers=("wandb",), group="study-1", job_type="weak-exam")
    trackers = make_trackers(options, folder=str(tmp_path))
    trackers.begin(TrackedRun("weak-r00", "run"))
    trackers.finish(failed=False)
    assert trackers.faults == {}
    (run,) = (record.run for record in records(tmp_path) if record.HasField("run"))
    assert (run.run_group, run.job_type, run.run_id) == (
        "study-1",
        "weak-exam",
        "study-1-weak-r00",
    )
