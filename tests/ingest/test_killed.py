"""An import ended by SIGKILL, with all it had started, and gone on with."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends a group of processes")
PATIENCE_S = 60.0
N_EXAMS = 6

# Workers, and what must be on the disk when the kill falls: files by pattern, and how many.
MOMENTS = [(1, ".examwise-writer", 1), (2, "commits/exams/*", 1), (1, "commits/exams/*", 4)]


@pytest.mark.slow
def test_killed_again_and_again_it_ends_the_same(tmp_path: Path, write_rsna, run, tree) -> None:
    source, store = tmp_path / "source", tmp_path / "store"
    write_rsna(source, N_EXAMS)
    run("rsna", source, tmp_path / "whole")
    words = ["ingest", "rsna", str(source), str(store), "--quiet", "--ingest.matrix", "16"]
    words += ["--identity", str(tmp_path / "identity"), "--workers"]
    command = [sys.executable, "-m", "examwise", *words]
    for n_workers, pattern, count in MOMENTS:
        process = subprocess.Popen(
            [*command, str(n_workers)], start_new_session=True, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < end:
            if len(list(store.glob(pattern))) >= count:
                break
            time.sleep(0.002)
        # A fast machine may have finished before it was looked at.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = subprocess.run([*command, "1"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(store) == tree(tmp_path / "whole")
