from __future__ import annotations

import json

import polars as pl
import pytest

from examwise.core.storage import Storage
from examwise.core.tracking import TrackedRun
from examwise.training.trackers import make_trackers
from examwise.training.trackers.csv_files import METRICS_FILE
from examwise.training.tracking_config import TrackingConfig

CONFIG = TrackingConfig(trackers=("csv",))


@pytest.fixture(scope="module")
def place(tmp_path_factory, send):
    folder = tmp_path_factory.mktemp("Zqxjwvbk tracking")
    assert send(CONFIG, folder) == {}
    return folder / "csv" / "weak-7f"


def test_each_step_has_one_row(place):
    rows = pl.read_csv(place / METRICS_FILE)
    assert rows["step"].to_list() == [0, 10, 20]
    assert rows["training_loss"].to_list() == [None, 0.1, 0.05]
    assert rows["test/any/exam_auc"].null_count() == 2


def test_everything_else_stands_beside(place, exams_sent, run_directory):
    assert pl.read_csv(place / "tables/test/exams.csv")["exam_label"].equals(
        exams_sent["exam_label"].cast(pl.Int64)
    )
    assert (place / "pictures/run/saliency-e0001.txt").read_text() == "Saliency of exam e0001.\n"
    assert json.loads((place / "run.json").read_text())["model"]["weights"] == "<path>"
    weights = Storage(run_directory).read("model.safetensors")
    assert (place / "files/model/model.safetensors").read_bytes() == weights


def test_no_file_names_man_or_machine(place, identifying):
    for path in place.rglob("*"):
        if path.is_file():
            assert not [name for name in identifying if name in path.read_bytes()], path.name


def test_an_interrupted_run_goes_on_without_a_step_twice():
    url = "memory://csv-resumed"
    for steps in ((1, 2), (2, 3)):
        trackers = make_trackers(CONFIG, folder=url)
        trackers.begin(TrackedRun("weak, m = 20", "run"))
        for step in steps:
            trackers.log_metrics({"loss": 0.1 + 0.2 * step, "step": float(step)}, step=step)
    text = Storage(f"{url}/csv/weak--m---20").read(METRICS_FILE).decode()
    assert text == "step,loss\n1,0.30000000000000004\n2,0.5\n3,0.7000000000000001\n"


def test_a_table_that_is_none_is_said():
    url = "memory://csv-broken"
    Storage(f"{url}/csv/a").write(METRICS_FILE, b"no,steps\n1,2\n")
    trackers = make_trackers(CONFIG, folder=url)
    trackers.begin(TrackedRun("a", "run"))
    assert "a table of metrics with a column step" in str(trackers.faults["csv"])
