"""How fast synthetic archives are made, and where the time goes.

Run: python benchmarks/phantom.py [--exams N] [--matrix 128 512]. One process, CPU time; shares and
ratios are of one run, so that they can be compared between machines.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.phantom import densities, exam
from examwise.phantom.archive import make_phantom_archive
from examwise.phantom.config import PhantomConfig
from examwise.phantom.layouts import LAYOUTS
from examwise.phantom.patients import patient_numbers

STEPS = {
    "head": (densities, ("head_fields", "outside_hu")),
    "brain": (densities, ("brain_fields", "brain_hu")),
    "mimics": (densities, ("apply_mimics", "apply_outside")),
    "scanner": (exam, ("acquire_slice",)),
}
HOSPITALS = {"rsna": "a", "cq500": "b", "ct-ich": "c"}


class Stopwatch:
    """Adds up the CPU time spent in functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, timed under a name."""

        def timed(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            try:
                return function(*args, **options)
            finally:
                spent = time.process_time() - start
                self.seconds[name] = self.seconds.get(name, 0.0) + spent

        return timed


def main() -> None:
    """Make archives of every layout and print slices a second and shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exams", type=int, default=12)
    parser.add_argument("--matrix", type=int, nargs="+", default=[128, 512])
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, one process")
    for matrix in options.matrix:
        for layout in LAYOUTS:
            config = PhantomConfig(
                n_exams=options.exams, matrix=matrix, hospital=HOSPITALS[layout], further_series=0
            )
            warm_up(config)
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                summary = make_phantom_archive(
                    f"{folder}/archive",
                    config,
                    layout=layout,
                    executor=make_executor(1),
                    progress=SilentProgress(),
                )
                spent = time.process_time() - start
            speed = summary.n_slices / spent
            print(f"{layout} at {matrix}²: {summary.n_slices} slices, {speed:.0f} slices/s")
            print_shares(config, spent)


def warm_up(config: PhantomConfig) -> None:
    """Render once, so that imports and cached matrices are not counted."""
    exam.render_exam(config, 0, 0)


def print_shares(config: PhantomConfig, whole: float) -> None:
    """Render the same exams without writing them, and print each step's share of the whole."""
    watch = Stopwatch()
    with ExitStack() as stack:
        for name, (module, functions) in STEPS.items():
            for function in functions:
                timed = watch.wrap(name, getattr(module, function))
                stack.enter_context(patch.object(module, function, timed))
        start = time.process_time()
        for number, patient in enumerate(patient_numbers(config).tolist()):
            exam.render_exam(config, number, patient)
        rendering = time.process_time() - start
    watch.seconds["bleeds and the rest"] = rendering - sum(watch.seconds.values())
    watch.seconds["files"] = max(whole - rendering, 0.0)
    shares = (f"{name} {seconds / whole:.2f}" for name, seconds in watch.seconds.items())
    print(f"  shares: {', '.join(shares)}")


if __name__ == "__main__":
    main()
