import os
import signal

import pytest

from examwise.core.errors import ExamwiseError, InputError
from examwise.core.executors import EXECUTORS, make_executor

WORKERS = {"serial": 1}


def square(number):
    return number, number * number


def refuse(number):
    raise InputError(where=f"item {number}", expected="nothing", got=number)


def threads(_):
    return os.environ.get("OMP_NUM_THREADS")


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(params=list(EXECUTORS))
def executor(request):
    return EXECUTORS.load(request.param)(WORKERS.get(request.param, 2))


def test_every_item_gets_its_result_once(executor):
    assert sorted(executor.map(square, range(20))) == [(n, n * n) for n in range(20)]


def test_no_items_give_no_results(executor):
    assert list(executor.map(square, [])) == []


def test_errors_come_back_as_they_were(executor):
    with pytest.raises(InputError, match="item 3: expected nothing, got 3"):
        list(executor.map(refuse, [3]))


def test_worker_count_is_told(executor):
    assert executor.n_workers >= 1


def test_workers_compute_with_one_thread_each():
    assert list(make_executor(2).map(threads, [0])) == ["1"]


def test_killed_worker_is_explained():
    with pytest.raises(ExamwiseError, match="goes on where it was"):
        list(make_executor(2).map(die, [0]))


def test_serial_executor_has_one_worker():
    with pytest.raises(ValueError, match="one worker"):
        EXECUTORS.load("serial")(2)
