"""Whether the source is still there: a vanished mount must not become an archive with holes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from examwise.core.errors import InputError

_FEWEST = 2


def require_source(source: Path, reasons: Iterable[str], *, n_files: int) -> None:
    """Raise if files that had been listed cannot be read because the source is gone.

    One file of many that vanished or changed is set aside on record. Where the source itself is
    no longer there, or is empty (the place of an unmounted disk), or most of the files that were
    read together have gone, nothing that follows could be trusted.

    Args:
        source: The source.
        reasons: Why files that were read together were refused.
        n_files: How many were read together.

    Raises:
        InputError: If the source is gone.

    Example:
        >>> require_source(Path("gone"), ["truncated"], n_files=1)
        >>> require_source(Path("gone"), ["changed_while_read"], n_files=20)
        Traceback (most recent call last):
            ...
        examwise.core.errors.InputError: gone: expected files that were listed a while ago, ...
    """
    n_lost = sum(reason == "changed_while_read" for reason in reasons)
    if n_lost and (_is_gone(source) or (n_lost >= _FEWEST and 2 * n_lost > n_files)):
        raise InputError(
            where=source,
            expected="files that were listed a while ago",
            got=f"{n_lost} of {n_files} that are gone or changing",
            remedy="see that the source is there (mounted) and at rest, then run the same command "
            "again: it goes on where it was",
        )


def _is_gone(source: Path) -> bool:
    try:
        with os.scandir(source) as entries:
            return next(entries, None) is None
    except OSError:
        return True
