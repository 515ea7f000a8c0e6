"""Encoders by name: slices, (N, channels, rows, columns), to features, (N, n_features)."""

from __future__ import annotations

import re

from examwise.core.registry import Registry

ENCODERS = Registry(
    "encoder",
    {
        "resnet10": "examwise.models.encoders.resnet:resnet10",
        "resnet18": "examwise.models.encoders.resnet:resnet18",
        "resnet34": "examwise.models.encoders.resnet:resnet34",
        "resnet50": "examwise.models.encoders.resnet:resnet50",
        "densenet121": "examwise.models.encoders.densenet:DenseNet121",
        "efficientnet_b0": "examwise.models.encoders.efficientnet:EfficientNetB0",
        "slim_resnet18": "examwise.models.encoders.slim_resnet:SlimResNet",
    },
)
"""Each entry is called with ``width``, ``in_channels`` and ``norm`` and returns an ``Encoder``."""

TIMM = "timm:"
"""Before the name of a network that the optional package timm makes."""

_NAME = r"[A-Za-z_]\w*"
_CLASS_PATH = re.compile(rf"{_NAME}(\.{_NAME})*[.:]{_NAME}", re.ASCII)
_TIMM_NAME = re.compile(rf"{TIMM}[A-Za-z0-9][\w.]*", re.ASCII)


def is_class_path(name: str) -> bool:
    """Tell whether a name looks like ``package.module:Class`` or ``package.module.Class``."""
    return _CLASS_PATH.fullmatch(name) is not None and not name.startswith(TIMM)


def is_timm_name(name: str) -> bool:
    """Tell whether a name looks like that of one of timm's networks, ``timm:resnet18d``."""
    return _TIMM_NAME.fullmatch(name) is not None


def is_known_encoder(name: object) -> bool:
    """Tell whether a name is registered, one of timm's or looks like a class's path.

    Nothing is imported: whether such a class exists shows when it is built.

    Example:
        >>> [is_known_encoder(name) for name in ("resnet18", "my_package.nets:LeNet", "resnet")]
        [True, True, False]
    """
    if not isinstance(name, str):  # it may come from a file
        return False
    return name in ENCODERS or is_timm_name(name) or is_class_path(name)
