"""Optional extras: what each brings, and the message that names the one to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from examwise.core.errors import InputError

EXTRAS = {
    "adlfs": "azure",
    "mlflow": "mlflow",
    "optuna": "tune",
    "ray": "ray",
    "ray.tune": "tune",
    "tensorboard": "tensorboard",
    "timm": "timm",
    "wandb": "wandb",
}
"""Import name of an optional package to the extra that installs it."""


def require(module: str) -> ModuleType:
    """Import an optional package, or say which extra to install.

    Args:
        module: A key of :data:`EXTRAS`.

    Raises:
        InputError: If the package is not installed.

    Example:
        >>> EXTRAS["adlfs"]
        'azure'
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        extra = EXTRAS[module]
        raise InputError(
            where=f"optional package {module}",
            expected=f"it to be installed by the extra '{extra}'",
            got="no such package",
            remedy=f"run: pip install 'examwise[{extra}]'",
        ) from None
