"""An encoder directory's two files: tensors as safetensors, everything else as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from examwise.core.digests import readable_json
from examwise.core.errors import SchemaError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.encoder import DECODER_PREFIX, DESCRIPTION, WEIGHTS
from examwise.core.storage import Storage
from examwise.models.encoders.build import named_part
from examwise.training.pretraining.build import make_network, make_pretext
from examwise.training.pretraining.config import EncoderConfig
from examwise.training.pretraining.network import PretextNetwork
from examwise.training.pretraining.pretexts.protocol import Pretext


@dataclass(frozen=True)
class PretrainedEncoder:
    """What an encoder directory holds.

    Attributes:
        network: Encoder and the pretext's head, float32, in evaluation mode, on the CPU.
        pretext: The pretext.
        config: The encoder's configuration.
        description: All of ``encoder.json``.
    """

    network: PretextNetwork
    pretext: Pretext
    config: EncoderConfig
    description: Mapping[str, Any]


def save_encoder(
    storage: Storage,
    network: PretextNetwork,
    config: EncoderConfig,
    extra: Mapping[str, Any],
    *,
    half_precision: bool,
) -> None:
    """Write an encoder's tensors, and then its description.

    Args:
        storage: The encoder directory.
        network: Encoder and head.
        config: The encoder's configuration.
        extra: JSON-able fields to keep with it.
        half_precision: Whether to keep tensors as float16.

    Raises:
        ValueError: If the encoder has tensors whose names are the head's.
    """
    encoder = named_part(network.encoder).state_dict()
    if any(name.startswith(DECODER_PREFIX) for name in encoder):
        raise ValueError(f"an encoder's tensors may not be called {DECODER_PREFIX}*")
    head = network.head.state_dict(prefix=DECODER_PREFIX)
    kept = {
        name: _kept(value, half_precision=half_precision)
        for name, value in {**encoder, **head}.items()
    }
    storage.write(WEIGHTS, save_tensors(kept))
    description = {
        **extra,
        **asdict(config),
        "norm": "group",
        "in_channels": len(config.windows),
        "windows": [list(window) for window in config.windows],
        "dtype": "float16" if half_precision else "float32",
    }
    storage.write(DESCRIPTION, readable_json(description))


def load_encoder(url: str | Path) -> PretrainedEncoder:
    """Load a finished encoder directory, strictly: every tensor, and no other.

    Raises:
        InputError: If there is no finished encoder directory at ``url``, or a file is missing.
        SchemaError: If its tensors do not fit its description.
        IntegrityError: If a file is not the one once written.
    """
    manifest = read_manifest(url, kind="encoder")
    storage = Storage(url)
    description = json.loads(manifest.read_output(storage, DESCRIPTION))
    config = EncoderConfig(
        **{field.name: description[field.name] for field in fields(EncoderConfig)}
    )
    pretext = make_pretext(description["pretext"], description["pretext_options"])
    network = make_network(config, pretext, seed=0)
    found = load_tensors(manifest.read_output(storage, WEIGHTS))
    head = {
        name.removeprefix(DECODER_PREFIX): value
        for name, value in found.items()
        if name.startswith(DECODER_PREFIX)
    }
    encoder = {name: value for name, value in found.items() if not name.startswith(DECODER_PREFIX)}
    try:
        named_part(network.encoder).load_state_dict(encoder)
        network.head.load_state_dict(head)
    except RuntimeError as error:
        raise SchemaError(
            where=f"{storage.url}/{WEIGHTS}",
            expected="the tensors that its description asks for",
            got=str(error).splitlines()[-1].strip(),
            remedy="use the version of examwise that wrote it, or pretrain again",
        ) from error
    return PretrainedEncoder(network.eval(), pretext, config, description)


def _kept(value: torch.Tensor, *, half_precision: bool) -> torch.Tensor:
    plain = value.detach().cpu().contiguous()
    return plain.half() if half_precision and plain.is_floating_point() else plain
