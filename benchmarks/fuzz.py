"""Damaged files by the thousand: what does reading them come to?

Run: python benchmarks/fuzz.py [--files 20000] [--seed 0] [--workers 2] [--keep DIR] [--json].
Small files in every coding (and the real ones in EXAMWISE_TEST_DATA of at most 1 MiB, with
--real) are damaged at random: bits, runs of bytes, lengths, VRs, tags, what headers and
codestreams say of sizes. Each is read as an importer reads it, in a process that may be killed:
after 5 s, or when it asks for more than 512 MiB. Whatever is not refused with a reason is compared
with dcmtk's decode of the same file (NIfTI: with a few lines of NumPy). The exit status is 1 if any
file crashed its process, hung, took too much memory, raised, or decoded to something else. Linux
only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_pixels import PixelFile
from examwise.imaging.dicom_rules import ct_slices
from examwise.imaging.nifti import read_nifti_scan
from examwise.imaging.reasons import ImageRefused
from fuzz_bases import Base, make_bases
from fuzz_damage import Case, make_case
from fuzz_reference import reference_hu, same_hu

PATIENCE_S = 5.0
ROOM_MIB = 512
_CASES_A_PROCESS = 2000


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged file.

    Attributes:
        index: Its number.
        base: What it was made from.
        damage: What was done to it.
        result: ``refused``, ``as reference``, ``no reference``, ``reference refuses``, or what is
            wrong: ``differs``, ``raised``, ``memory``, ``hung``, ``crashed``.
        detail: The reason, or the error's name.
        peak_mib: Memory beyond what the process held before.
        seconds: Time that reading took.
    """

    index: int
    base: str
    damage: tuple[str, ...]
    result: str
    detail: str = ""
    peak_mib: float = 0.0
    seconds: float = 0.0


WRONG = ("differs", "raised", "memory", "hung", "crashed")


def read_as_importer(path: Path) -> np.ndarray:
    """Read a file's first slice, or its volume, as an importer does."""
    if path.name.endswith((".nii", ".nii.gz")):
        return read_nifti_scan(path).volume.pixels_hu
    places = ct_slices(read_header(path))
    pixels = PixelFile(path)
    return next(pixels.hu(place) for place in places)


def judge(path: Path) -> tuple[str, str, np.ndarray | None]:
    """Read a file; return result, detail and HU."""
    try:
        return "decoded", "", read_as_importer(path)
    except ImageRefused as refusal:
        return "refused", refusal.reason, None
    except MemoryError:
        return "memory", "MemoryError", None
    except Exception as error:
        return "raised", type(error).__name__, None


def _status_kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _work(connection: Connection, bases: Sequence[Base], seed: int, folder: str) -> None:
    """Answer numbers of cases with their outcomes, in two steps: read, then compared."""
    for base in bases[:20]:  # whatever is imported on first use is no case's memory
        judge(_written(Path(folder), base, base.data))
    room = _status_kib("VmSize") * 1024 + (ROOM_MIB << 20)
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (index := connection.recv()) is not None:
        case = make_case(bases, seed, index)
        path = _written(Path(folder), case.base, case.data)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
        before, start = _status_kib("VmRSS"), time.perf_counter()
        connection.send("reading")
        result, detail, hu = judge(path)
        seconds = time.perf_counter() - start
        connection.send("read")
        peak_mib = (_status_kib("VmHWM") - before) / 1024
        if hu is not None:
            result = _compared(path, hu)
        connection.send(
            Outcome(index, case.base.name, case.damage, result, detail, peak_mib, seconds)
        )


def _written(folder: Path, base: Base, data: bytes) -> Path:
    path = folder / f"case{_suffix(base)}"
    path.write_bytes(data)
    return path


def _suffix(base: Base) -> str:
    return "." + base.name.partition(".")[2] if base.is_nifti else ".dcm"


def _compared(path: Path, hu: np.ndarray) -> str:
    reference = reference_hu(path)
    if isinstance(reference, str):
        return {"refused": "reference refuses", "no decoder": "no reference"}[reference]
    return "as reference" if same_hu(path, hu, reference) else "differs"


@dataclass
class Worker:
    """A process that reads damaged files until it dies."""

    bases: Sequence[Base]
    seed: int
    index: int = -1
    deadline: float = float("inf")
    n_read: int = 0
    process: multiprocessing.process.BaseProcess = field(init=False)
    connection: Connection = field(init=False)
    folder: tempfile.TemporaryDirectory[str] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start a fresh process."""
        context = multiprocessing.get_context("spawn")
        self.folder = tempfile.TemporaryDirectory()
        self.connection, other = context.Pipe()
        arguments = (other, self.bases, self.seed, self.folder.name)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        self.process.start()
        other.close()
        self.n_read = 0

    def give(self, index: int) -> None:
        """Give the next case."""
        if self.n_read >= _CASES_A_PROCESS:
            self.stop()
            self.start()
        self.index, self.deadline = index, float("inf")
        self.n_read += 1
        self.connection.send(index)

    def answer(self) -> Outcome | None:
        """Return the outcome, if there is one; a dead or late process is replaced."""
        try:
            while self.connection.poll():
                told = self.connection.recv()
                if isinstance(told, Outcome):
                    return told
                reading = told == "reading"
                self.deadline = time.monotonic() + PATIENCE_S if reading else float("inf")
        except (EOFError, ConnectionError):
            self.process.join()
            return self._ended("crashed", f"exit status {self.process.exitcode}")
        if time.monotonic() > self.deadline:
            return self._ended("hung", f"over {PATIENCE_S:.0f} s")
        return None

    def _ended(self, result: str, detail: str) -> Outcome:
        case = make_case(self.bases, self.seed, self.index)
        self.stop()
        self.start()
        return Outcome(self.index, case.base.name, case.damage, result, detail)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.folder.cleanup()


def run_cases(bases: Sequence[Base], *, n_files: int, seed: int, n_workers: int) -> list[Outcome]:
    """Read all damaged files, each once; one that hung is read again, alone, to be sure."""
    workers = [Worker(bases, seed) for _ in range(n_workers)]
    todo = iter(range(n_files))
    outcomes: list[Outcome] = []
    busy = []
    for worker in workers:
        if (index := next(todo, None)) is not None:
            worker.give(index)
            busy.append(worker)
    while busy:
        wait([worker.connection for worker in busy], timeout=0.5)
        for worker in list(busy):
            if (outcome := worker.answer()) is None:
                continue
            outcomes.append(outcome)
            if len(outcomes) % 1000 == 0:
                wrong = sum(one.result in WRONG for one in outcomes)
                print(f"{len(outcomes)} files, {wrong} wrong", file=sys.stderr, flush=True)
            if (index := next(todo, None)) is None:
                busy.remove(worker)
            else:
                worker.give(index)
    for place, outcome in enumerate(outcomes):
        if outcome.result == "hung":
            workers[0].give(outcome.index)
            while (again := workers[0].answer()) is None:
                time.sleep(0.01)
            outcomes[place] = again
    for worker in workers:
        worker.stop()
    return outcomes


def keep(case: Case, outcome: Outcome, folder: Path) -> None:
    """Keep a file that something is wrong with."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{outcome.index}-{outcome.result}{_suffix(case.base)}"
    path.write_bytes(case.data)


def main() -> int:
    """Damage, read, compare, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--real", action="store_true", help="damage real files as well")
    parser.add_argument("--keep", type=Path, help="folder for files that something is wrong with")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    options = parser.parse_args()
    real = os.environ.get("EXAMWISE_TEST_DATA") if options.real else None
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        bases = make_bases(Path(folder), Path(real) if real else None)
    outcomes = run_cases(bases, n_files=options.files, seed=options.seed, n_workers=options.workers)
    seconds = time.perf_counter() - start
    wrong = sorted(
        (one for one in outcomes if one.result in WRONG), key=lambda one: (one.result, one.index)
    )
    for one in wrong if options.keep else ():
        keep(make_case(bases, options.seed, one.index), one, options.keep)
    if options.json:
        counted = Counter(one.result for one in outcomes)
        found = {
            "results": counted,
            "wrong": [asdict(one) for one in wrong],
            "reasons": Counter(one.detail for one in outcomes if one.result == "refused"),
            "bases": len(bases),
            "largest_peak_mib": max(one.peak_mib for one in outcomes),
            "longest_s": max(one.seconds for one in outcomes),
            "seconds": seconds,
        }
        print(json.dumps(found))
        return int(bool(wrong))
    table = Counter((one.base, one.result) for one in outcomes)
    results = sorted({result for _, result in table})
    width = max(len(base.name) for base in bases)
    print(" " * width, *results, sep="  ")
    for base in bases:
        cells = (f"{table[base.name, result]:>{len(result)}}" for result in results)
        print(f"{base.name:<{width}}", *cells, sep="  ")
    reasons = Counter(one.detail for one in outcomes if one.result == "refused")
    print("refused as:", ", ".join(f"{reason} {n}" for reason, n in reasons.most_common()))
    hardest = max(outcomes, key=lambda one: one.peak_mib)
    slowest = max(outcomes, key=lambda one: one.seconds)
    print(f"largest peak: {hardest.peak_mib:.0f} MiB ({hardest.base}: {hardest.damage})")
    print(f"longest read: {slowest.seconds:.2f} s ({slowest.base}: {slowest.damage})")
    for one in wrong:
        print(f"WRONG {one.index} {one.result} {one.detail}: {one.base}, {', '.join(one.damage)}")
    print(f"{len(outcomes)} files, {len(wrong)} wrong, in {seconds:.0f} s")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
