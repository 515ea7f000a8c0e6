"""Folders of the user's own that outlive a store or a run."""

from __future__ import annotations

import os
from pathlib import Path

from examwise.core.errors import InputError


def user_folder(name: str, *, variable: str, remedy: str) -> Path:
    """Return where something is kept unless told otherwise.

    Args:
        name: What is kept, such as ``identity``.
        variable: Environment variable that names the folder; without it, ``examwise/NAME`` in the
            user's data folder.
        remedy: What the user can do where there is no home.

    Raises:
        InputError: If neither the environment nor the user's home says where.
    """
    if named := os.environ.get(variable):
        return Path(named)
    try:
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    except RuntimeError:
        raise InputError(
            where=f"{name} folder",
            expected="a home folder to keep it in",
            got="a user without one",
            remedy=remedy,
        ) from None
    return Path(data) / "examwise" / name
