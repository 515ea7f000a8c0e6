"""An import killed again and again: does the store end as if nobody had touched it?

Run: python benchmarks/kill_import.py [--kills 50] [--exams 8] [--workers 1 2] [--seed 0]. Writes a
small synthetic archive, imports it once untouched, and then for every kill begins an import anew,
ends its whole process group with SIGKILL once a random part of the files is there and up to 50 ms
more have passed, and goes on with it to the end. The finished store must be the same byte for byte
(provenance.json apart). Says what stood on the disk when the kills fell. The exit status is 1 if
any store differs, or any second run fails.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def tree(folder: Path) -> dict[str, str]:
    """Return digests of all files, provenance left out."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def moment(store: Path, n_exams: int) -> str:
    """Say how far an import had come."""
    n_stored = len(list(store.glob("commits/exams/*.json")))
    if (store / "manifest.json").exists():
        return "after the end"
    if not (store / "stage.json").exists():
        return "before the first file"
    if n_stored == 0:
        return "before the first exam"
    return "between exams" if n_stored < n_exams else "while tables were written"


def command(archive: Path, store: Path, identity: Path, n_workers: int) -> list[str]:
    """Return the import's command."""
    words = ["ingest", "rsna", str(archive), str(store), "--identity", str(identity), "--quiet"]
    return [sys.executable, "-m", "examwise", *words, "--workers", str(n_workers)]


def n_files(folder: Path) -> int:
    """Count files, which may vanish meanwhile."""
    return sum(len(files) for _, _, files in os.walk(folder))


def killed(words: list[str], store: Path, after_files: float, and_s: float) -> None:
    """Begin a command, and end it and all it has started once the store holds so many files."""
    process = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
    while process.poll() is None and n_files(store) < after_files:
        time.sleep(0.001)
    time.sleep(and_s)
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> int:
    """Import, kill, go on, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--exams", type=int, default=8)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="examwise-kill-"))
    archive, identity = folder / "archive", folder / "identity"
    words = ["phantom", str(archive), "--exams", str(options.exams)]
    words += ["--matrix", "64", "--seed", "1", "--quiet"]
    subprocess.run([sys.executable, "-m", "examwise", *words], check=True)
    wrong = 0
    for n_workers in options.workers:
        whole, store = folder / f"whole-{n_workers}", folder / "store"
        start = time.perf_counter()
        subprocess.run(command(archive, whole, identity, n_workers), check=True)
        duration = time.perf_counter() - start
        expected = tree(whole)
        n_exams = len(list(whole.glob("commits/exams/*.json")))
        moments: Counter[str] = Counter()
        for _ in range(options.kills):
            shutil.rmtree(store, ignore_errors=True)
            words = command(archive, store, identity, n_workers)
            killed(words, store, chance.uniform(0, len(expected)), chance.uniform(0, 0.05))
            moments[moment(store, n_exams)] += 1
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode or tree(store) != expected:
                wrong += 1
                print(f"WRONG: status {done.returncode} {done.stderr.strip()[-200:]}")
        fell = ", ".join(f"{name} {number}" for name, number in sorted(moments.items()))
        print(
            f"{n_workers} worker(s): {n_exams} exams in {duration:.1f} s; killed {options.kills} "
            f"times ({fell}); {wrong} stores differ so far",
            flush=True,
        )
    shutil.rmtree(folder)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
