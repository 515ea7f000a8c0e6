"""Worker processes end with the process that began them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 30.0
SCRIPT = """
import os, sys, time
from pathlib import Path
from examwise.core.executors import make_executor

def note(item):
    folder, seconds = item
    Path(folder, str(os.getpid())).touch()
    time.sleep(seconds)

folder, seconds = sys.argv[1], float(sys.argv[2])
list(make_executor(2).map(note, [(folder, 0.3)] * 2))
Path(folder, "idle").touch()
list(make_executor(2).map(note, [(folder, seconds)] * 2))
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="no /proc tells whether a process is alive"
)


def is_alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # ended, and nobody has asked yet what became of it


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("seconds", [0.0, 600.0], ids=["idle", "busy"])
def test_workers_end_when_the_main_process_is_killed(tmp_path, seconds):
    main = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path), str(seconds)])
    try:
        wait_until((tmp_path / "idle").exists)
        workers = [int(path.name) for path in tmp_path.iterdir() if path.name != "idle"]
        assert workers
        assert all(is_alive(worker) for worker in workers)
    finally:
        main.kill()
        main.wait()
    wait_until(lambda: not any(is_alive(worker) for worker in workers))


def test_an_interrupt_from_the_keyboard_leaves_nothing_running_and_nothing_said(tmp_path):
    main = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path), "600"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until((tmp_path / "idle").exists)
    workers = [int(path.name) for path in tmp_path.iterdir() if path.name != "idle"]
    time.sleep(0.5)
    os.killpg(main.pid, signal.SIGINT)
    _, said = main.communicate(timeout=PATIENCE_S)
    assert said.count("Traceback") == 1
    assert said.strip().endswith("KeyboardInterrupt")
    wait_until(lambda: not any(is_alive(worker) for worker in workers))
