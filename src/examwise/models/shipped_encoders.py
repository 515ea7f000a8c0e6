"""Encoders that come with the package, each a finished encoder directory."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from examwise.core.errors import InputError

PREFIX = "shipped:"
"""What a source of weights begins with that names one of these."""

_FOLDER = "shipped"


def shipped_encoders() -> tuple[str, ...]:
    """Return their names.

    Example:
        >>> shipped_encoders()
        ('synthetic-head-ct',)
    """
    return tuple(sorted(each.name for each in shipped_folder().iterdir() if each.is_dir()))


def locate_weights(source: str) -> str:
    """Return where a source of weights is: a shipped encoder's directory, or what was given.

    Raises:
        InputError: If no encoder of this name is shipped.

    Example:
        >>> locate_weights("imagenet"), Path(locate_weights("shipped:synthetic-head-ct")).name
        ('imagenet', 'synthetic-head-ct')
    """
    if not source.startswith(PREFIX):
        return source
    name = source.removeprefix(PREFIX)
    if name not in (names := shipped_encoders()):
        raise InputError(
            where=f"weights {source}",
            expected="one of " + ", ".join(f"{PREFIX}{each}" for each in names),
            got=source,
        )
    return str(shipped_folder() / name)


def shipped_folder() -> Path:
    """Return the folder within the package that holds them."""
    return Path(str(resources.files("examwise.models"))) / _FOLDER
