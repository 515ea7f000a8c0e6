from __future__ import annotations

import os
import sys
import time
from functools import partial

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import device_list, make_executor
from examwise.core.executors.device_list import DeviceList, take_place
from examwise.core.executors.protocol import on_devices

TWO_EACH = DeviceList(("0", "3"), runs_per_device=2)


def seen(number, *, meeting):
    """Tell what a process sees, once as many as there are places have come together."""
    had_torch = "torch" in sys.modules
    (meeting / str(os.getpid())).touch()
    end = time.monotonic() + 60
    while len(list(meeting.iterdir())) < len(TWO_EACH.places) and time.monotonic() < end:
        time.sleep(0.01)
    return number, os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"], had_torch


def process_of(_):
    return os.getpid()


def visible(_):
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def test_each_process_sees_one_device_and_has_it_to_the_end(tmp_path):
    executor = on_devices(make_executor(2, devices=TWO_EACH))
    assert executor.n_workers == 4
    told = list(executor.map(partial(seen, meeting=tmp_path), range(12)))
    assert sorted(number for number, *_ in told) == list(range(12))
    device_of = {(process, device) for _, process, device, _ in told}
    assert sorted(device for _, device in device_of) == ["0", "0", "3", "3"]
    assert len({process for process, _ in device_of}) == 4
    assert not any(had_torch for *_, had_torch in told)


def test_processes_end_with_the_work_on_devices():
    executor = on_devices(make_executor(1, devices=TWO_EACH))
    for process in set(executor.map(process_of, range(4))):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_what_wants_no_device_sees_none():
    assert list(make_executor(1, devices=TWO_EACH).map(visible, [0])) == [""]


def test_without_a_list_nothing_is_hidden(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    executor = make_executor(2)
    assert on_devices(executor) is executor
    assert on_devices(make_executor(1)).n_workers == 1


def test_more_processes_than_places_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(device_list, "_PATIENCE_S", 0.1)
    take_place(str(tmp_path), ("0",))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    with pytest.raises(Exception, match="more than 1 processes"):
        take_place(str(tmp_path), ("0",))


@pytest.mark.parametrize(
    ("devices", "shared", "said"),
    [((), 1, "at least one"), (("0", "0"), 1, "each once"), (("0",), 0, "1 or more")],
)
def test_lists_that_make_no_sense(devices, shared, said):
    with pytest.raises(InputError, match=said):
        DeviceList(devices, shared)
