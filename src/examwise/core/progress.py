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
        """Show a bar with time left, or lines where there is no terminal."""
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            with RichProgress(*columns, console=self._console) as bar:
                task = bar.add_task(title, total=total)
                yield lambda: bar.advance(task)
            return
        done = 0
        last = time.monotonic()
        self.say(f"{title}: {total}")

        def advance() -> None:
            nonlocal done, last
            done += 1
            now = time.monotonic()
            if done == total or now - last >= _SECONDS_BETWEEN_LINES:
                last = now
                self.say(f"{title}: {done}/{total}")

        yield advance
