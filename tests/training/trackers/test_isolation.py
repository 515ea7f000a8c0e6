import pytest

from examwise.core.tracking import TrackedRun
from examwise.training.trackers.isolation import IsolatedTracker, Trackers

RUN = TrackedRun("a", "run", {"weights": "/data/DOE.pth", "steps": 3}, folder="out")


class Recorder:
    """A tracker that keeps what it is told, and fails where it is to."""

    def __init__(self, fails_at=()):
        self.calls = []
        self.fails_at = fails_at

    def _take(self, name, *values):
        self.calls.append((name, *values))
        if name in self.fails_at:
            raise OSError("the disk\nis full")

    def begin(self, run):
        self._take("begin", run)

    def log_metrics(self, metrics, *, step):
        self._take("log_metrics", metrics, step)

    def log_table(self, name, frame):
        self._take("log_table", name)

    def log_picture(self, name, png, *, caption=""):
        self._take("log_picture", name, caption)

    def log_files(self, name, files, *, kind):
        self._take("log_files", name, kind)

    def finish(self, *, failed):
        self._take("finish", failed)


def isolated(*recorders):
    said = []
    members = [
        IsolatedTracker(f"tracker-{place}", one, say=said.append)
        for place, one in enumerate(recorders)
    ]
    return Trackers(members), said


def do_everything(trackers):
    trackers.begin(RUN)
    trackers.log_metrics({"loss": 1.0}, step=1)
    trackers.log_table("exams", None)
    trackers.log_picture("roc", b"", caption="ROC.")
    trackers.log_files("model", {}, kind="model")
    trackers.finish(failed=False)


CALLS = ["begin", "log_metrics", "log_table", "log_picture", "log_files", "finish"]


def test_everything_reaches_every_tracker_without_paths():
    first, second = Recorder(), Recorder()
    trackers, said = isolated(first, second)
    do_everything(trackers)
    assert [call[0] for call in first.calls] == CALLS
    assert first.calls == second.calls
    assert dict(first.calls[0][1].configuration) == {"weights": "<path>", "steps": 3}
    assert said == []
    assert trackers.faults == {}


@pytest.mark.parametrize("fails_at", CALLS)
def test_a_fault_is_said_once_and_ends_that_tracker_only(fails_at):
    bad, good = Recorder(fails_at=(fails_at,)), Recorder()
    trackers, said = isolated(bad, good)
    do_everything(trackers)
    assert [call[0] for call in good.calls] == CALLS
    expected = CALLS[: CALLS.index(fails_at) + 1]
    # It is finished all the same, as failed, to let go of what it holds.
    assert [call[0] for call in bad.calls] == (
        expected if fails_at == "finish" else [*expected, "finish"]
    )
    assert bad.calls[-1] == ("finish", fails_at != "finish")
    assert len(said) == 1
    assert "Tracker tracker-0 failed (OSError: the disk is full)" in said[0]
    assert list(trackers.faults) == ["tracker-0"]


def test_a_fault_on_finishing_after_a_fault_is_not_said_again():
    trackers, said = isolated(Recorder(fails_at=("log_metrics", "finish")))
    do_everything(trackers)
    assert len(said) == 1
    assert trackers.faults["tracker-0"].__notes__ == ["and on finishing: OSError"]


def test_an_interruption_goes_through():
    class Interrupted(Recorder):
        def log_metrics(self, metrics, *, step):
            raise KeyboardInterrupt

    trackers, _ = isolated(Interrupted())
    trackers.begin(RUN)
    with pytest.raises(KeyboardInterrupt):
        trackers.log_metrics({"loss": 1.0}, step=1)


def test_a_metric_is_sent_once_a_step_and_run():
    recorder = Recorder()
    trackers, _ = isolated(recorder)
    trackers.begin(RUN)
    trackers.log_metrics({"loss": 1.0}, step=1)
    trackers.log_metrics({"loss": 1.0, "rate": 0.1}, step=1)
    trackers.log_metrics({"loss": 1.0}, step=1)
    trackers.log_metrics({"loss": 0.5}, step=2)
    trackers.begin(RUN)
    trackers.log_metrics({"loss": 1.0}, step=1)
    logged = [call[1:] for call in recorder.calls if call[0] == "log_metrics"]
    assert logged == [
        ({"loss": 1.0}, 1),
        ({"rate": 0.1}, 1),
        ({"loss": 0.5}, 2),
        ({"loss": 1.0}, 1),
    ]


def test_finishing_twice_or_before_beginning_does_nothing():
    recorder = Recorder()
    trackers, _ = isolated(recorder)
    trackers.finish(failed=True)
    do_everything(trackers)
    trackers.finish(failed=True)
    assert [call[0] for call in recorder.calls].count("finish") == 1


def test_members_are_trackers_that_fail_alone():
    bad, good = Recorder(fails_at=("begin",)), Recorder()
    trackers, said = isolated(bad, good)
    assert len(trackers) == 2
    assert [one.name for one in trackers] == [one.name for one in trackers[:]]
    for tracker in trackers:
        do_everything(tracker)
    assert [call[0] for call in good.calls] == CALLS
    assert len(said) == 1
