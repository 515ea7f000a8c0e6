"""A trained model's two files: weights as safetensors, everything else as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from examwise.core.digests import readable_json, sha256_hex
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.schemas.manifest import SCHEMA_VERSIONS
from examwise.core.schemas.run import MODEL, WEIGHTS
from examwise.core.stage import read_manifest
from examwise.core.storage import Storage
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamClassifier

_FIELDS = ("schema_version", "config", "exam_rule", "weights_sha256")


@dataclass(frozen=True)
class LoadedModel:
    """A trained model.

    Attributes:
        module: In evaluation mode, on the CPU.
        config: Its architecture.
        description: All of ``model.json``: learner, matrix, data terms, thresholds and more.
    """

    module: ExamClassifier
    config: ModelConfig
    description: Mapping[str, Any]


def save_model(
    storage: Storage, module: ExamClassifier, config: ModelConfig, extra: Mapping[str, Any]
) -> None:
    """Write a model's weights, and then its description.

    Args:
        storage: The run directory.
        module: The model.
        config: Its architecture.
        extra: JSON-able fields to keep with it.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    weights = save_tensors(state)
    storage.write(WEIGHTS, weights)
    description = {
        **extra,
        "schema_version": SCHEMA_VERSIONS["run"],
        "config": asdict(config),
        "exam_rule": module.exam_rule,
        "weights_sha256": sha256_hex(weights),
    }
    storage.write(MODEL, readable_json(description))


def load_model(run_url: str | Path) -> LoadedModel:
    """Load the model of a finished run, strictly: every weight, and no other.

    Raises:
        InputError: If there is no finished run at ``run_url`` or a file is missing.
        SchemaError: If a file was written in another version, or weights do not fit.
        IntegrityError: If the weights are not those once written.
    """
    read_manifest(run_url, kind="run")
    storage = Storage(run_url)
    description = _read_description(storage)
    config = ModelConfig.from_dict(description["config"])
    module = ExamClassifier(config, exam_rule=description["exam_rule"])
    _load_weights(storage, module, digest=description["weights_sha256"])
    return LoadedModel(module.eval(), config, description)


def _read_description(storage: Storage) -> dict[str, Any]:
    where = f"{storage.url}/{MODEL}"
    try:
        description = json.loads(_read(storage, MODEL))
        missing = [field for field in _FIELDS if field not in description]
    except (ValueError, TypeError) as error:
        raise SchemaError(
            where=where, expected="JSON", got=error, remedy="train the model again"
        ) from error
    if missing:
        raise SchemaError(
            where=where, expected="the fields " + ", ".join(_FIELDS), got=f"no {missing[0]}"
        )
    version = SCHEMA_VERSIONS["run"]
    if description["schema_version"] != version:
        raise SchemaError(
            where=where,
            expected=f"schema version {version}",
            got=description["schema_version"],
            remedy="use the version of examwise that wrote it, or train again",
        )
    return description


def _load_weights(storage: Storage, module: ExamClassifier, *, digest: str) -> None:
    where = f"{storage.url}/{WEIGHTS}"
    data = _read(storage, WEIGHTS)
    if sha256_hex(data) != digest:
        raise IntegrityError(
            where=where,
            expected=f"the bytes whose SHA-256 {MODEL} holds",
            got=f"{len(data)} other bytes",
            remedy="restore the file, or train the model again",
        )
    try:
        found = load_tensors(data)
    except SafetensorError as error:
        raise IntegrityError(where=where, expected="a safetensors file", got=error) from error
    wanted = module.state_dict()
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found or name not in wanted or found[name].shape != wanted[name].shape:
            raise SchemaError(
                where=f"{where}, tensor {name}",
                expected=_shape(wanted.get(name)),
                got=_shape(found.get(name)),
                remedy=f"the file does not belong to {MODEL} beside it",
            )
    module.load_state_dict(found)


def _read(storage: Storage, key: str) -> bytes:
    try:
        return storage.read(key)
    except FileNotFoundError:
        raise InputError(
            where=f"{storage.url}/{key}",
            expected="a file of a trained model",
            got="no file",
            remedy="restore it, or train the model again",
        ) from None


def _shape(tensor: torch.Tensor | None) -> str:
    return "no such tensor" if tensor is None else f"shape {tuple(tensor.shape)}"
