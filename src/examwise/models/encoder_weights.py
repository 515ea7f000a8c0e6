"""First weights of an encoder: published ones, a file's, or those of an earlier stage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import begun_kind, read_manifest
from examwise.core.schemas import encoder as encoder_directory
from examwise.core.schemas import run as run_directory
from examwise.core.storage import Storage
from examwise.models.encoders.build import named_part
from examwise.models.encoders.protocol import Encoder
from examwise.models.imagenet import (
    PUBLISHED,
    published_weights,
    read_published,
    require_named_digest,
)
from examwise.models.shipped_encoders import locate_weights
from examwise.models.weight_files import SUFFIXES, read_tensors
from examwise.models.weight_names import match

IMAGENET = "imagenet"
"""Source that stands for the published weights of the encoder."""

_ENCODER_PREFIX = "encoder."
_OWN = "that of the directory they come from"
_UNKNOWN = "not known: that of whoever made the file"


@dataclass(frozen=True)
class EncoderWeights:
    """Weights, and where they come from.

    Attributes:
        source: ``imagenet``, or the name of the file or directory, for messages.
        kind: ``imagenet``, ``file``, ``encoder`` or ``run``.
        digest: ``sha256:`` and the digest of the file.
        licence: Under which terms they are, as far as known.
        description: What they are.
        directory: Where they come from an encoder's or a run's directory, its URL; else empty.
        data: The file.
    """

    source: str
    kind: str
    digest: str
    licence: str
    description: str
    directory: str = ""
    data: bytes = field(default=b"", repr=False)

    def load(self) -> dict[str, Tensor]:
        """Return the tensors by name, on the CPU.

        Raises:
            InputError: If the file is damaged or holds something else.
        """
        tensors = read_tensors(self.data, where=f"weights {self.source}")
        if not self.directory:
            return tensors
        if self.kind == "run":
            return {
                name.removeprefix(_ENCODER_PREFIX): value
                for name, value in tensors.items()
                if name.startswith(_ENCODER_PREFIX)
            }
        return {
            name: value
            for name, value in tensors.items()
            if not name.startswith(encoder_directory.DECODER_PREFIX)
        }

    @property
    def provenance(self) -> dict[str, str]:
        """What a model says of its first weights; JSON-able.

        Names of files and folders are left out: one may be a patient's.
        """
        return {
            "source": self.kind,
            "digest": self.digest,
            "licence": self.licence,
            "description": self.description,
        }


def find_weights(source: str, *, encoder: str) -> EncoderWeights:
    """Find weights and read them.

    Args:
        source: ``imagenet``; ``shipped:NAME``, an encoder that comes with the package; a file
            (``.pth``, ``.pt``, ``.safetensors``); or a finished directory of kind ``encoder`` or
            ``run``, on a disk or any fsspec URL.
        encoder: The encoder's name.

    Raises:
        InputError: If there is nothing of the kind; where published weights cannot be fetched,
            says where to put the file.
        IntegrityError: If a file is not the one once published or written.
        SchemaError: If a directory was written in another version.
    """
    source = locate_weights(source)
    if source == IMAGENET:
        published = published_weights(encoder)
        data = read_published(published)
        return EncoderWeights(
            source, IMAGENET, _digest(data), published.licence, published.description, data=data
        )
    folder, slash, name = source.rstrip("/").rpartition("/")
    files = Storage(folder or slash or ".")
    if name and files.exists(name):
        if begun_kind(files.url) in ("encoder", "run"):
            raise InputError(
                where=f"weights {name}",
                expected="the directory that the file belongs to, which says whom its weights "
                "have learned from",
                got="the file alone",
                remedy="name the directory",
            )
        return _of_file(files, name)
    kind = begun_kind(source)
    if kind == "encoder":
        return _of_encoder(source, name, encoder)
    if kind == "run":
        return _of_run(source, name, encoder)
    raise InputError(
        where=f"weights {source}",
        expected="imagenet, a file of weights, or the finished directory of an encoder or a run",
        got="no such file or directory" if kind is None else f"a directory of kind {kind}",
    )


def load_into(encoder: Encoder | nn.Module, weights: EncoderWeights) -> None:
    """Put weights into an encoder; every tensor must be there in its shape, and no other.

    A classifier over ImageNet's classes is left out.

    Raises:
        InputError: If a tensor is missing, one too many or of another shape; the encoder then is
            as it was.
    """
    part = named_part(encoder)
    part.load_state_dict(
        match(part.state_dict(), weights.load(), where=f"weights {weights.source}")
    )


def _of_file(files: Storage, name: str) -> EncoderWeights:
    if not name.endswith(SUFFIXES):
        raise InputError(
            where=f"weights {name}", expected="a file " + ", ".join(SUFFIXES), got="another"
        )
    data = files.read(name)
    require_named_digest(name, data, where=f"weights {name}")
    known = {each.file_name: each for each in PUBLISHED.values()}.get(name)
    return EncoderWeights(
        name,
        "file",
        _digest(data),
        known.licence if known else _UNKNOWN,
        known.description if known else "a file of weights",
        data=data,
    )


def _of_encoder(url: str, name: str, encoder: str) -> EncoderWeights:
    manifest, storage = read_manifest(url, kind="encoder"), Storage(url)
    described = json.loads(manifest.read_output(storage, encoder_directory.DESCRIPTION))
    _require_same_encoder(described.get("encoder"), encoder, source=name)
    data = manifest.read_output(storage, encoder_directory.WEIGHTS)
    return EncoderWeights(
        name, "encoder", _digest(data), _OWN, _pretrained(described), directory=url, data=data
    )


def _pretrained(described: Mapping[str, object]) -> str:
    """Say what an encoder was made from, as far as it is on record."""
    made = "an encoder pretrained without labels"
    if not {"pretext", "n_slices", "n_exams", "steps"} <= described.keys():
        return made
    return (
        f"{made}: pretext {described['pretext']}, {described['steps']} steps over "
        f"{described['n_slices']} slices of {described['n_exams']} exams"
    )


def _of_run(url: str, name: str, encoder: str) -> EncoderWeights:
    manifest, storage = read_manifest(url, kind="run"), Storage(url)
    described = json.loads(manifest.read_output(storage, run_directory.MODEL))
    _require_same_encoder(described.get("config", {}).get("encoder"), encoder, source=name)
    data = manifest.read_output(storage, run_directory.WEIGHTS)
    return EncoderWeights(
        name, "run", _digest(data), _OWN, "the encoder of a trained model", directory=url, data=data
    )


def _require_same_encoder(found: object, wanted: str, *, source: str) -> None:
    if isinstance(found, str) and found != wanted:
        raise InputError(
            where=f"weights {source}",
            expected=f"those of the encoder {wanted}",
            got=f"those of {found}",
            remedy=f"set model.encoder={found}, with its other options",
        )


def _digest(data: bytes) -> str:
    return "sha256:" + sha256_hex(data)
