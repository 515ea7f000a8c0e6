"""Where a study's runs are done: on cores those that are done in seconds, on GPUs the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from examwise.core.executors.protocol import Executor, on_devices
from examwise.core.schemas.study import LABEL_FREE
from examwise.studies.acquisition import Draw
from examwise.studies.config import StudyConfig
from examwise.studies.one_run import options_of
from examwise.studies.plan import PlannedRun
from examwise.training.find_learner import reads_features


def map_runs(
    executor: Executor,
    work: Callable[[tuple[PlannedRun, Draw | None]], str],
    items: Sequence[tuple[PlannedRun, Draw | None]],
    config: StudyConfig,
) -> Iterator[str]:
    """Do runs as they come, those first that take a core each, and yield the names of those done.

    Args:
        executor: Where runs run; deals out GPUs if it has any.
        work: Does a run.
        items: Runs, each with its labels.
        config: The study.
    """
    on_cores = [item for item in items if not wants_device(item[0], config)]
    others = [item for item in items if wants_device(item[0], config)]
    if on_cores:
        yield from executor.map(work, on_cores)
    if others:
        yield from on_devices(executor).map(work, others)


def wants_device(run: PlannedRun, config: StudyConfig) -> bool:
    """Tell whether a run is done on a GPU where there is one.

    A head on frozen features is trained on a core in a second or two, which a GPU would not make
    shorter; unless the study's options ask for a GPU by name.

    Args:
        run: The run.
        config: The study.
    """
    if run.mode == LABEL_FREE:
        return config.trainer.accelerator != "cpu"
    model, training, trainer = options_of(run, config)
    if trainer.accelerator == "auto":
        return not reads_features(run.learner, model, training)
    return trainer.accelerator != "cpu"
