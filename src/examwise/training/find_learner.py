"""Learners from what a configuration says: a registered name, or a class of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examwise.core.errors import InputError
from examwise.data.label_kind import LabelKind
from examwise.models.encoders import is_class_path
from examwise.training.learners import LEARNERS

if TYPE_CHECKING:
    from examwise.models.config import ModelConfig
    from examwise.training.config import TrainingConfig
    from examwise.training.learners.protocol import Learner

_OF_KIND = {"slice": "strong", "exam": "weak", "mixed": "mixed"}


def label_kind_of(name: str) -> LabelKind:
    """Return what a learner's labels are of.

    Raises:
        InputError: If there is no such learner.

    Example:
        >>> label_kind_of("strong")
        'slice'
    """
    if is_own(name):
        from examwise.training.exam_learner import import_own_learner, own_label_kind

        return own_label_kind(import_own_learner(name))
    kind: LabelKind = LEARNERS.load(name)().label_kind
    return kind


def is_own(name: str) -> bool:
    """Tell whether a learner is a class of the user's own.

    Raises:
        InputError: If it is neither that nor registered.

    Example:
        >>> is_own("weak"), is_own("my_package:MyModel")
        (False, True)
    """
    if name in LEARNERS:
        return False
    if is_class_path(name):
        return True
    known = ", ".join(LEARNERS)
    raise InputError(where="learner", expected=f"one of {known}, or package.module:Class", got=name)


def reads_features(learner: str, model: ModelConfig, training: TrainingConfig) -> bool:
    """Tell whether a run may read a frozen encoder's features in place of pixels."""
    if is_own(learner) or training.augmentation != "none" or not model.is_frozen:
        return False
    return judging_learner(learner).adapt(model).is_frozen


def judging_learner(name: str) -> Learner:
    """Return the learner by which validation labels are judged.

    For a class of one's own it is the registered one of the same kind of labels.
    """
    learner: Learner = LEARNERS.load(_OF_KIND[label_kind_of(name)] if is_own(name) else name)()
    return learner
