"""What an encoder is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from torch import Tensor, nn


class Encoder(Protocol):
    """A :class:`torch.nn.Module` that turns each slice into features, each on its own.

    No slice's features may depend on another slice in the batch: no batch statistics. Besides
    what stands first, the protocol names what of a module is used here.

    Attributes:
        n_features: Features of a slice.
    """

    n_features: int

    def __call__(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, channels, rows, columns), to float32, shape (N, n_features)."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Set the mode."""
        ...

    def eval(self) -> Any:
        """Set evaluation mode."""
        ...

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Move to a device or into another layout in memory."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return what is trained."""
        ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Return what is trained, by name."""
        ...

    def modules(self) -> Iterator[nn.Module]:
        """Return all parts, itself first."""
        ...

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]:
        """Return all parts by name, itself first."""
        ...

    def state_dict(self) -> Mapping[str, Tensor]:
        """Return all tensors by name."""
        ...

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any:
        """Take tensors by name."""
        ...
