"""What a run begins from, weights or another run's model, and whose patients these know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from examwise.core.errors import InputError
from examwise.core.manifest import begun_kind, read_manifest
from examwise.core.schemas.encoder import DESCRIPTION as ENCODER_DESCRIPTION
from examwise.core.schemas.run import LEARNED_PATIENTS, MODEL, WEIGHTS
from examwise.core.storage import Storage
from examwise.models.config import ModelConfig
from examwise.models.shipped_encoders import locate_weights

if TYPE_CHECKING:
    from examwise.models.encoder_weights import EncoderWeights


@dataclass(frozen=True)
class Beginnings:
    """What a run begins from.

    Attributes:
        weights: First weights of the encoder; random ones, or those of ``init``, if None.
        init: Directory of a finished run whose model is gone on with; none if empty.
        init_digest: Digest of its weights.
        learned: Patients whom they have learned from: ``patient_key``, ``part``.
        data_terms: Terms of use of what they have learned from.
    """

    weights: EncoderWeights | None
    init: str
    init_digest: str
    learned: pl.DataFrame
    data_terms: tuple[str, ...]

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in."""
        found = {} if self.weights is None else {"weights": self.weights.digest}
        return {**found, "init": self.init_digest} if self.init else found

    @property
    def provenance(self) -> dict[str, Any]:
        """What a model says of it; JSON-able."""
        return {
            "weights": self.weights.provenance if self.weights else None,
            "init": self.init_digest or None,
        }


def find_beginnings(model: ModelConfig, init: str) -> Beginnings:
    """Look up and check what a run begins from; nothing is loaded into a model yet.

    Args:
        model: Whose ``weights`` are looked up.
        init: Directory of a finished run, or empty.

    Raises:
        InputError: If there is no such thing.
        IntegrityError: If a file is not the one once written.
    """
    directories = []
    weights, digest = None, ""
    if model.weights:
        from examwise.models.encoder_weights import find_weights

        weights = find_weights(model.weights, encoder=model.encoder)
        if weights.directory:
            directories.append(weights.directory)
            _require_same_input(model)
    if init:
        manifest = read_manifest(init, kind="run")
        digest = manifest.outputs[WEIGHTS]
        directories.append(init)
    learned = [LEARNED_PATIENTS.read(Storage(each)) for each in directories]
    together = each_once([LEARNED_PATIENTS.frame([]), *learned])
    terms = sorted({term for each in directories for term in _terms(each)})
    return Beginnings(weights, init, digest, together, tuple(terms))


def each_once(learned: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return patients who were learned from, each once, sorted.

    Who trained one model and chose the threshold of the next has trained.

    Args:
        learned: Tables of :data:`~examwise.core.schemas.run.LEARNED_PATIENTS`.
    """
    together = pl.concat(learned).group_by("patient_key").agg(pl.col("part").min())
    return together.sort("patient_key")


_SEEN = (
    "encoder",
    "encoder_options",
    "width",
    "norm",
    "window_center_hu",
    "window_width_hu",
    "extra_windows",
    "input_channels",
    "input_scale",
)
"""Options that say what an encoder is and sees."""


def options_of_weights(source: str) -> dict[str, Any]:
    """Return the model options with which an encoder's weights were trained.

    Args:
        source: As :class:`~examwise.models.config.ModelConfig` takes it for ``weights``.

    Returns:
        Option to value; empty for what is no directory of an encoder or a run.

    Example:
        >>> options_of_weights("imagenet")
        {}
    """
    source = locate_weights(source)
    kind = begun_kind(source) if source and source != "imagenet" else None
    if kind == "encoder":
        manifest = read_manifest(source, kind="encoder")
        described = json.loads(manifest.read_output(Storage(source), ENCODER_DESCRIPTION))
    elif kind == "run":
        manifest = read_manifest(source, kind="run")
        described = json.loads(manifest.read_output(Storage(source), MODEL))["config"]
    else:
        return {}
    return {name: described[name] for name in _SEEN if name in described}


def _require_same_input(model: ModelConfig) -> None:
    wanted = ModelConfig(**options_of_weights(model.weights))
    for name in ("windows", "n_channels", "input_scale"):
        if getattr(model, name) != getattr(wanted, name):
            raise InputError(
                where=f"model options, {name}",
                expected=f"{getattr(wanted, name)}, with which the encoder's weights were trained",
                got=getattr(model, name),
                remedy="set the options as that encoder's description has them",
            )


def continued_model(model: ModelConfig, init: str, *, learner: str) -> ModelConfig:
    """Return the architecture of the run that is gone on with, with the findings asked for.

    Args:
        model: Its findings count, and what is not architecture: dropout, what is frozen, chunks.
        init: Directory of a finished run.
        learner: Who goes on with it.

    Raises:
        InputError: If that run knows positions alone, and the learner is to see pixels.
    """
    manifest = read_manifest(init, kind="run")
    described = json.loads(manifest.read_output(Storage(init), MODEL))
    if described.get("own_class"):
        return model
    if described["learner"] == "position" != learner:
        raise InputError(
            where=f"init of the {learner} learner",
            expected="a run whose model sees pixels",
            got="a position baseline",
            remedy="go on from another run",
        )
    return replace(
        ModelConfig.from_dict(described["config"]),
        findings=model.findings,
        weights="",
        frozen=model.frozen,
        dropout=model.dropout,
        attention_dropout=model.attention_dropout,
        chunk_slices=model.chunk_slices,
        channels_last=model.channels_last,
    )


def _terms(directory: str) -> list[str]:
    storage = Storage(directory)
    for name in (MODEL, ENCODER_DESCRIPTION):
        if storage.exists(name):
            return list(json.loads(storage.read(name)).get("data_terms", ()))
    raise InputError(where=directory, expected="a finished run or encoder", got="neither")
