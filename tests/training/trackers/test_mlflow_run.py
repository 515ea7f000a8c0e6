from __future__ import annotations

import gc
import io
import warnings
from functools import partial

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.tracking import TrackedRun
from examwise.training.trackers import make_trackers
from examwise.training.trackers.mlflow_run import GROUP_TAG, JOB_TYPE_TAG, RUN_TAG
from examwise.training.tracking_config import TrackingConfig

mlflow = pytest.importorskip("mlflow")

# Its database layer uses what SQLAlchemy will drop, and leaves connections to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*noload.*"),
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory, send):
    folder = tmp_path_factory.mktemp("Zqxjwvbk tracking")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for variable in ("USER", "LOGNAME", "HOSTNAME", "MLFLOW_TRACKING_USERNAME"):
            patch.setenv(variable, "Zqxjwvbk")
        assert send(TrackingConfig(trackers=("mlflow",), project="heads"), folder) == {}
        gc.collect()
    return folder


@pytest.fixture(scope="module")
def client(place):
    return mlflow.MlflowClient(tracking_uri=f"sqlite:///{place}/mlflow.db")


@pytest.fixture(scope="module")
def run(client):
    """The only run: predictions, and the run sent again, went on with it."""
    experiment = client.get_experiment_by_name("heads")
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def test_it_has_metrics_by_step_once_and_parameters_without_paths(client, run):
    losses = client.get_metric_history(run.info.run_id, "training_loss")
    assert [(one.step, one.value) for one in losses] == [(10, 0.1), (20, 0.05)]
    assert 0.5 < run.data.metrics["test/any/exam_auc"] < 1
    assert run.data.params["model.width"] == "8"
    assert run.data.params["model.weights"] == "<path>"
    assert run.data.params["predictions.a"] == "1"
    assert run.info.status == "FINISHED"


def test_it_has_tables_pictures_and_the_model(place, run, exams_sent):
    folder = place / "mlflow-files" / run.info.run_id / "artifacts"
    exams = pl.read_csv(io.BytesIO((folder / "tables/test/exams.csv").read_bytes()))
    assert exams["exam_probability"].to_list() == exams_sent["exam_probability"].to_list()
    assert exams["exam_id"].to_list() == exams_sent["exam_id"].to_list()
    assert (folder / "pictures/run/saliency-e0001.png").read_bytes()[1:4] == b"PNG"
    assert (folder / "pictures/run/saliency-e0001.txt").read_text() == "Saliency of exam e0001.\n"
    assert (folder / "pictures/test/roc_picture.png").is_file()
    assert (folder / "tables/test/roc.csv").read_text().startswith("finding,false_positive_rate")
    assert sorted(path.name for path in (folder / "model").iterdir()) == [
        "model.json",
        "model.safetensors",
        "thresholds.json",
    ]


def test_nothing_names_man_or_machine_but_the_database_its_own_folder(place, run, identifying):
    assert set(run.data.tags) == {RUN_TAG, "mlflow.runName"}
    for path in place.rglob("*"):
        if path.is_file():
            data = path.read_bytes().replace(place.as_uri().encode(), b"")
            data = data.replace(str(place).encode(), b"")
            assert not [name for name in identifying if name in data], path.name


def test_a_server_that_is_not_there_is_said_and_no_more(tmp_path):
    said = []

    class Progress:
        say = staticmethod(said.append)

    config = TrackingConfig(trackers=("mlflow",), mlflow_uri="no-such-scheme://server")
    trackers = make_trackers(config, folder="memory://none", progress=Progress())
    trackers.begin(TrackedRun("a", "run"))
    trackers.log_metrics({"loss": 1.0}, step=1)
    trackers.finish(failed=False)
    assert len(said) == 1
    assert "Tracker mlflow failed" in said[0]


def test_a_folder_elsewhere_is_refused_without_a_uri():
    with pytest.raises(InputError, match="local disk"):
        make_trackers(TrackingConfig(trackers=("mlflow",)), folder="memory://tracking")


def begin_one(number, *, folder):
    config = TrackingConfig(trackers=("mlflow",), group="study-1", job_type="weak-exam")
    trackers = make_trackers(config, folder=folder)
    trackers.begin(TrackedRun(f"run-{number}", "run"))
    trackers.finish(failed=False)
    return [str(fault) for fault in trackers.faults.values()]


def test_runs_that_begin_at_once_share_a_new_database(tmp_path):
    faults = make_executor(2).map(partial(begin_one, folder=str(tmp_path)), range(2))
    assert [*faults] == [[], []]
    reader = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    (experiment,) = (one for one in reader.search_experiments() if one.name == "examwise")
    found = reader.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags[RUN_TAG] for run in found) == ["study-1-run-0", "study-1-run-1"]
    assert {(run.data.tags[GROUP_TAG], run.data.tags[JOB_TYPE_TAG]) for run in found} == {
        ("study-1", "weak-exam")
    }
