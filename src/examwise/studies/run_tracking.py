"""Following a study's runs in experiment trackers: one group a study, one kind of job an arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from examwise.core.progress import Progress
from examwise.core.progress_files import LinesFile
from examwise.core.schemas.predictions import PREDICTED_EXAMS
from examwise.core.schemas.study import FINE_TUNED, LABEL_FREE
from examwise.core.storage import Storage
from examwise.core.tracking import TrackedRun
from examwise.studies.beginning import study_name
from examwise.studies.plan import PlannedRun
from examwise.training.trackers import make_trackers
from examwise.training.trackers.isolation import Trackers
from examwise.training.tracking_config import TrackingConfig

_KIND = "study"


def trackers_of(
    run: PlannedRun, config: TrackingConfig | None, out: str, *, lines: Path
) -> Trackers:
    """Return what follows a run of a study; nothing does unless it is asked for.

    Args:
        run: The run.
        config: The study's options.
        out: The study's directory, begun; trackers write beside it unless they are told where.
        lines: Where a tracker that fails says so.

    Raises:
        InputError: As :func:`~examwise.training.trackers.make_trackers`.
    """
    if config is None:
        return Trackers([])
    return make_trackers(
        replace(
            config,
            group=config.group or study_name(Storage(out)),
            job_type=config.job_type or _arm(run),
        ),
        folder=tracking_folder(out),
        progress=LinesFile(lines),
    )


def tracking_folder(out: str) -> str:
    """Return where a study's trackers write: beside it, for what they write is never the same.

    Example:
        >>> tracking_folder("studies/one/")
        'studies/one-tracking'
    """
    return f"{out.rstrip('/')}-tracking"


def require_trackers(config: TrackingConfig | None, out: str, *, progress: Progress) -> None:
    """Refuse trackers that cannot be had, before anything is computed.

    Args:
        config: The study's options.
        out: The study's directory.
        progress: Where to report to.

    Raises:
        InputError: As :func:`~examwise.training.trackers.make_trackers`.
    """
    if config is not None:
        make_trackers(config, folder=tracking_folder(out), progress=progress)


def follow_tested(
    trackers: Trackers, run: PlannedRun, row: Mapping[str, Any], tested: Sequence[str]
) -> None:
    """Send what a run is among the study's, its labels and its figures on every test set.

    Args:
        trackers: Not begun, or finished with the run's training.
        run: The run.
        row: Its row of ``RUNS``.
        tested: Its predictions directories, in the order of the study's sites.
    """
    if not len(trackers):
        return
    from examwise.training.trackers.curves import exam_metrics

    figures = {
        f"labels/{name}": float(value)
        for name, value in row.items()
        if name not in _KNOWN and isinstance(value, int | float)
    }
    for number, url in enumerate(tested):
        of_site = exam_metrics(PREDICTED_EXAMS.read(Storage(url)))
        name = "tested" if len(tested) == 1 else f"tested/{number}"
        figures |= {f"{name}/{key}": value for key, value in of_site.items()}
    known = {name: row[name] for name in _KNOWN}
    trackers.begin(TrackedRun(run.run_id, _KIND, {_KIND: known}))
    failed = True
    try:
        trackers.log_metrics(figures, step=0)
        failed = False
    finally:
        trackers.finish(failed=failed)


_KNOWN = ("learner", "mode", "label_kind", "acquisition", "budget", "repeat", "seed")
"""What of a run's row is no figure but says which run it is."""


def _arm(run: PlannedRun) -> str:
    """Return the name of a run's arm, and whether the encoder is trained on."""
    if run.mode == LABEL_FREE:
        return run.learner
    arm = f"{run.learner}-{run.acquisition}"
    return f"{arm}-{run.mode}" if run.mode == FINE_TUNED else arm
