"""How fast images are augmented: the published pipeline by TorchIO beside this package's own.

Run: python benchmarks/augmentation.py [--matrix 96 224 512] [--turns 5] [--seconds 2]. One core,
one thread, all in one process, in turns; a rate is slices per second of processor time, the best
turn of each. The published pipeline gets a slice at a time: with three equal channels, as in the
published code, and with one, as in this package's loader. Augmentations of the device get an exam
of 32 windowed slices of one channel; drawing is counted. Where there is a GPU they are timed there
too, by the clock, on 256 slices at a time; ratios are to the one core with TorchIO.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable

import numpy as np
import SimpleITK
import torch
import torchio

from examwise.training.augmentations import AUGMENTATIONS
from examwise.training.augmentations.choose import make_augmentation
from examwise.training.augmentations.torchio_teneggi2023 import published_transform

Work = Callable[[int], int]
"""Does the work of a turn's n-th call and returns how many slices it was."""
EXAM_SLICES = 32
GPU_SLICES = 256


def head_slice(side: int) -> torch.Tensor:
    """Return a windowed slice like a head, 0 … 1, shape (side, side)."""
    noise = np.random.default_rng(0).normal(0, 0.05, (side, side))
    row, column = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    radius = np.hypot(row / 0.85, column / 0.7)
    image = np.where(radius < 0.9, 0.4 + noise, 1.0) * (radius < 1)
    return torch.from_numpy(image.clip(0, 1).astype(np.float32))


def torchio_work(side: int, channels: int) -> Work:
    """Return the published pipeline on one slice at a time."""
    transform = published_transform()
    image = head_slice(side).expand(channels, side, side)[..., None].contiguous()

    def work(_: int) -> int:
        transform(image)
        return 1

    return work


def device_work(name: str, side: int, *, device: str, n_slices: int) -> Work:
    """Return one of the package's own on a batch."""
    augmentation = make_augmentation(name)
    images = (head_slice(side) * 2 - 1).expand(n_slices, 1, side, side).contiguous().to(device)
    n_exams = max(1, n_slices // EXAM_SLICES)
    sizes = torch.full((n_exams,), n_slices // n_exams, device=device)
    exam_ids = [f"exam {number}" for number in range(n_exams)]

    def work(step: int) -> int:
        transform = augmentation.draw(exam_ids, sizes, seed=0, step=step)
        transform(images, slice(0, n_slices))
        return n_slices

    return work


def rate(work: Work, seconds: float, *, on_gpu: bool = False) -> float:
    """Return slices per second: of processor time, or of the clock on a GPU."""
    clock = time.perf_counter if on_gpu else time.process_time
    work(0)
    if on_gpu:
        torch.cuda.synchronize()
    n_slices, calls, start = 0, 0, clock()
    while clock() - start < seconds:
        calls += 1
        n_slices += work(calls)
        if on_gpu and calls % 8 == 0:
            torch.cuda.synchronize()
    if on_gpu:
        torch.cuda.synchronize()
    return n_slices / (clock() - start)


def measure(side: int, options: argparse.Namespace) -> None:
    """Time everything at one matrix and print it."""
    works: dict[str, Work] = {
        "TorchIO, three channels": torchio_work(side, 3),
        "TorchIO, one channel": torchio_work(side, 1),
    }
    own = [name for name in AUGMENTATIONS if name != "none"]
    for name in own:
        works[f"{name}, one core"] = device_work(name, side, device="cpu", n_slices=EXAM_SLICES)
    best = dict.fromkeys(works, 0.0)
    for _ in range(options.turns):
        for name, work in works.items():
            best[name] = max(best[name], rate(work, options.seconds))
    if torch.cuda.is_available():
        for name in own:
            work = device_work(name, side, device="cuda", n_slices=GPU_SLICES)
            turns = [rate(work, options.seconds, on_gpu=True) for _ in range(options.turns)]
            best[f"{name}, GPU"] = max(turns)
    print(f"\n| {side}² | slices/s | to three channels | to one channel |")
    print("|---|---:|---:|---:|")
    three, one = best["TorchIO, three channels"], best["TorchIO, one channel"]
    for name, value in best.items():
        print(f"| {name} | {value:,.0f} | {value / three:.1f} | {value / one:.1f} |")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--matrix", type=int, nargs="+", default=[96, 224, 512])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    torch.manual_seed(0)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    print(
        f"torch {torch.__version__}, TorchIO {torchio.__version__}, {platform.machine()}, GPU {gpu}"
    )
    for side in options.matrix:
        measure(side, options)


if __name__ == "__main__":
    main()
