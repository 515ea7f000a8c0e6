"""Tensors in files, read without running anything that a file might hold."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import torch
from safetensors.torch import load as load_safetensors
from torch import Tensor

from examwise.core.errors import InputError

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
_NESTED = "state_dict"
_LONGEST_SAFETENSORS_HEADER = 100_000_000


def read_tensors(data: bytes, *, where: str) -> dict[str, Tensor]:
    """Read a file of named tensors, by safetensors or torch (``weights_only``).

    Of a checkpoint that holds more, its ``state_dict`` is read.

    Args:
        data: The whole file.
        where: The file, for messages.

    Returns:
        Name to tensor, on the CPU.

    Raises:
        InputError: If it is neither, or a tensor holds values that are not finite.
    """
    content = _parse(data, where=where)
    if isinstance(content, Mapping) and isinstance(content.get(_NESTED), Mapping):
        content = content[_NESTED]
    if not isinstance(content, Mapping) or not content:
        raise _refusal(where, type(content).__name__)
    for name, value in content.items():
        if not (isinstance(name, str) and isinstance(value, Tensor)):
            raise _refusal(where, f"{type(value).__name__} under the name {name}")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(
                where=f"{where}, tensor {name}", expected="finite numbers", got="others"
            )
    return dict(content)


def _parse(data: bytes, *, where: str) -> object:
    # A safetensors file begins with the length of its header, which begins with a brace.
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < _LONGEST_SAFETENSORS_HEADER:
        try:
            return load_safetensors(data)
        except Exception as error:
            raise _refusal(where, f"{type(error).__name__}: {error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the pickle's protocol: it is read, or it is not
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        # Its message is many lines on how to load the file all the same.
        raise _refusal(where, f"{type(error).__name__} when it was read") from error


def _refusal(where: str, got: str) -> InputError:
    return InputError(
        where=where,
        expected="a whole file of named tensors (safetensors, or torch's of a state dict)",
        got=got,
        remedy="it is damaged or holds something else: fetch or write it again",
    )
