"""Saying how far long work has come: to a terminal, as lines, or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

_SECONDS_BETWEEN_LINES = 10.0
# Items may take hours: what is left is told from all that are done, not from the last half minute.
_REMEMBERED_S = 7 * 24 * 3600.0


class Progress(Protocol):
    """Where long work reports to."""

    def say(self, text: str) -> None:
        """Report one line."""

    def track(self, title: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Report on ``total`` items; call what it yields once after each."""


class SilentProgress:
    """Reports nothing.

    Example:
        >>> with SilentProgress().track("Reading", 1) as advance:
        ...     advance()
    """

    def say(self, text: str) -> None:
        """Drop the line."""

    @contextmanager
    def track(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Yield a function that does nothing."""
        del title, total
        yield lambda: None


class ConsoleProgress:
    """Reports to a console: a bar on a terminal, a line every ten seconds elsewhere.

    Args:
        console: A Rich console, standard error if None.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """Print the line."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def track(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar with time left, or lines that tell it where there is no terminal."""
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            with RichProgress(
                *columns, console=self._console, speed_estimate_period=_REMEMBERED_S
            ) as bar:
                task = bar.add_task(title, total=total)
                yield lambda: bar.advance(task)
            return
        done = 0
        begun = last = time.monotonic()
        self.say(f"{title}: {total}")

        def advance() -> None:
            nonlocal done, last
            done += 1
            now = time.monotonic()
            if done == total or now - last >= _SECONDS_BETWEEN_LINES:
                last = now
                left = (now - begun) / done * (total - done)
                rest = f", about {duration_text(left)} left" if done < total else ""
                self.say(f"{title}: {done}/{total}{rest}")

        yield advance


def duration_text(seconds: float) -> str:
    """Return a duration for people, in one unit.

    Args:
        seconds: Not negative.

    Example:
        >>> [duration_text(seconds) for seconds in (0.2, 75, 5000, 9000, 260_000)]
        ['1 s', '75 s', '83 min', '2.5 h', '3.0 days']
    """
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
