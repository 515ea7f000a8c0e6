"""Which of a file's tensors is which of an encoder's: strictly by name and shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from examwise.core.errors import InputError

_HEADS = ("fc.", "classifier.", "_fc.", "head.fc.")
"""Beginnings of names of classifiers over ImageNet's classes."""

_COUNTER = "num_batches_tracked"
"""Counts training steps; nothing depends on it, and older files lack it."""

_STATISTICS = ("running_mean", "running_var")
_WRAPPED = "network."
_DENSE_LAYER = re.compile(r"(denselayer\d+)\.layers\.(norm|conv)([12])\.")
_EFFICIENT_BLOCK = re.compile(r"^(_blocks)\.\d+\.")


def match(
    wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], *, where: str
) -> dict[str, Tensor]:
    """Return every wanted tensor from those found.

    A classifier over ImageNet's classes is left out. DenseNet and EfficientNet take the names of
    the published files as well as their own.

    Args:
        wanted: An encoder's tensors, whose names, shapes and types count.
        found: A file's.
        where: The file, for messages.

    Raises:
        InputError: If a tensor is missing, one too many or of another shape.
    """
    if not any(name.startswith(_WRAPPED) for name in wanted):
        found = {name.removeprefix(_WRAPPED): value for name, value in found.items()}
    taken = {name: _first(_published_names(name), found) for name in wanted}
    for name in sorted(set(found) - set(taken.values())):
        if not (name.startswith(_HEADS) or name.endswith(_COUNTER)):
            raise _refusal(where, name, None, found[name])
    state = dict(wanted)
    for name, source in taken.items():
        if source is not None:
            state[name] = _fitting(where, name, wanted[name], found[source])
        elif not name.endswith(_COUNTER):
            raise _refusal(where, name, wanted[name], None)
    return state


def _published_names(name: str) -> Iterator[str]:
    yield name
    yield _DENSE_LAYER.sub(r"\1.\2\3.", name)
    yield _DENSE_LAYER.sub(r"\1.\2.\3.", name)
    yield _EFFICIENT_BLOCK.sub(r"\1.", name)


def _first(names: Iterator[str], found: Mapping[str, Tensor]) -> str | None:
    return next((name for name in names if name in found), None)


def _fitting(where: str, name: str, wanted: Tensor, found: Tensor) -> Tensor:
    if wanted.shape != found.shape or wanted.is_floating_point() != found.is_floating_point():
        raise _refusal(where, name, wanted, found)
    return found.to(wanted.dtype)


def _refusal(where: str, name: str, wanted: Tensor | None, found: Tensor | None) -> InputError:
    return InputError(
        where=f"{where}, tensor {name}",
        expected=_form(wanted),
        got=_form(found),
        remedy=_remedy(name, wanted, found),
    )


def _remedy(name: str, wanted: Tensor | None, found: Tensor | None) -> str:
    if name.endswith(_STATISTICS) and wanted is None:
        return "weights of a network with batch norms need model.norm=frozen_batch"
    if name.endswith(_STATISTICS) and found is None:
        return "weights of a network without batch norms need model.norm=group"
    if wanted is not None and found is not None and wanted.ndim == found.ndim == 4:
        channels = found.shape[1]
        if torch.Size((wanted.shape[0], channels, *wanted.shape[2:])) == found.shape:
            return (
                f"these weights are for images of {channels} channels: set "
                f"model.input_channels={channels}, or the windows with which they were trained"
            )
    return "give the encoder and the width with which they were trained"


def _form(tensor: Tensor | None) -> str:
    if tensor is None:
        return "no such tensor"
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
