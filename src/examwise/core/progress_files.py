"""How far work in other processes has come: each writes a small file, one thread reads them all."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from examwise.core.progress import Progress

_SECONDS_BETWEEN_LOOKS = 2.0
_LINES = ".lines"
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


class LinesFile:
    """Says lines into a file, which are repeated once where the work is followed.

    Args:
        path: The file, on a local disk; its name, without the suffix, is that of the work.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}{_LINES}")

    def say(self, text: str) -> None:
        """Add the line to the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    @contextmanager
    def track(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Report nothing."""
        del title, total
        yield lambda: None


@contextmanager
def follow_files(
    folder: Path, progress: Progress, *, seconds: float = _SECONDS_BETWEEN_LOOKS
) -> Iterator[None]:
    """Speak of the files of a folder while something else is waited for; remove it in the end.

    Args:
        folder: Where :class:`ProgressFile` and :class:`LinesFile` write.
        progress: Where to report to.
        seconds: Between looks.
    """
    ended = threading.Event()
    said: dict[str, str] = {}

    def look(pattern: str = "*") -> None:
        for path in sorted(folder.glob(pattern)):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:  # Finished meanwhile.
                continue
            if path.suffix == _LINES:
                text = text[: text.rfind("\n") + 1]  # more may be on its way
            before = said.get(path.name, "")
            said[path.name] = text
            if path.suffix == _LINES:
                for line in text[len(before) :].splitlines():
                    progress.say(f"{path.stem}: {line}")
            elif text and before != text:
                progress.say(f"{path.name}: {text.replace(' ', ' of ')} steps")

    def keep_looking() -> None:
        while not ended.wait(seconds):
            look()

    shutil.rmtree(folder, ignore_errors=True)
    thread = threading.Thread(target=keep_looking, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        look(f"*{_LINES}")
        shutil.rmtree(folder, ignore_errors=True)


def _part(done: int, total: int) -> int:
    return _TIMES_SAID * done // max(total, 1)
