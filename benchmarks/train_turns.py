"""Contenders in processes of their own that take turns, all others stopped meanwhile.

A contender does steps of training without end. Between turns its whole process group is stopped,
with the workers that read ahead for it, so that nothing is prepared, or paid for, in another's
time. Linux and macOS; memory on Linux alone.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from study import memory_mib, tree

_SECONDS_BETWEEN_SAMPLES = 0.1
_MIB = 1 << 20


class Contender:
    """The starting side: a process that waits for its turns.

    Args:
        task: What it is to do, for :mod:`train_contenders`.
    """

    def __init__(self, task: Mapping[str, Any]) -> None:
        script = Path(__file__).with_name("train_contenders.py")
        threads = str(task["threads"])
        self._process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": threads},
        )
        try:
            self._wait()
        except BaseException:
            self.end()
            raise

    def turn(self) -> dict[str, Any]:
        """Let it do its steps; return what it says of them, and the processor time they took."""
        before = processor_seconds(tree(self._process.pid))
        self._go()
        report = self._wait()
        report["processor_seconds"] = processor_seconds(tree(self._process.pid)) - before
        return report

    def peak_mib(self) -> float:
        """Let it do its steps once more; return the most that it, and its workers, ever held."""
        process = self._process.pid
        highest, is_over = 0.0, threading.Event()

        def sample() -> None:
            nonlocal highest
            while not is_over.wait(_SECONDS_BETWEEN_SAMPLES):
                highest = max(highest, memory_mib(tree(process)[1:]))

        sampling = threading.Thread(target=sample)
        sampling.start()
        try:
            report = self.turn()
        finally:
            is_over.set()
            sampling.join()
        return highest + float(report["peak_mib"])

    def end(self) -> None:
        """End it and its workers."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _go(self) -> None:
        assert self._process.stdin is not None
        os.killpg(self._process.pid, signal.SIGCONT)
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def _wait(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a contender ended with status {self._process.wait()}")
        os.killpg(self._process.pid, signal.SIGSTOP)
        report: dict[str, Any] = json.loads(line)
        return report


class Turns:
    """The contender's side: counts its steps, and waits where a turn is over.

    Args:
        warm_up: Steps before the first turn.
        steps: Steps of a turn.
        synchronize: Waits for the device.
        prepare: Called before every step, outside of its time.
    """

    def __init__(
        self,
        *,
        warm_up: int,
        steps: int,
        synchronize: Callable[[], None],
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self._left = warm_up
        self._steps = steps
        self._synchronize = synchronize
        self._prepare = prepare
        self._seconds = 0.0
        # Whatever others print must not come between.
        self._reports = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._start = time.perf_counter()

    def step_done(self) -> None:
        """Count a step."""
        self._left -= 1
        if self._left > 0 and self._prepare is None:
            return
        self._synchronize()
        self._seconds += time.perf_counter() - self._start
        if self._left <= 0:
            report = {"seconds": self._seconds, "steps": self._steps, **peaks()}
            self._reports.write(json.dumps(report) + "\n")
            self._reports.flush()
            if not sys.stdin.readline():
                sys.exit()
            self._left, self._seconds = self._steps, 0.0
        if self._prepare is not None:
            self._prepare()
        self._start = time.perf_counter()


def processor_seconds(processes: list[int]) -> float:
    """Return the processor time that processes have had so far; 0 where the system cannot tell."""
    total = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def peaks() -> dict[str, float]:
    """Return the most memory that this process has held so far, and that of its device, MiB."""
    import torch

    try:
        status = Path("/proc/self/status").read_text()
        host = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024
        host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB
    has_device = torch.cuda.is_available()
    device = torch.cuda.max_memory_allocated() / _MIB if has_device else 0.0
    return {"peak_mib": host, "device_peak_mib": device}
