import importlib.util
import os
import signal
import tempfile
from pathlib import Path

import pytest

from examwise import __version__
from examwise.core.errors import ExamwiseError, InputError
from examwise.core.executors import EXECUTORS, make_executor, ray_cluster
from examwise.core.writer_lock import BusyError

WORKERS = {"serial": 1}
NEEDS = {"ray": "ray"}
"""Executor to the package it needs."""


def square(number):
    return number, number * number


def refuse(number):
    raise InputError(where=f"item {number}", expected="nothing", got=number)


def threads(_):
    return os.environ.get("OMP_NUM_THREADS")


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker):
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker.name


def note_and_die(places):
    (folder,), note = places
    note.write_text(str(Path(folder).stat().st_mode))
    os.kill(os.getpid(), signal.SIGKILL)


def folder_of(made):
    make = tempfile.mkdtemp

    def mkdtemp(*args, **kwargs):
        made.append(make(*args, **kwargs))
        return made[-1]

    return mkdtemp


def require_package(name):
    # Ray is configured before its first import, so nothing here may import it.
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def made():
    """Executors that were made, by name: a cluster takes seconds to start."""
    executors = {}
    yield executors
    for executor in executors.values():
        if hasattr(executor, "close"):
            executor.close()


@pytest.fixture(params=list(EXECUTORS))
def executor(request, made):
    name = request.param
    if package := NEEDS.get(name):
        require_package(package)
    if name not in made:
        made[name] = EXECUTORS.load(name)(WORKERS.get(name, 2))
    return made[name]


@pytest.fixture
def ray_executor(made):
    require_package("ray")
    if "ray" not in made:
        made["ray"] = EXECUTORS.load("ray")(2)
    return made["ray"]


def test_every_item_gets_its_result_once(executor):
    assert sorted(executor.map(square, range(20))) == [(n, n * n) for n in range(20)]


def test_no_items_give_no_results(executor):
    assert list(executor.map(square, [])) == []


def test_items_are_taken_as_they_are_needed(executor):
    taken = []

    def items():
        for number in range(500):
            taken.append(number)
            yield number

    results = executor.map(square, items())
    next(results)
    assert len(taken) < 100
    assert len(list(results)) == 499


def test_worker_count_is_told(executor):
    assert executor.n_workers >= 1


def test_workers_compute_with_one_thread_each():
    assert list(make_executor(2).map(threads, [0])) == ["1"]


def test_killed_worker_is_explained():
    with pytest.raises(ExamwiseError, match="goes on where it was"):
        list(make_executor(2).map(die, [0]))


def test_lost_process_is_made_good_by_a_cluster(ray_executor, tmp_path: Path):
    markers = [tmp_path / name for name in "ab"]
    assert sorted(ray_executor.map(die_once, markers)) == ["a", "b"]


def test_the_lock_of_a_lost_process_is_waited_for(monkeypatch):
    monkeypatch.setattr(ray_cluster, "_SECONDS_BETWEEN_TRIES", 0.0)
    tries = []

    def locked_twice(item):
        tries.append(item)
        if len(tries) < 3:
            raise BusyError(where="a run", expected="to be alone", got="another")
        return item

    origin = ray_cluster._Origin(__version__, str(Path.cwd()))
    assert ray_cluster._attempt(origin, locked_twice, 7, True) == 7
    monkeypatch.setattr(ray_cluster, "_PATIENCE_S", -1.0)
    tries.clear()
    assert isinstance(ray_cluster._attempt(origin, locked_twice, 7, True).error, BusyError)
    assert len(tries) == 1


def test_errors_come_back_as_they_were(executor):
    with pytest.raises(InputError, match="item 3: expected nothing, got 3"):
        list(executor.map(refuse, [3]))


def test_cluster_that_fails_says_it_once_and_leaves_nothing(
    ray_executor, capfd, monkeypatch, tmp_path: Path
):
    made = []
    monkeypatch.setattr(ray_cluster.tempfile, "mkdtemp", folder_of(made))
    ray_executor.close()
    with pytest.raises(ExamwiseError, match=r"4 times.*goes on where it was"):
        # A generator: the folder is made when the cluster is.
        list(ray_executor.map(note_and_die, ((made, tmp_path / "mode") for _ in range(1))))
    assert int((tmp_path / "mode").read_text()) & 0o077 == 0
    assert not Path(made[0]).exists()
    assert capfd.readouterr() == ("", "")


def test_no_cluster_is_a_clear_error(monkeypatch):
    require_package("ray")
    for name in ("elsewhere", "ray://host:1", "host", "http://host:1"):
        with pytest.raises(InputError, match="auto, local or host:port"):
            EXECUTORS.load("ray")(address=name)
    with pytest.raises(InputError, match="no connection"):
        EXECUTORS.load("ray")(address="127.0.0.1:9")


def test_serial_executor_has_one_worker():
    with pytest.raises(ValueError, match="one worker"):
        EXECUTORS.load("serial")(2)
