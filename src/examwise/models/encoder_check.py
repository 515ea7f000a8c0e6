"""Whether encoder and pooling can be made as asked for, before anything is begun with them."""

from __future__ import annotations

import torch

from examwise.models.config import ModelConfig
from examwise.models.encoder_weights import EncoderWeights
from examwise.models.encoders import ENCODERS
from examwise.models.encoders.build import build_encoder, named_part
from examwise.models.freezing import freeze
from examwise.models.poolings.build import build_pooling
from examwise.models.weight_names import match


def require_encoder(model: ModelConfig, weights: EncoderWeights | None = None) -> None:
    """Raise if an encoder cannot be made, partly frozen, or its weights do not fit it.

    Registered encoders are made without memory for their tensors. The global generator is left as
    it was.

    Args:
        model: What to make.
        weights: Its first weights, if not random.

    Raises:
        InputError: If one of these cannot be done.

    Example:
        >>> require_encoder(ModelConfig(encoder="resnet10", frozen=("layer1",)))
    """
    device = "meta" if model.encoder in ENCODERS else "cpu"
    with torch.random.fork_rng(devices=[]), torch.device(device):
        encoder = build_encoder(
            model.encoder,
            width=model.width,
            in_channels=model.n_channels,
            norm=model.norm,
            options=model.encoder_options,
        )
    freeze(encoder, model.frozen)
    if weights is not None:
        match(named_part(encoder).state_dict(), weights.load(), where=f"weights {weights.source}")


def require_pooling(model: ModelConfig) -> None:
    """Raise if a pooling cannot be made; the global generator is left as it was.

    Raises:
        InputError: If it does not take the options.

    Example:
        >>> require_pooling(ModelConfig(pooling="top_k", pooling_options={"k": 2}))
    """
    with torch.random.fork_rng(devices=[]):
        build_pooling(
            model.pooling,
            embedding=model.embedding,
            hidden=model.attention_hidden,
            normalizer=model.normalizer,
            dropout=model.attention_dropout,
            options=model.pooling_options,
        )
