"""Small finished directories, as stages leave them."""

from __future__ import annotations

import getpass
import io
import socket
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from examwise.core.digests import readable_json
from examwise.core.pictures import Picture, write_pictures
from examwise.core.schemas.predictions import PREDICTED_EXAMS, THRESHOLDS
from examwise.core.schemas.run import METRICS, MODEL, WEIGHTS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.training.trackers import make_trackers
from examwise.training.trackers.follow import follow_directory

RUN_ID = "weak-7f"
N_EXAMS = 40


def png(shade=128):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def defaults(schema):
    """Return values for the columns that a test does not care about."""
    kinds = {"String": "a", "Float64": 0.0, "Int32": 0, "Int8": None}
    return {
        column.name: None if column.nullable else kinds[str(column.dtype)]
        for column in schema.columns
    }


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("Zqxjwvbk Clinic") / "run"
    stage = Stage.begin(
        folder,
        kind="run",
        configuration={
            "learner": "weak",
            "model": {"width": 8, "weights": "/home/Zqxjwvbk/resnet18.pth"},
            "training": {"steps": 20, "seed": 3},
        },
        inputs={},
        seed=3,
    )
    rows = [
        defaults(METRICS) | {"step": step, "training_loss": 1 / step, "learning_rate": 0.001}
        for step in (10, 20)
    ]
    METRICS.write(stage.storage, METRICS.frame(rows))
    stage.storage.write(WEIGHTS, b"weights of the model" * 3)
    stage.storage.write(MODEL, readable_json({"run_id": RUN_ID}))
    stage.storage.write(THRESHOLDS, readable_json({}))
    write_pictures(stage.storage, [Picture("saliency-e0001", png(), "Saliency of exam e0001.")])
    stage.finish(outputs=(WEIGHTS, MODEL, THRESHOLDS, METRICS.file))
    return str(folder)


@pytest.fixture(scope="session")
def predictions_directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("Zqxjwvbk Clinic") / "predictions"
    stage = Stage.begin(folder, kind="predictions", configuration={"a": 1}, inputs={}, seed=None)
    generator = np.random.default_rng(0)
    rows = [
        defaults(PREDICTED_EXAMS)
        | {
            "exam_id": f"e{number:04d}",
            "patient_key": f"p{number:04d}",
            "archive": "secret-archive",
            "split": "test" if number < N_EXAMS else "train",
            "run_id": RUN_ID,
            "finding": finding,
            "exam_probability": round(float(generator.random()) * 0.7 + 0.3 * (number % 3 == 0), 3),
            # Of "rare" no exam is positive, and one has no label.
            "exam_label": None if number == 5 else int(finding == "any" and number % 3 == 0),
        }
        for finding in ("any", "rare")
        for number in range(N_EXAMS + 2)
    ]
    PREDICTED_EXAMS.write(stage.storage, PREDICTED_EXAMS.frame(rows))
    stage.finish(outputs=(PREDICTED_EXAMS.file,))
    return str(folder)


@pytest.fixture(scope="session")
def send(run_directory, predictions_directory):
    """Return a function that sends a run, its predictions, and the run again; returns faults."""

    def send(config, folder):
        faults = {}
        for directory in (run_directory, predictions_directory, run_directory):
            trackers = make_trackers(config, folder=str(folder))
            assert follow_directory(trackers, directory) == (RUN_ID,)
            faults |= trackers.faults
        return faults

    return send


@pytest.fixture(scope="session")
def exams_sent(predictions_directory):
    """Rows of the table of exams as trackers get it."""
    frame = PREDICTED_EXAMS.read(Storage(predictions_directory))
    columns = ("exam_id", "split", "finding", "exam_label", "exam_probability")
    return frame.filter(pl.col("split") == "test").select(*columns, "calibrated_probability")


@pytest.fixture(scope="session")
def identifying():
    """What no file may hold: parts of paths, and whose machine this is."""
    names = {"Zqxjwvbk", "secret-archive", "p0001", socket.gethostname(), getpass.getuser()}
    # Shorter ones stand in any binary file by chance.
    return [name.encode() for name in names if len(name) > 4] + [str(Path.home()).encode() + b"/"]


@pytest.fixture(scope="session")
def pixel():
    """A PNG file."""
    return png()
