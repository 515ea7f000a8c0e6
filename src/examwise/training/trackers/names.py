"""Names that every tracker takes: of runs as folders, of tables and pictures as keys."""

from __future__ import annotations

import re


def folder_name(run_id: str) -> str:
    """Return a run's name as one that a folder, or a W&B run, may bear.

    Example:
        >>> folder_name("weak, m = 20")
        'weak--m---20'
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "-", run_id).lstrip(".") or "run"


def key_name(name: str) -> str:
    """Return a name with nothing but words, dots, dashes and the slashes between groups.

    Example:
        >>> key_name("test/any finding//../auc")
        'test/any-finding/auc'
    """
    parts = (re.sub(r"[^A-Za-z0-9_.-]", "-", part).lstrip(".") for part in name.split("/"))
    return "/".join(part for part in parts if part)
