from __future__ import annotations

import sys
from typing import ClassVar

import polars as pl
import pytest
from lightning.pytorch.loggers import Logger

from examwise.core.errors import InputError
from examwise.training.trackers import make_trackers
from examwise.training.trackers.follow import follow_directory
from examwise.training.tracking_config import LoggerConfig, TrackingConfig


class TakingLogger(Logger):
    """Takes tables and pictures as well."""

    taken: ClassVar[list[tuple[object, ...]]] = []

    @property
    def name(self):
        return "taking"

    @property
    def version(self):
        return 0

    def log_hyperparams(self, params):
        self.taken.append(("hyperparams", params["run_id"], params["learner"]))

    def log_metrics(self, metrics, step=None):
        self.taken.append(("metrics", step))

    def log_table(self, *, key, columns, data):
        self.taken.append(("table", key, len(data)))

    def log_image(self, *, key, images, caption):
        self.taken.append(("picture", key, images[0].size, caption))

    def finalize(self, status):
        self.taken.append(("end", status))


def config(class_path, **init_args):
    return TrackingConfig(loggers=(LoggerConfig(class_path, init_args),))


def test_lightnings_csv_logger_gets_metrics(tmp_path, run_directory):
    logger = config("lightning.pytorch.loggers.CSVLogger", save_dir=str(tmp_path), name="heads")
    trackers = make_trackers(logger, folder="unused")
    assert follow_directory(trackers, run_directory) == ("weak-7f",)
    assert trackers.faults == {}
    rows = pl.read_csv(tmp_path / "heads/version_0/metrics.csv")
    assert rows.select("step", "training_loss").rows() == [(10, 0.1), (20, 0.05)]
    assert "run_id: weak-7f" in (tmp_path / "heads/version_0/hparams.yaml").read_text()


def test_a_logger_that_takes_more_gets_more(monkeypatch, run_directory):
    monkeypatch.setitem(sys.modules, "taking_loggers", sys.modules[TakingLogger.__module__])
    trackers = make_trackers(config("taking_loggers:TakingLogger"), folder="unused")
    follow_directory(trackers, run_directory)
    assert trackers.faults == {}
    assert TakingLogger.taken == [
        ("hyperparams", "weak-7f", "weak"),
        ("metrics", 10),
        ("metrics", 20),
        ("picture", "run/saliency-e0001", (4, 3), ["Saliency of exam e0001."]),
        ("end", "success"),
    ]


@pytest.mark.parametrize(
    ("class_path", "message"),
    [
        ("no_such_package.Logger", "no module no_such_package"),
        ("lightning.pytorch.Trainer", "a class derived from Logger"),
        ("lightning.pytorch.loggers.CSVLogger", "arguments that it takes"),
    ],
)
def test_what_is_no_logger_is_refused(class_path, message):
    with pytest.raises(InputError, match=message):
        make_trackers(config(class_path, no_such_argument=1), folder="unused")
