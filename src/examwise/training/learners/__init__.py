"""Learners by name."""

from __future__ import annotations

from examwise.core.registry import Registry

LEARNERS = Registry(
    "learner",
    {
        "strong": "examwise.training.learners.strong:StrongLearner",
        "weak": "examwise.training.learners.weak:WeakLearner",
    },
)
"""Each entry is called without arguments and returns an ``ExamLearner``."""
