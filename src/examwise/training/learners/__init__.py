"""Learners by name."""

from __future__ import annotations

from examwise.core.registry import Registry

LEARNERS = Registry(
    "learner",
    {
        "strong": "examwise.training.learners.strong:StrongLearner",
        "weak": "examwise.training.learners.weak:WeakLearner",
        "mixed": "examwise.training.learners.mixed:MixedLearner",
        "pooled": "examwise.training.learners.pooled:PooledLearner",
        "position": "examwise.training.learners.position:PositionLearner",
    },
)
"""Each entry is called without arguments and returns a ``Learner``."""
