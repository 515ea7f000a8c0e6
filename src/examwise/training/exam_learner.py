"""What a LightningModule of one's own offers, so that it can be judged like those that ship."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from lightning.pytorch import LightningModule

from examwise.core.class_paths import import_class
from examwise.core.errors import InputError
from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.exam_classifier import ExamOutput
from examwise.models.own_module import own_exam_output
from examwise.training.lightning_module import LearningModule


@runtime_checkable
class ExamLearner(Protocol):
    """A LightningModule that tells of exams.

    Any LightningModule whose ``training_step`` takes a :class:`~examwise.data.bags.BagBatch` can
    be trained. One with these two members gets validation, thresholds, prediction, evaluation and
    studies as well.

    Attributes:
        label_kind: What its labels are of: an attribute of the class, since it is asked before
            there is an instance. Without it, labels are of exams.
    """

    label_kind: LabelKind

    def exam_output(self, batch: BagBatch) -> ExamOutput:
        """Return logits for each exam and each slice, and attention where there is any."""
        ...


def import_own_learner(path: str) -> type[LightningModule]:
    """Import a LightningModule by its class path.

    Raises:
        InputError: If there is none, or its labels are of no known kind.
    """
    found: type[LightningModule] = import_class(path, base=LightningModule, where="learner")
    kind = own_label_kind(found)
    if kind not in ("slice", "exam", "mixed"):
        raise InputError(
            where=f"learner {path}, label_kind", expected="slice, exam or mixed", got=kind
        )
    return found


def own_label_kind(found: type[Any]) -> LabelKind:
    """Return what the labels of a LightningModule's class are of; of exams if it says nothing."""
    kind: LabelKind = getattr(found, "label_kind", "exam")
    return kind


def output_of(module: LightningModule, batch: BagBatch, *, n_findings: int) -> ExamOutput:
    """Return what an :class:`ExamLearner` says of a batch; of a class of the user's own, checked.

    Raises:
        InputError: As :func:`~examwise.models.own_module.own_exam_output`.
    """
    if isinstance(module, LearningModule):
        return module.exam_output(batch)
    return own_exam_output(module, batch, path=class_path(module), n_findings=n_findings)


def class_path(module: LightningModule) -> str:
    """Return the path of a module's class."""
    return f"{type(module).__module__}:{type(module).__qualname__}"
