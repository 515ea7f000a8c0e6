"""TorchIO pipelines of one's own, from YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torchio
import yaml

from examwise.core.errors import InputError
from examwise.training.augmentations.torchio_slices import TorchioSlices

TRANSFORMS = (
    "RandomFlip",
    "RandomAffine",
    "RandomElasticDeformation",
    "RandomAnisotropy",
    "RandomMotion",
    "RandomGhosting",
    "RandomSpike",
    "RandomBiasField",
    "RandomBlur",
    "RandomNoise",
    "RandomSwap",
    "RandomGamma",
    "Clamp",
    "RescaleIntensity",
)
"""Names of TorchIO that may stand in a file: what keeps an image's shape and needs no other."""
GROUPS = ("Compose", "OneOf")
"""Names that take a list of transforms: all of them in order, or one of them at random."""

_TRIAL_SIDE = 512
_TRIALS = 3


def read_pipeline(path: str | Path) -> TorchioSlices:
    """Read a pipeline, and try each of its transforms.

    A file is a list, applied in order. Each entry is a name of TorchIO, or a name with its
    arguments; ``OneOf`` and ``Compose`` take ``transforms``, a list of the same kind, ``OneOf``
    also ``probabilities``.

    Args:
        path: A YAML file.

    Raises:
        InputError: If the file cannot be read, holds other names or arguments that TorchIO
            refuses, or fails on an image made up for a trial.
    """
    source = f"torchio:{Path(path).name}"
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            where=source,
            expected="a YAML file with a list of TorchIO transforms",
            got=" ".join(str(getattr(error, "strerror", None) or error).split())[:200],
        ) from error
    return TorchioSlices(torchio.Compose(_read_list(content, source)), source=source)


def _read_list(content: Any, where: str) -> list[torchio.Transform]:
    if not isinstance(content, list) or not content:
        raise InputError(
            where=where, expected="a list of transforms, at least one", got=type(content).__name__
        )
    return [_read_entry(entry, f"{where}, entry {n}") for n, entry in enumerate(content, 1)]


def _read_entry(entry: Any, where: str) -> torchio.Transform:
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise InputError(
            where=where, expected="a transform's name, or one name with its arguments", got=entry
        )
    ((name, arguments),) = entry.items()
    if name not in (*TRANSFORMS, *GROUPS):
        names = ", ".join((*TRANSFORMS, *GROUPS))
        raise InputError(where=where, expected=f"a transform of TorchIO, one of {names}", got=name)
    arguments = {} if arguments is None else arguments
    if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
        raise InputError(
            where=f"{where}, {name}", expected="arguments by name", got=type(arguments).__name__
        )
    where = f"{where}, {name}"
    transform = _make(name, {key: _plain(value) for key, value in arguments.items()}, where)
    if name not in GROUPS:
        _try(transform, where)
    return transform


def _make(name: str, arguments: dict[str, Any], where: str) -> torchio.Transform:
    probabilities = None
    if name in GROUPS:
        arguments["transforms"] = _read_list(_listed(arguments.get("transforms")), where)
        probabilities = arguments.pop("probabilities", None) if name == "OneOf" else None
    try:
        if probabilities is not None:
            arguments["transforms"] = dict(zip(arguments["transforms"], probabilities, strict=True))
        return getattr(torchio, name)(**arguments)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            where=where,
            expected="arguments that TorchIO takes",
            got=" ".join(str(error).split())[:200],
        ) from error


def _try(transform: torchio.Transform, where: str) -> None:
    """Use a transform, however improbable, on a made-up image."""
    certain = copy(transform)
    certain.probability = 1
    image = np.linspace(0, 1, _TRIAL_SIDE**2, dtype=np.float32).reshape(_TRIAL_SIDE, _TRIAL_SIDE)
    slices = TorchioSlices(certain, source=where)
    for seed in range(_TRIALS):
        slices.change(image, seed)


def _plain(value: Any) -> Any:
    """Make lists tuples, which is what TorchIO expects of ranges."""
    return tuple(_plain(one) for one in value) if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
