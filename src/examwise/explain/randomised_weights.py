"""The same architecture with weights drawn anew: what a map must not survive."""

from __future__ import annotations

import torch

from examwise.core.errors import InputError
from examwise.core.randomness import derive_seed
from examwise.explain.explained_model import ExplainedModel
from examwise.models.exam_classifier import ExamClassifier


def randomised(model: ExplainedModel, *, seed: int) -> ExplainedModel:
    """Return a model of random weights, all layers at once, frozen ones too.

    A map that stays as it was says nothing of what the model has learned (Adebayo et al., 2018;
    they also draw anew layer by layer).

    Args:
        model: The trained model.
        seed: Seed of the weights; the same for the same architecture, whatever was trained.

    Raises:
        InputError: If an encoder from outside brings weights of its own.
    """
    trained = model.module
    drawn = ExamClassifier(
        trained.config, exam_rule=trained.exam_rule, seed=derive_seed(seed, "randomised_weights")
    )
    learned = dict(trained.named_parameters())
    for name, value in drawn.named_parameters():
        # Norms begin as ones and zeros, and biases as zeros: matrices alone are drawn.
        if value.dim() > 1 and torch.equal(value, learned[name].to(value.device)):
            raise InputError(
                where=f"randomised weights, {name}",
                expected="weights that are drawn anew when the encoder is made",
                got="the trained ones",
                remedy="leave the check out",
            )
    return ExplainedModel(drawn, column=model.column, device=model.device)
