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
from torch import nn

from examwise.core.digests import readable_json
from examwise.core.errors import InputError, SchemaError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.run import MODEL, WEIGHTS
from examwise.core.storage import Storage
from examwise.data.bags import BagBatch
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamClassifier, ExamOutput
from examwise.models.own_module import make_own_module, own_exam_output


@dataclass(frozen=True)
class LoadedModel:
    """A trained model.

    Attributes:
        module: In evaluation mode, on the CPU; an :class:`ExamClassifier`, or of a class of the
            user's own.
        config: Its architecture; of a class of the user's own the findings alone mean anything.
        description: All of ``model.json``: learner, matrix, data terms, thresholds and more.
    """

    module: nn.Module
    config: ModelConfig
    description: Mapping[str, Any]

    def exam_output(self, batch: BagBatch) -> ExamOutput:
        """Return what the model says of a batch on its own device."""
        if not isinstance(self.module, ExamClassifier):
            return own_exam_output(
                self.module,
                batch,
                path=self.description["own_class"],
                n_findings=len(self.config.findings),
            )
        if batch.features is not None:
            return self.module.classify(
                batch.features, batch.bag_sizes, relative_position=batch.relative_position
            )
        said: ExamOutput = self.module(
            batch.pixels_hu, batch.bag_sizes, relative_position=batch.relative_position
        )
        return said


def save_model(
    storage: Storage, module: nn.Module, config: ModelConfig, extra: Mapping[str, Any]
) -> None:
    """Write a model's weights, and then its description.

    Args:
        storage: The run directory.
        module: The model.
        config: Its architecture.
        extra: JSON-able fields to keep with it; for a class of the user's own, ``own_class`` and
            ``learner_options``.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    storage.write(WEIGHTS, save_tensors(state))
    # A folder's name may be a patient's: what first weights were is on record by their digest.
    options = {**asdict(config), "weights": ""}
    rule = {"exam_rule": module.exam_rule} if isinstance(module, ExamClassifier) else {}
    description = {**extra, **rule, "config": options}
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
    module = _make(config, description)
    weights = load_tensors(manifest.read_output(storage, WEIGHTS))
    _require_same_tensors(module.state_dict(), weights, where=f"{storage.url}/{WEIGHTS}")
    module.load_state_dict(weights)
    return LoadedModel(module.eval(), config, description)


def _make(config: ModelConfig, description: Mapping[str, Any]) -> nn.Module:
    if not (path := description.get("own_class")):
        return ExamClassifier(config, exam_rule=description["exam_rule"])
    from lightning.pytorch import LightningModule

    made: nn.Module = make_own_module(
        path,
        base=LightningModule,
        findings=config.findings,
        options=description["learner_options"],
    )
    if not hasattr(made, "exam_output"):
        raise InputError(
            where=f"learner {path}",
            expected="a method exam_output(batch), which tells of exams and slices",
            got="none",
            remedy="add it, and train again",
        )
    return made


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
