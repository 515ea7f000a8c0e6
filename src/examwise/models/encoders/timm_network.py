"""Networks of the optional package timm (Wightman, 2019), by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from examwise.core.errors import InputError
from examwise.core.extras import require
from examwise.models.encoders import TIMM
from examwise.models.encoders.norms import GROUP, replace_batch_norms
from examwise.models.encoders.wrapped import WrappedEncoder

_OURS = {
    "pretrained": "weights come from the option weights",
    "checkpoint_path": "weights come from the option weights",
    "pretrained_cfg": "weights come from the option weights",
    "pretrained_cfg_overlay": "weights come from the option weights",
    "cache_dir": "weights come from the option weights",
    "num_classes": "an encoder has no classes",
    "in_chans": "channels come from the options of the input",
}


def timm_encoder(
    name: str, *, in_channels: int, norm: str, options: Mapping[str, Any]
) -> WrappedEncoder:
    """Make one of timm's networks, with random weights and without its classifier.

    Args:
        name: ``timm:`` and a name as ``timm.list_models()`` has it.
        in_channels: Channels of the images.
        norm: One of :data:`examwise.models.encoders.norms.NORMS`; ``group`` replaces plain batch
            norms, and a network with others is refused.
        options: Further arguments of ``timm.create_model``.

    Raises:
        InputError: If timm is not installed, has no such network or takes no such option.
    """
    for option in options:
        if option in _OURS:
            raise InputError(
                where=f"encoder option {option}", expected="no such option", got=_OURS[option]
            )
    timm = require("timm")
    try:
        network: nn.Module = timm.create_model(
            name.removeprefix(TIMM),
            pretrained=False,
            num_classes=0,
            in_chans=in_channels,
            **options,
        )
    except (RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            where=f"encoder {name}",
            expected="a network that timm can make, and options that it takes",
            got=error,
            remedy="see timm.list_models()",
        ) from error
    if norm == GROUP:
        replace_batch_norms(network, norm=norm)
    return WrappedEncoder(network, in_channels=in_channels, norm=norm, where=f"encoder {name}")
