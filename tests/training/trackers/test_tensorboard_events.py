from __future__ import annotations

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.tracking import TrackedRun
from examwise.training.trackers import make_trackers
from examwise.training.trackers.tensorboard_events import LARGEST_TABLE
from examwise.training.tracking_config import TrackingConfig

accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
CONFIG = TrackingConfig(trackers=("tensorboard",))


def read(folder):
    found = accumulators.EventAccumulator(str(folder))
    found.Reload()
    return found


def text(found, tag):
    return found.Tensors(tag)[0].tensor_proto.string_val[0].decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory, send):
    folder = tmp_path_factory.mktemp("Zqxjwvbk tracking")
    assert send(CONFIG, folder) == {}
    return folder / "tensorboard" / "weak-7f"


def test_scalars_stand_at_their_steps_once(place):
    found = read(place)
    losses = [(one.step, round(one.value, 6)) for one in found.Scalars("training_loss")]
    assert losses == [(10, 0.1), (20, 0.05)]
    (auc,) = found.Scalars("test/any/exam_auc")
    assert auc.step == 0
    assert 0.5 < auc.value < 1


def test_pictures_are_the_files_with_their_sizes(place):
    (found, _) = read(place).Images("run/saliency-e0001")
    assert (found.width, found.height) == (4, 3)
    assert found.encoded_image_string[1:4] == b"PNG"
    assert {"test/roc_picture", "test/calibration_picture"} <= set(read(place).Tags()["images"])


def test_configuration_tables_and_files_are_text(place, exams_sent):
    found = read(place)
    assert '"weights": "<path>"' in text(found, "configuration/run")
    lines = text(found, "table/test/exams").splitlines()
    assert lines[0] == " | ".join(exams_sent.columns)
    assert len(lines) == 2 + exams_sent.height
    assert "model.safetensors: 60 bytes" in text(found, "model/model")


def test_no_file_names_man_or_machine(place, identifying):
    files = sorted(place.iterdir())
    assert [path.name for path in files] == [f"{part:06d}.tfevents" for part in range(3)]
    for path in files:
        assert not [name for name in identifying if name in path.read_bytes()]


def test_long_tables_are_cut_and_say_so(tmp_path):
    trackers = make_trackers(CONFIG, folder=str(tmp_path))
    trackers.begin(TrackedRun("a", "run"))
    frame = pl.DataFrame({"number": range(LARGEST_TABLE + 1), "word": "a|b"})
    trackers.log_table("long", frame)
    trackers.finish(failed=False)
    assert trackers.faults == {}
    lines = text(read(tmp_path / "tensorboard" / "a"), "table/long").splitlines()
    assert lines[2] == "0 | a\\|b"
    assert lines[-1] == f"({LARGEST_TABLE} of {LARGEST_TABLE + 1} rows)"


def test_a_folder_elsewhere_is_refused():
    with pytest.raises(InputError, match="local disk"):
        make_trackers(CONFIG, folder="memory://tracking")
