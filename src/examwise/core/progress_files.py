"""How far work in other processes has come: each writes a small file, one thread reads them all."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from examwise.core.progress import Progress

_SECONDS_BETWEEN_LOOKS = 2.0
_TIMES_SAID = 5
"""How often a file's work is spoken of, between its beginning and its end."""


class ProgressFile:
    """Reports into a file; only what is tracked, since lines are the main process's.

    Args:
        path: The file, on a local disk; its name is that of the work.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, text: str) -> None:
        """Drop the line."""

    @contextmanager
    def track(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Write how many of ``total`` are done, wherever that will be spoken of."""
        del title
        self._path.parent.mkdir(parents=True, exist_ok=True)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            if _part(done, total) != _part(done - 1, total):
                self._path.write_text(f"{done} {total}")

        yield advance
        self._path.unlink(missing_ok=True)


@contextmanager
def follow_files(
    folder: Path, progress: Progress, *, seconds: float = _SECONDS_BETWEEN_LOOKS
) -> Iterator[None]:
    """Speak of the files of a folder while something else is waited for; remove it in the end.

    Args:
        folder: Where :class:`ProgressFile` writes.
        progress: Where to report to.
        seconds: Between looks.
    """
    ended = threading.Event()
    said: dict[str, str] = {}

    def look() -> None:
        while not ended.wait(seconds):
            for path in sorted(folder.glob("*")):
                try:
                    text = path.read_text()
                except OSError:  # Finished meanwhile.
                    continue
                if text and said.get(path.name) != text:
                    said[path.name] = text
                    progress.say(f"{path.name}: {text.replace(' ', ' of ')} steps")

    shutil.rmtree(folder, ignore_errors=True)
    thread = threading.Thread(target=look, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        shutil.rmtree(folder, ignore_errors=True)


def _part(done: int, total: int) -> int:
    return _TIMES_SAID * done // max(total, 1)
