"""Several trackers as one, none of which can end a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import overload

import polars as pl

from examwise.core.errors import shorten
from examwise.core.tracking import TrackedRun, Tracker


class IsolatedTracker:
    """A tracker whose faults end its own work, and nothing else.

    The first fault is said once, with how to send everything later; from then on nothing is sent
    to it until it is finished. A metric that was sent at a step is not sent again.

    Args:
        name: How to call it.
        tracker: What does the work.
        say: Takes one line for people.
        group: Stands before the names of runs, so that those of several groups stay apart.
    """

    def __init__(
        self, name: str, tracker: Tracker, *, say: Callable[[str], None], group: str = ""
    ) -> None:
        self.name = name
        self.fault: Exception | None = None
        """What went wrong first."""
        self._tracker = tracker
        self._say = say
        self._prefix = f"{group}-" if group else ""
        self._sent: set[tuple[int, str]] = set()
        self._is_begun = False

    def begin(self, run: TrackedRun) -> None:
        """Begin, without the configuration's paths; forget what was sent of an earlier run."""
        self._sent.clear()
        self._is_begun = True
        configuration = run.without_paths().configuration
        sent = TrackedRun(f"{self._prefix}{run.run_id}", run.kind, configuration, run.folder)
        self._try(lambda: self._tracker.begin(sent))

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Send what of the metrics has not been sent at this step."""
        fresh = {name: value for name, value in metrics.items() if (step, name) not in self._sent}
        self._sent |= {(step, name) for name in fresh}
        if fresh:
            self._try(lambda: self._tracker.log_metrics(fresh, step=step))

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Send a table."""
        self._try(lambda: self._tracker.log_table(name, frame))

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Send a picture."""
        self._try(lambda: self._tracker.log_picture(name, png, caption=caption))

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Send files."""
        self._try(lambda: self._tracker.log_files(name, files, kind=kind))

    def finish(self, *, failed: bool) -> None:
        """Finish, after a fault as well, so that connections and files are let go."""
        if not self._is_begun:
            return
        self._is_begun = False
        if self.fault is None:
            self._try(lambda: self._tracker.finish(failed=failed))
            return
        try:
            self._tracker.finish(failed=True)
        except Exception as error:  # said already what went wrong first
            self.fault.add_note(f"and on finishing: {type(error).__name__}")

    def _try(self, act: Callable[[], None]) -> None:
        if self.fault is not None:
            return
        try:
            act()
        except Exception as error:  # whatever a tracker's package may raise
            self.fault = error
            self._say(
                f"Tracker {self.name} failed ({type(error).__name__}: {shorten(error)}) and is "
                "left out from here on; examwise track sends everything later, from the finished "
                "directory."
            )


class Trackers(Sequence[IsolatedTracker]):
    """Several trackers, as one that does the same to each; none is a tracker too.

    Args:
        members: The trackers.

    Example:
        >>> everyone = Trackers([])
        >>> everyone.begin(TrackedRun("a", "run"))
        >>> everyone.finish(failed=False)
        >>> everyone.faults
        {}
    """

    def __init__(self, members: Sequence[IsolatedTracker]) -> None:
        self._members = tuple(members)

    @overload
    def __getitem__(self, index: int) -> IsolatedTracker: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[IsolatedTracker]: ...
    def __getitem__(self, index: int | slice) -> IsolatedTracker | Sequence[IsolatedTracker]:
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[IsolatedTracker]:
        return iter(self._members)

    @property
    def faults(self) -> dict[str, Exception]:
        """Name to what went wrong first, of trackers that failed."""
        return {one.name: one.fault for one in self._members if one.fault is not None}

    def begin(self, run: TrackedRun) -> None:
        """Begin with each."""
        for member in self._members:
            member.begin(run)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Send metrics to each."""
        for member in self._members:
            member.log_metrics(metrics, step=step)

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Send a table to each."""
        for member in self._members:
            member.log_table(name, frame)

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Send a picture to each."""
        for member in self._members:
            member.log_picture(name, png, caption=caption)

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Send files to each."""
        for member in self._members:
            member.log_files(name, files, kind=kind)

    def finish(self, *, failed: bool) -> None:
        """Finish each."""
        for member in self._members:
            member.finish(failed=failed)
