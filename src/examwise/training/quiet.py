"""Keeping Lightning's advice off the user's screen."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("lightning", "lightning.pytorch", "lightning.fabric")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence Lightning's loggers and all warnings; let Ctrl-C be Ctrl-C.

    Lightning answers an interruption with an exit of its own, status 1, and leaves the signal
    ignored; here it stays a ``KeyboardInterrupt``. Levels, filters and handler are restored.
    """
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if is_main else None
    try:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if is_main and handler is not None:
            signal.signal(signal.SIGINT, handler)
