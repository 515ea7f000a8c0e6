"""The network and the pretext that a configuration describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from examwise.core.errors import InputError
from examwise.models.encoders.build import build_encoder
from examwise.training.pretraining.config import EncoderConfig
from examwise.training.pretraining.network import PretextNetwork
from examwise.training.pretraining.pretexts import PRETEXTS
from examwise.training.pretraining.pretexts.protocol import Pretext


def make_pretext(name: str, options: Mapping[str, Any]) -> Pretext:
    """Return a pretext with its options.

    Raises:
        InputError: If there is no such pretext, or an option is unknown or out of range.

    Example:
        >>> make_pretext("contrastive", {"colour": 1})
        Traceback (most recent call last):
        examwise.core.errors.InputError: options of the pretext contrastive: expected options \
that it takes, got Contrastive.__init__() got an unexpected keyword argument 'colour'
    """
    try:
        return cast("Pretext", PRETEXTS.load(name)(**options))
    except (TypeError, ValueError) as error:
        raise InputError(
            where=f"options of the pretext {name}", expected="options that it takes", got=error
        ) from error


def make_network(config: EncoderConfig, pretext: Pretext, *, seed: int) -> PretextNetwork:
    """Return encoder and head with random weights; the global generator is left as it was.

    Args:
        config: The encoder.
        pretext: Makes the head.
        seed: Of the weights.

    Raises:
        InputError: If there is no such encoder, or it does not suit the pretext.
    """
    in_channels = len(config.windows)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = cast(
            "nn.Module",
            build_encoder(
                config.encoder,
                width=config.width,
                in_channels=in_channels,
                options=config.encoder_options,
            ),
        )
        head = pretext.make_head(encoder, in_channels=in_channels)
    return PretextNetwork(config, encoder, head)
