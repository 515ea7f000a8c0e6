"""Encoders from what a configuration says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

from torch import nn

from examwise.core.class_paths import import_class
from examwise.core.errors import InputError
from examwise.models.encoders import ENCODERS, is_class_path, is_timm_name
from examwise.models.encoders.norms import GROUP, NORMS
from examwise.models.encoders.protocol import Encoder
from examwise.models.encoders.timm_network import timm_encoder
from examwise.models.encoders.wrapped import WrappedEncoder


def build_encoder(
    name: str,
    *,
    width: int,
    in_channels: int,
    norm: str = GROUP,
    options: Mapping[str, Any] | None = None,
) -> Encoder:
    """Build an encoder with weights drawn from torch's global generator.

    Args:
        name: One of :data:`examwise.models.encoders.ENCODERS`, ``timm:`` and the name of one of
            timm's networks, or the path of a :class:`torch.nn.Module`. The last is called with
            ``in_channels``, if it takes that, and the options.
        width: Channels of the first stage; registered encoders alone have one.
        in_channels: Channels of the images.
        norm: One of :data:`examwise.models.encoders.norms.NORMS`.
        options: Further arguments.

    Raises:
        InputError: If there is no such encoder, option or norm, or the module does not turn
            images into features, each on its own.

    Example:
        >>> build_encoder("resnet10", width=8, in_channels=1).n_features
        64
    """
    options = dict(options or {})
    where = f"encoder {name}"
    if norm not in NORMS:
        raise InputError(where="model option norm", expected="one of " + ", ".join(NORMS), got=norm)
    if is_timm_name(name):
        return timm_encoder(name, in_channels=in_channels, norm=norm, options=options)
    if name in ENCODERS:
        fixed = {"width": width, "in_channels": in_channels, "norm": norm}
        return cast("Encoder", _call(ENCODERS.load(name), fixed, options, where=where))
    if not is_class_path(name):
        known = ", ".join(ENCODERS)
        raise InputError(
            where="encoder",
            expected=f"one of {known}, timm:NAME or package.module:Class",
            got=name,
        )
    found = import_class(name, base=nn.Module, where=where)
    fixed = {"in_channels": in_channels} if "in_channels" in _parameters(found) else {}
    network = _call(found, fixed, options, where=where)
    return WrappedEncoder(network, in_channels=in_channels, norm=norm, where=where)


def named_part(encoder: Encoder | nn.Module) -> nn.Module:
    """Return the part from which names of an encoder's parts and tensors count.

    That is a network from outside itself, not what is wrapped around it.
    """
    return encoder.network if isinstance(encoder, WrappedEncoder) else cast("nn.Module", encoder)


def _parameters(made_by: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(made_by).parameters


def _call(
    made_by: Any, fixed: Mapping[str, Any], options: Mapping[str, Any], *, where: str
) -> nn.Module:
    parameters = _parameters(made_by)
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    for option in options:
        if option in fixed or not (takes_any or option in parameters):
            others = ", ".join(name for name in parameters if name not in fixed) or "none"
            raise InputError(
                where=f"{where}, option {option}",
                expected=f"one of its further options ({others})",
                got="another",
            )
    try:
        return cast("nn.Module", made_by(**fixed, **options))
    except (TypeError, ValueError) as error:
        raise InputError(
            where=where,
            expected="options that it can be made with",
            got=f"{type(error).__name__}: {error}",
        ) from error
