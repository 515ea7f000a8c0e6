"""A study stopped at any point goes on, and ends as if it had never been stopped."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = Path(__file__).parent / "tiny_study.yaml"
PATIENCE_S = 120.0

# A sign in the directory that a stage has come some way, and the number of files to wait for.
MOMENTS = {
    "phantom": ("archive/commits/exams/*.json", 10),
    "ingest": ("store/commits/exams/*.json", 10),
    "external phantom": ("external/1/archive/commits/exams/*.json", 2),
    "external ingest": ("external/1/store/commits/exams/*.json", 2),
    "training": ("runs/*/checkpoints/last.ckpt", 1),
    "runs": ("commits/runs/*.json", 3),
    "external predictions": ("external/1/predictions/*/manifest.json", 5),
    "evaluation": ("evaluation/*.parquet", 1),
}


def command(out, workers):
    words = ["study", str(CONFIG), "--out", str(out), "--workers", str(workers), "--quiet"]
    return [sys.executable, "-m", "examwise", *words]


def start(out, workers=1):
    return subprocess.Popen(
        command(out, workers), stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(process, out, moment):
    pattern, count = MOMENTS[moment]
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < end:
        if len(list(out.glob(pattern))) >= count:
            return
        time.sleep(0.002)
    assert process.poll() is not None, f"no sign of {moment}"


def tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        # What is kept of headers knows when their files were written.
        if path.is_file() and path.name != "provenance.json" and "headers" not in path.parts
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    subprocess.run(command(out, 1), check=True)
    return tree(out)


def test_two_workers_leave_the_same_bytes_as_one(uninterrupted, tmp_path):
    subprocess.run(command(tmp_path / "out", 2), check=True)
    assert tree(tmp_path / "out") == uninterrupted


def test_killed_again_and_again_it_ends_the_same(uninterrupted, tmp_path):
    out = tmp_path / "out"
    for moment in MOMENTS:
        process = start(out)
        wait_for(process, out, moment)
        # A fast machine may have finished before it was looked at.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    subprocess.run(command(out, 1), check=True)
    assert tree(out) == uninterrupted


def test_interrupted_from_the_keyboard_it_says_so_and_goes_on(uninterrupted, tmp_path):
    out = tmp_path / "out"
    process = start(out, workers=2)
    wait_for(process, out, "runs")
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert error.strip().splitlines()[-1].endswith("the same command goes on from here")
    subprocess.run(command(out, 1), check=True)
    assert tree(out) == uninterrupted
