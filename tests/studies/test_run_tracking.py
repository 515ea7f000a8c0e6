from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.core.storage import Storage
from examwise.data.splits import split_store
from examwise.models.config import ModelConfig
from examwise.studies.arm_config import ArmConfig
from examwise.studies.beginning import begin_study, study_name
from examwise.studies.config import StudyConfig
from examwise.studies.prepared_study import prepare_study
from examwise.studies.run_study import run_study
from examwise.training.config import TrainingConfig
from examwise.training.trackers.csv_files import CsvTracker
from examwise.training.tracking_config import TrackingConfig
from examwise.training.trainer_config import TrainerConfig

CONFIG = StudyConfig(
    arms=(ArmConfig("strong", "spread", (20,)), ArmConfig("weak", "exam", (12,))),
    target_auc=0.7,
    repeats=1,
    model=ModelConfig(encoder="resnet10", width=4, embedding=8),
    training=TrainingConfig(steps=2, exams_per_step=2, slices_per_step=4, augmentation="none"),
    trainer=TrainerConfig(accelerator="cpu"),
    label_free=("mean_hu",),
)
RUNS = ("mean_hu-m000000", "strong-spread-m000020-r00", "weak-exam-m000012-r00")


class Said(SilentProgress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("DOE^JOHN") / "s", n_exams=60, matrix=32)
    split_store(url, fractions=(0.5, 0.2, 0.3), seed=0)
    return url


def study(out, store, config, progress=None):
    stage = begin_study(out, config, source={})
    prepared = prepare_study(stage, config, stores=[store])
    run_study(prepared, executor=make_executor(1), progress=progress)
    return study_name(Storage(out))


def tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


@pytest.fixture(scope="module")
def followed(store, tmp_path_factory):
    """A study that is followed, its name, and its trackers' folder."""
    out = tmp_path_factory.mktemp("DOE^JOHN") / "study"
    config = replace(CONFIG, tracking=TrackingConfig(trackers=("csv",)))
    return out, study(out, store, config), out.with_name("study-tracking")


def test_every_run_is_followed_under_the_name_of_its_study(followed):
    _, name, folder = followed
    assert sorted(path.name for path in (folder / "csv").iterdir()) == [
        f"{name}-{run}" for run in RUNS
    ]
    weak = folder / "csv" / f"{name}-{RUNS[2]}"
    told = json.loads((weak / "study.json").read_text())["study"]
    assert (told["learner"], told["budget"], told["repeat"]) == ("weak", 12, 0)
    with (weak / "metrics.csv").open() as file:
        rows = {int(row["step"]): row for row in csv.DictReader(file)}
    assert float(rows[0]["labels/n_training_labels"]) == 12
    assert 0 <= float(rows[0]["tested/any/exam_auc"]) <= 1
    assert float(rows[2]["training_loss"]) > 0
    assert (weak / "files").is_dir()


def test_following_changes_nothing_and_tells_no_path(followed, store, tmp_path):
    out, name, folder = followed
    assert study(tmp_path / "study", store, CONFIG) == name
    assert tree(tmp_path / "study") == tree(out)
    assert not any(b"DOE" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_name_stays_when_the_study_is_extended_and_no_other_has_it(followed, store, tmp_path):
    _, name, _ = followed
    more = replace(CONFIG, arms=(*CONFIG.arms, ArmConfig("mixed", "exam", (12,))))
    begin_study(tmp_path / "more", more, source={})
    begin_study(tmp_path / "other", replace(CONFIG, seed=1), source={})
    assert study_name(Storage(tmp_path / "more")) == name
    assert study_name(Storage(tmp_path / "other")) != name


def test_a_tracker_that_fails_is_spoken_of_and_ends_no_run(store, tmp_path, monkeypatch):
    def begin(self, run):
        raise OSError("the disk is full")

    monkeypatch.setattr(CsvTracker, "begin", begin)
    said = Said()
    config = replace(CONFIG, arms=CONFIG.arms[:1], tracking=TrackingConfig(trackers=("csv",)))
    study(tmp_path / "study", store, config, said)
    faults = [line for line in said.lines if "Tracker csv failed" in line]
    assert sorted(line.split(":")[0] for line in faults) == list(RUNS[:2])


def test_a_tracker_that_is_not_there_is_refused_before_the_first_run(store, tmp_path):
    config = replace(CONFIG, tracking=TrackingConfig(trackers=("aim",)))
    with pytest.raises(InputError, match="one of csv, wandb"):
        study(tmp_path / "study", store, config)
    assert not (tmp_path / "study" / "runs").exists()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # W&B leaves folders to the collector
def test_runs_are_grouped_by_study_and_kind_of_job(store, tmp_path):
    pytest.importorskip("wandb")
    config = replace(CONFIG, label_free=(), tracking=TrackingConfig(trackers=("wandb",)))
    name = study(tmp_path / "study", store, config)
    logs = [*Path(tmp_path, "study-tracking").glob("wandb/offline-run-*/*.wandb")]
    assert {path.stem.removeprefix(f"run-{name}-") for path in logs} == set(RUNS[1:])
    for path in logs:
        job = b"strong-spread" if "strong" in path.name else b"weak-exam"
        # Strings of a protocol buffer, each after its length.
        log = path.read_bytes()
        assert bytes([len(name)]) + name.encode() in log
        assert bytes([len(job)]) + job in log
