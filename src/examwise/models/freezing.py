"""Parts of an encoder that are not trained."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from examwise.core.errors import InputError
from examwise.models.encoders.build import named_part
from examwise.models.encoders.protocol import Encoder

ALL = "all"
"""Stands for the whole encoder."""

_FROZEN = "is_frozen_part"
"""Attribute of frozen modules, which copies of a model keep."""


def freeze(encoder: Encoder | nn.Module, prefixes: Sequence[str]) -> None:
    """Take parts of an encoder out of training, and put them into evaluation mode.

    Args:
        encoder: The encoder.
        prefixes: Names of parts, such as ``layer1``, of which all that begins with it, dot by
            dot, is frozen; :data:`ALL` is everything.

    Raises:
        InputError: If one of them is the beginning of no name.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
        >>> freeze(network, ["0"])
        >>> [parameter.requires_grad for parameter in network.parameters()]
        [False, False, True, True]
    """
    part = named_part(encoder)
    for prefix in prefixes:
        modules = {name: module for name, module in part.named_modules() if _under(name, prefix)}
        parameters = [value for name, value in part.named_parameters() if _under(name, prefix)]
        if not modules and not parameters:
            raise InputError(
                where="model option frozen",
                expected=f"'{ALL}' or parts of the encoder ("
                + ", ".join(name for name, _ in part.named_children())
                + ")",
                got=prefix,
            )
        for module in modules.values():
            setattr(module, _FROZEN, True)
        for parameter in parameters:
            parameter.requires_grad_(False)
    keep_frozen_in_eval(encoder)


def keep_frozen_in_eval(encoder: Encoder | nn.Module) -> None:
    """Put frozen parts back into evaluation mode; call after a change of mode.

    Otherwise their dropout would drop, and their norms take up statistics of other images.
    """
    for module in encoder.modules():
        if getattr(module, _FROZEN, False):
            module.eval()


def _under(name: str, prefix: str) -> bool:
    # The whole encoder's own name is empty.
    return prefix == ALL or (name == prefix != "") or name.startswith(prefix + ".")
