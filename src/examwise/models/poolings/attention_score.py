"""The small network that gives each slice its attention logit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from examwise.models.seeded_dropout import SeededDropout


class AttentionScore(nn.Module):
    """Two linear layers with tanh between them, and a sigmoid gate on request.

    Ilse, Tomczak and Welling, Attention-based deep multiple instance learning, 2018. They have no
    dropout; here it is of hidden units.

    Args:
        embedding: Features of a slice.
        hidden: Hidden units.
        dropout: Probability with which a hidden unit is dropped in training.
        gated: Whether hidden units are multiplied by a sigmoid of another linear layer.
    """

    def __init__(self, *, embedding: int, hidden: int, dropout: float, gated: bool = False) -> None:
        super().__init__()
        self.hidden = nn.Linear(embedding, hidden)
        self.gate = nn.Linear(embedding, hidden) if gated else None
        self.logit = nn.Linear(hidden, 1, bias=False)
        self.drop = SeededDropout(dropout, place=1)

    def forward(self, embeddings: Tensor, slice_keys: Tensor | None) -> Tensor:
        """Return a logit for each embedding, shape (N,), in the parameters' precision."""
        values = embeddings.to(self.hidden.weight.dtype)
        units = torch.tanh(self.hidden(values))
        if self.gate is not None:
            units = units * torch.sigmoid(self.gate(values))
        return self.logit(self.drop(units, slice_keys)).squeeze(1)
