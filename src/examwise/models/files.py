"""A trained model's two files: weights as safetensors, everything else as JSON.

The run's manifest vouches for both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from examwise.core.digests import readable_json
from examwise.core.errors import SchemaError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.run import MODEL, WEIGHTS
from examwise.core.storage import Storage
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamClassifier


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
    storage.write(WEIGHTS, save_tensors(state))
    description = {**extra, "config": asdict(config), "exam_rule": module.exam_rule}
    storage.write(MODEL, readable_json(description))


def load_model(run_url: str | Path) -> LoadedModel:
    """Load the model of a finished run, strictly: every weight, and no other.

    Raises:
        InputError: If there is no finished run at ``run_url`` or a file is missing.
        SchemaError: If the run was written in another version, or its weights do not fit.
        IntegrityError: If a file is not the one once written.
    """
    manifest = read_manifest(run_url, kind="run")
    storage = Storage(run_url)
    description = json.loads(manifest.read_output(storage, MODEL))
    config = ModelConfig.from_dict(description["config"])
    module = ExamClassifier(config, exam_rule=description["exam_rule"])
    weights = load_tensors(manifest.read_output(storage, WEIGHTS))
    _require_same_tensors(module.state_dict(), weights, where=f"{storage.url}/{WEIGHTS}")
    module.load_state_dict(weights)
    return LoadedModel(module.eval(), config, description)


def _require_same_tensors(
    wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor], *, where: str
) -> None:
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found or name not in wanted or found[name].shape != wanted[name].shape:
            raise SchemaError(
                where=f"{where}, tensor {name}",
                expected=_shape(wanted.get(name)),
                got=_shape(found.get(name)),
                remedy="use the version of examwise that wrote it, or train again",
            )


def _shape(tensor: torch.Tensor | None) -> str:
    return "no such tensor" if tensor is None else f"shape {tuple(tensor.shape)}"
