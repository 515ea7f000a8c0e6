"""How fast training is, and what it holds: beside the published loop, and beside its own encoder.

Run: python benchmarks/train.py [--matrix 224 512] [--turns 3] [--long-exam 600], on a CPU or a
GPU, whichever PyTorch finds. Exams are synthetic, in a temporary folder. Every contender is a
process of its own (`train_contenders.py`); they take turns, all others stopped meanwhile
(`train_turns.py`), so that ratios are of times that lie side by side; a figure is the median over
turns. On a busy machine processor time, of a process and its workers, says more than the clock;
ratios are given for both, the clock's first. Contenders:

* this package's loop, a whole run by `train_run`: with slices cached in memory, with neither slices
  nor files in memory, and with the first step's batch at every step, on the device already;
* its encoder alone, forward and backward, on images on the device, as many as in a step;
* the published loop (`train_published.py`), with exam labels and with slice labels.

All train the published network, on equally many slices an exam. With --long-exam, instead: the
most memory that a step on an exam of so many slices takes beside one of a tenth.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from train_contenders import encoder_operations, matrix_rate
from train_published import N_WORKERS, SLICES_A_STEP
from train_store import write_store, write_torch_files
from train_turns import Contender

Task = dict[str, Any]
RSNA_SLICES = 752_803
OURS, COLD, RESIDENT = "our loop", "our loop, nothing in memory", "our loop, data on the device"
ENCODER = "encoder alone"
PUBLISHED = "published loop"
OUR_STRONG, PUBLISHED_STRONG = "our loop, slice labels", "published loop, slice labels"


def tasks_of(base: Task) -> dict[str, Task]:
    """Return the contenders at one matrix."""
    per_step, turn = base["exams_per_step"], base["steps"]
    # Caches are full, and the device has chosen its algorithms, after one pass and a step.
    ours = {**base, "what": "ours", "warm_up": math.ceil(base["exams"] / per_step) + 1}
    published = {**base, "what": "published", "workers": base["published_workers"], "warm_up": 2}
    slices = per_step * turn * base["slices"]
    return {
        OURS: ours,
        RESIDENT: {**ours, "what": "resident", "warm_up": 2},
        COLD: {**ours, "cache_mb": 0, "forget": True, "warm_up": 2},
        ENCODER: {**ours, "what": "encoder", "warm_up": 2},
        PUBLISHED: {**published, "steps": per_step * turn},
        OUR_STRONG: {**ours, "kind": "slice"},
        PUBLISHED_STRONG: {
            **published,
            "kind": "slice",
            "steps": max(1, slices // SLICES_A_STEP),
        },
    }


def slices_a_step(task: Task) -> int:
    """Return how many slices a contender's step takes."""
    if task["what"] == "published":
        return int(task["slices"]) if task["kind"] == "exam" else SLICES_A_STEP
    return int(task["exams_per_step"] * task["slices"])


@contextmanager
def started(tasks: Mapping[str, Task]) -> Iterator[dict[str, Contender]]:
    """Start contenders, one after the other, and end them."""
    with ExitStack() as stack:
        contenders = {}
        for name, task in tasks.items():
            contenders[name] = contender = Contender(task)
            stack.callback(contender.end)
        yield contenders


def compare(base: Task, options: argparse.Namespace) -> dict[str, Any]:
    """Let all contenders at one matrix take turns, and return their figures."""
    tasks = tasks_of(base)
    if options.contenders:
        tasks = {name: task for name, task in tasks.items() if name in options.contenders}
    rates: dict[str, list[float]] = {name: [] for name in tasks}
    processor: dict[str, list[float]] = {name: [] for name in tasks}
    with started(tasks) as contenders:
        for _ in range(options.turns):
            for name, contender in contenders.items():
                report = contender.turn()
                n_slices = report["steps"] * slices_a_step(tasks[name])
                rates[name].append(n_slices / report["seconds"])
                processor[name].append(n_slices / max(report["processor_seconds"], 0.01))
        memory = {}
        for name, contender in contenders.items():
            memory[name] = round(contender.peak_mib())
        device = {name: each.turn()["device_peak_mib"] for name, each in contenders.items()}

    def ratio(one: str, other: str) -> list[float]:
        """Return ratios of rates by the clock, and by processor time."""
        if one not in rates or other not in rates:
            return []
        both = ((each[one], each[other]) for each in (rates, processor))
        pairs = (zip(ones, others, strict=True) for ones, others in both)
        return [round(statistics.median(a / b for a, b in each), 3) for each in pairs]

    found = {
        "matrix": base["matrix"],
        "slices_per_second": {
            name: round(statistics.median(values), 2) for name, values in rates.items()
        },
        "slices_per_processor_second": {
            name: round(statistics.median(values), 2) for name, values in processor.items()
        },
        "peak_mib": memory,
        "device_peak_mib": {name: round(value) for name, value in device.items()},
        "step_with_real_data_over_resident": ratio(RESIDENT, OURS),
        "step_with_nothing_in_memory_over_resident": ratio(RESIDENT, COLD),
        "throughput_over_published": ratio(OURS, PUBLISHED),
        "throughput_over_published_slice_labels": ratio(OUR_STRONG, PUBLISHED_STRONG),
        "whole_step_of_encoder_alone": ratio(OURS, ENCODER),
    }
    if OURS in rates:
        hours = RSNA_SLICES / statistics.median(rates[OURS]) / 3600
        found["hours_for_752803_slices"] = round(hours, 2)
    if ENCODER in rates:
        torch.set_num_threads(base["threads"])
        rate = matrix_rate(is_mixed=base["precision"] != "32-true")
        done = statistics.median(rates[ENCODER]) * encoder_operations(base)
        found["matrix_teraflops"] = round(rate / 1e12, 3)
        found["encoder_of_matrix_rate"] = round(done / rate, 3)
    return found


def compare_lengths(base: Task, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the peaks of steps on long exams and on ones of a tenth, each in its own process."""
    peaks = {}
    for slices in (options.long_exam // 10, options.long_exam):
        store = folder / f"store-{slices}"
        write_store(store, exams=2, slices=slices, side=base["matrix"])
        task = {
            **base,
            "what": "ours",
            "store": str(store),
            "slices": slices,
            "exams": 2,
            "exams_per_step": 1,
            "cache_mb": 0,
            "warm_up": 1,
            "steps": 1,
        }
        with started({OURS: task}) as contenders:
            peaks[slices] = contenders[OURS].turn()
    kind = "device_peak_mib" if torch.cuda.is_available() else "peak_mib"
    short, long = (peaks[slices][kind] for slices in sorted(peaks))
    return {
        "matrix": base["matrix"],
        "chunk_slices": base["chunk_slices"],
        "peak_mib": {slices: round(report["peak_mib"]) for slices, report in peaks.items()},
        "device_peak_mib": {
            slices: round(report["device_peak_mib"]) for slices, report in peaks.items()
        },
        "long_over_short": round(long / short, 3),
    }


def show(found: Mapping[str, Any]) -> None:
    """Print one matrix's figures as a table."""
    side = found["matrix"]
    if "long_over_short" in found:
        print(f"\n| {side}², chunks of {found['chunk_slices']} | peak, MiB | of the device, MiB |")
        print("|---|---:|---:|")
        for slices, peak in found["peak_mib"].items():
            print(f"| {slices} slices | {peak:,} | {found['device_peak_mib'][slices]:,} |")
        print(f"\nlong_over_short: {found['long_over_short']}")
        return
    print(f"\n| {side}² | slices/s | of processor time | peak, MiB | of the device, MiB |")
    print("|---|---:|---:|---:|---:|")
    for name, rate in found["slices_per_second"].items():
        processor = found["slices_per_processor_second"][name]
        host, device = found["peak_mib"][name], found["device_peak_mib"][name]
        print(f"| {name} | {rate:,.2f} | {processor:,.2f} | {host:,} | {device:,} |")
    print()
    for name, value in found.items():
        if not isinstance(value, dict) and name != "matrix":
            print(f"{name}: {value}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    on_gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--matrix", type=int, nargs="+", default=[224, 512])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--exams", type=int, default=32 if on_gpu else 4)
    parser.add_argument("--slices", type=int, default=32 if on_gpu else 12, help="of an exam")
    parser.add_argument("--exams-per-step", type=int, default=8 if on_gpu else 2)
    parser.add_argument("--chunk-slices", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20 if on_gpu else 1, help="of a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--workers", type=int, default=8 if on_gpu else 0, help="of our loop")
    parser.add_argument("--published-workers", type=int, default=N_WORKERS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--augmentation", default="teneggi2023")
    parser.add_argument("--cache-mb", type=int, default=2048)
    parser.add_argument("--long-exam", type=int, default=0, help="slices; memory alone, no times")
    parser.add_argument("--contenders", nargs="+", help="some of them alone, by their names")
    parser.add_argument("--out", type=Path, help="a file for the figures, as JSON")
    return parser.parse_args()


def main() -> None:
    """Run from the command line."""
    options = parse()
    # Contenders would be left behind, stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "gpu": gpu,
        "torch": torch.__version__,
        "threads": options.threads,
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "matrices": [],
    }
    for matrix in options.matrix:
        with tempfile.TemporaryDirectory(prefix="examwise-bench-") as name:
            folder = Path(name)
            base: Task = {
                **vars(options),
                "kind": "exam",
                "matrix": matrix,
                "forget": False,
                "store": str(folder / "store"),
                "files": str(folder / "files"),
                "out": None,
            }
            if options.long_exam:
                found = compare_lengths(base, options, folder)
            else:
                size = {"exams": options.exams, "slices": options.slices, "side": matrix}
                write_store(folder / "store", **size)
                write_torch_files(folder / "files", **size)
                os.sync()
                found = compare(base, options)
        show(found)
        results["matrices"].append(found)
    results["load_average_after"] = [round(value, 1) for value in os.getloadavg()]
    text = json.dumps(results, indent=2)
    print(f"\n{text}")
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
