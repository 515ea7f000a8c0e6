"""Trials as Ray Tune runs them: side by side in processes of their own, asked for one by one.

Ray keeps nothing: what was tried and what came of it is in the tuning directory, whose records
answer when Ray asks what comes next. Ray's own files lie in a folder that ends with it.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examwise.core.errors import ExamwiseError
from examwise.core.executors.ray_cluster import RayExecutor
from examwise.core.extras import require

_SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",  # else it says on standard output what it does
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # else relative paths would lead elsewhere
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # else each trial has three logs of Ray's own
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # else Ctrl-C would count as an end
}
# How often a trial is begun again after its process was lost.
_RETRIES = 2


def run_side_by_side(
    work: Callable[[int], None],
    next_trial: Callable[[], int | None],
    *,
    n_workers: int,
    on_gpu: bool,
    advance: Callable[[], None],
) -> None:
    """Run trials until none is left, or one raises.

    Args:
        work: Runs a trial by its number; has to stand being called twice for one.
        next_trial: Returns the number of the next one, or None.
        n_workers: Trials at a time.
        on_gpu: Whether trials need a GPU where there are some; they share them.
        advance: Called after each trial.

    Raises:
        Exception: What a trial raised first.
        ExamwiseError: If the process of one was lost again and again.
        InputError: If Ray Tune is not installed.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    cluster = RayExecutor(n_workers)
    # Paths of Ray's are long, and this one is read by nobody else.
    short = "/tmp" if Path("/tmp").is_dir() else None
    try:
        with tempfile.TemporaryDirectory(prefix="examwise-", dir=short) as folder:
            _tune(work, next_trial, n_workers, on_gpu, advance, folder)
    finally:
        cluster.close()


def _tune(
    work: Callable[[int], None],
    next_trial: Callable[[], int | None],
    n_workers: int,
    on_gpu: bool,
    advance: Callable[[], None],
    folder: str,
) -> None:
    ray, tune = require("ray"), require("ray.tune")
    from examwise.studies.tuning.ray_search import Asking, EndsAtFault, Silence

    def attempt(config: dict[str, Any]) -> None:
        try:
            work(config["number"])
        except Exception as error:
            tune.report({"fault": error})
        else:
            tune.report({"fault": None})

    gpus = ray.cluster_resources().get("GPU", 0) if on_gpu else 0
    share = min(1.0, 1 / math.ceil(n_workers / gpus)) if gpus else 0
    asking = Asking(next_trial, advance)
    tune.Tuner(
        tune.with_resources(attempt, {"cpu": 1, "gpu": share}),
        tune_config=tune.TuneConfig(
            search_alg=asking,
            num_samples=-1,
            max_concurrent_trials=n_workers,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="tuning",
            storage_path=folder,
            stop=EndsAtFault(asking),
            failure_config=tune.FailureConfig(max_failures=_RETRIES),
            callbacks=[Silence()],
            verbose=0,
            log_to_file=False,
        ),
    ).fit()
    if asking.fault is not None:
        raise asking.fault
    if asking.n_lost:
        raise ExamwiseError(
            f"a trial was lost {_RETRIES + 1} times with its process, most often because memory "
            "ran out; run the same command again with fewer --workers, it goes on where it was"
        )
