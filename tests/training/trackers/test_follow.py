from __future__ import annotations

import polars as pl
import pytest

from examwise.core.errors import InputError, IntegrityError
from examwise.core.pictures import Picture, write_pictures
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.tracking import TrackedRun
from examwise.training.trackers.follow import follow_directory, follow_run
from examwise.training.trackers.isolation import IsolatedTracker, Trackers


class Recorder:
    def __init__(self):
        self.runs = []
        self.logged = []

    def begin(self, run):
        self.runs.append(run)

    def log_metrics(self, metrics, *, step):
        self.logged += [("metric", step, name) for name in metrics]

    def log_table(self, name, frame):
        self.logged.append(("table", name, frame.height))

    def log_picture(self, name, png, *, caption=""):
        self.logged.append(("picture", name, caption))

    def log_files(self, name, files, *, kind):
        self.logged.append(("files", name, kind))

    def finish(self, *, failed):
        self.logged.append(("end", failed))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def trackers(recorder):
    return Trackers([IsolatedTracker("recorder", recorder, say=lambda text: None)])


def copied(source, target):
    storage, copy = Storage(source), Storage(target)
    for key in storage.list():
        copy.write(key, storage.read(key))
    return str(target)


def test_what_was_sent_while_a_run_lasted_is_not_sent_again(trackers, recorder, run_directory):
    trackers.begin(TrackedRun("weak-7f", "run"))
    trackers.log_metrics({"training_loss": 0.1, "learning_rate": 0.001}, step=10)
    follow_run(trackers, run_directory)
    trackers.finish(failed=False)
    assert recorder.logged == [
        ("metric", 10, "training_loss"),
        ("metric", 10, "learning_rate"),
        ("metric", 20, "training_loss"),
        ("metric", 20, "learning_rate"),
        ("files", "model", "model"),
        ("picture", "run/saliency-e0001", "Saliency of exam e0001."),
        ("end", False),
    ]


def test_predictions_are_grouped_by_part_and_go_to_their_run(
    trackers, recorder, predictions_directory
):
    assert follow_directory(trackers, predictions_directory, name="cq500") == ("weak-7f",)
    assert [(run.run_id, run.kind) for run in recorder.runs] == [("weak-7f", "predictions")]
    assert recorder.runs[0].configuration == {"cq500": {"a": 1}}
    assert ("table", "cq500/test/exams", 80) in recorder.logged
    assert ("table", "cq500/train/exams", 4) in recorder.logged
    assert ("metric", 0, "cq500/test/any/exam_auc") in recorder.logged
    caption = "true positive rate against false positive rate, cq500/test"
    assert ("picture", "cq500/test/roc_picture", caption) in recorder.logged


def test_an_evaluations_tables_are_sent(trackers, recorder, tmp_path):
    stage = Stage.begin(
        tmp_path, kind="evaluation", configuration={}, inputs={"predictions": "x"}, seed=0
    )
    pl.DataFrame({"auc": [0.5]}).write_parquet(tmp_path / "exam_metrics.parquet")
    stage.finish()
    (run_id,) = follow_directory(trackers, str(tmp_path))
    assert run_id.startswith("evaluation-")
    assert recorder.logged == [("table", "evaluation/exam_metrics", 1), ("end", False)]


def test_pictures_of_any_directory_go_to_the_run_that_they_are_about(trackers, recorder, tmp_path):
    stage = Stage.begin(tmp_path, kind="fingerprint", configuration={}, inputs={}, seed=None)
    picture = Picture("e1", b"\x89PNG\r\n\x1a\n", "Exam e1.")
    write_pictures(stage.storage, [picture], run_id="weak-7f")
    with pytest.raises(InputError, match="a finished fingerprint directory"):
        follow_directory(trackers, str(tmp_path))
    stage.finish()
    assert follow_directory(trackers, str(tmp_path)) == ("weak-7f",)
    assert recorder.logged == [("picture", "fingerprint/e1", "Exam e1."), ("end", False)]


def test_other_directories_are_refused(trackers, recorder, tmp_path):
    with pytest.raises(InputError, match="got another folder"):
        follow_directory(trackers, str(tmp_path))
    Stage.begin(tmp_path, kind="study", configuration={}, inputs={}, seed=None).finish()
    with pytest.raises(InputError, match="got a directory of kind study"):
        follow_directory(trackers, str(tmp_path))
    assert recorder.runs == []


def test_a_damaged_model_is_not_sent_and_the_run_ends_as_failed(
    trackers, recorder, run_directory, tmp_path
):
    folder = copied(run_directory, tmp_path)
    Storage(folder).write("model.safetensors", b"other")
    with pytest.raises(IntegrityError, match="the file once written"):
        follow_directory(trackers, folder)
    assert recorder.logged[-1] == ("end", True)
    assert not any(kind == "files" for kind, *_ in recorder.logged)


def test_nothing_is_read_for_no_trackers(run_directory):
    follow_run(Trackers([]), run_directory)
