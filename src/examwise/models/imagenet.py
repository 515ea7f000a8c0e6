"""Weights that others trained on ImageNet: where they come from, and where they are kept."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, IntegrityError
from examwise.core.storage import Storage
from examwise.core.user_folders import user_folder

ENVIRONMENT_VARIABLE = "EXAMWISE_WEIGHTS"
_TIMEOUT_S = 30
_TERMS = (
    "the weights may be under terms derived from ImageNet, which was given for non-commercial "
    "research and education"
)
_TORCHVISION = f"torchvision's code is BSD-3-Clause; {_TERMS}"
_EFFICIENTNET_PYTORCH = f"EfficientNet-PyTorch is Apache-2.0; {_TERMS}"


@dataclass(frozen=True)
class PublishedWeights:
    """A public file of weights.

    Attributes:
        url: Where it is.
        description: What it is.
        licence: Under which terms, as far as its publishers say.
        digest_in_name: Whether the name ends in the beginning of the file's SHA-256.
    """

    url: str
    description: str
    licence: str
    digest_in_name: bool = True

    @property
    def file_name(self) -> str:
        """Name of the file."""
        return self.url.rpartition("/")[2]


def _torchvision(file_name: str, network: str) -> PublishedWeights:
    return PublishedWeights(
        f"https://download.pytorch.org/models/{file_name}",
        f"torchvision's {network}, trained on ImageNet-1K (IMAGENET1K_V1)",
        _TORCHVISION,
    )


PUBLISHED = {
    "resnet18": _torchvision("resnet18-f37072fd.pth", "ResNet-18"),
    "resnet34": _torchvision("resnet34-b627a593.pth", "ResNet-34"),
    "resnet50": _torchvision("resnet50-0676ba61.pth", "ResNet-50"),
    "densenet121": _torchvision("densenet121-a639ec97.pth", "DenseNet-121"),
    "efficientnet_b0": PublishedWeights(
        "https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/"
        "efficientnet-b0-355c32eb.pth",
        "EfficientNet-PyTorch's EfficientNet-B0, trained on ImageNet-1K",
        _EFFICIENTNET_PYTORCH,
        # Named alike, but its publisher does not say that this is a digest.
        digest_in_name=False,
    ),
}
"""Encoder to the weights that ``imagenet`` stands for."""

_DIGEST_IN_NAME = re.compile(r"-([0-9a-f]{8})\.pth")


def weights_folder() -> Path:
    """Return where downloaded weights are kept.

    ``$EXAMWISE_WEIGHTS``, else ``examwise/weights`` in the user's data folder.

    Raises:
        InputError: If neither the environment nor the user's home says where.
    """
    return user_folder(
        "weights", variable=ENVIRONMENT_VARIABLE, remedy=f"name a folder by {ENVIRONMENT_VARIABLE}"
    )


def published_weights(encoder: str) -> PublishedWeights:
    """Return which published weights fit an encoder.

    Raises:
        InputError: If there are none.
    """
    if encoder not in PUBLISHED:
        raise InputError(
            where="model option weights",
            expected="imagenet with one of the encoders " + ", ".join(PUBLISHED),
            got=f"the encoder {encoder}",
            remedy="give a file of weights by its path",
        )
    return PUBLISHED[encoder]


def read_published(weights: PublishedWeights) -> bytes:
    """Read published weights from the weights folder, fetched first if they are not there.

    Raises:
        InputError: If they are not there and cannot be fetched; says where to put the file.
        IntegrityError: If the file is not the published one.
    """
    folder = weights_folder()
    path = folder / weights.file_name
    if path.is_file():
        data = path.read_bytes()
        require_named_digest(weights.file_name, data, where=path)
        return data
    data = _fetch(weights, folder)
    require_named_digest(weights.file_name, data, where=weights.url)
    Storage(folder).write(weights.file_name, data)
    return data


def require_named_digest(file_name: str, data: bytes, *, where: object) -> None:
    """Raise if a published file is not what its name says.

    Names of other files say nothing and pass.

    Raises:
        IntegrityError: If it is not.
    """
    named = {each.file_name for each in PUBLISHED.values() if each.digest_in_name}
    found = _DIGEST_IN_NAME.search(file_name)
    if file_name not in named or found is None:
        return
    if not (digest := sha256_hex(data)).startswith(found[1]):
        raise IntegrityError(
            where=where,
            expected=f"a file whose SHA-256 begins with {found[1]}",
            got=digest[: len(found[1])],
            remedy="it is damaged or another: delete it and fetch it again",
        )


def _fetch(weights: PublishedWeights, folder: Path) -> bytes:
    try:
        with urllib.request.urlopen(weights.url, timeout=_TIMEOUT_S) as response:
            return bytes(response.read())
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the server's answer as well
        raise InputError(
            where=f"weights {weights.file_name}",
            expected=f"the file in {folder}, or a network to fetch it by",
            got=f"neither ({error})",
            remedy=f"fetch {weights.url} elsewhere and put it at {folder / weights.file_name}, "
            f"or name another folder by {ENVIRONMENT_VARIABLE}",
        ) from None
