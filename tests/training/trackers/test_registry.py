"""What holds for every tracker of the registry."""

from __future__ import annotations

import gc

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.extras import EXTRAS
from examwise.core.tracking import TrackedRun
from examwise.training.trackers import TRACKERS, make_trackers
from examwise.training.tracking_config import TrackingConfig

pytestmark = [
    # Left to the garbage collector by W&B and by MLflow's database layer.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*noload.*"),
]


@pytest.mark.parametrize("name", TRACKERS)
def test_every_tracker_takes_odd_things_and_goes_on(name, tmp_path, pixel):
    if name in EXTRAS:
        pytest.importorskip(name)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for last_step in (1, 2):
        trackers = make_trackers(TrackingConfig(trackers=(name,)), folder=str(tmp_path / "a b"))
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
        trackers.begin(TrackedRun("weak, m = 20'/ü", "run", {"long": "a" * 9000, "none": None}))
        for step in range(1, last_step + 1):
            trackers.log_metrics(
                {"loss of any": 1.0 / step, "not/a number": float("nan")}, step=step
            )
        trackers.log_table("test/empty", pl.DataFrame({"exam_id": []}, {"exam_id": pl.String}))
        trackers.log_table(
            "missing", pl.DataFrame({"exam_label": [None, 1], "finding": ["ü", "|"]})
        )
        trackers.log_picture("../../odd name", pixel, caption="Ümlaut.")
        trackers.log_files("empty", {"a/b.txt": b"", "../c": b"c"}, kind="model")
        trackers.finish(failed=last_step == 2)
        assert trackers.faults == {}
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    gc.collect()
    assert {path.name for path in tmp_path.iterdir()} == {"a b"}


def test_unknown_and_repeated_names_are_refused():
    with pytest.raises(InputError, match="one of csv, wandb, mlflow, tensorboard, got aim"):
        make_trackers(TrackingConfig(trackers=("aim",)), folder="unused")
    with pytest.raises(InputError, match="each once"):
        make_trackers(TrackingConfig(trackers=("csv", "csv")), folder="unused")


@pytest.mark.parametrize("name", sorted(set(TRACKERS) & set(EXTRAS)))
def test_a_missing_package_names_its_extra(name, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"examwise\[{EXTRAS[name]}\]"):
        make_trackers(TrackingConfig(trackers=(name,)), folder="unused")


def test_a_folder_of_the_configuration_goes_first(tmp_path):
    config = TrackingConfig(trackers=("csv",), folder=str(tmp_path / "own"))
    trackers = make_trackers(config, folder=str(tmp_path / "default"))
    trackers.begin(TrackedRun("a", "run"))
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
