"""What a study is to show beside its answer: that exam labels do no worse; light."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.core.analysis_protocol import require_margin


@dataclass(frozen=True)
class NonInferiorityConfig:
    """The weak learner at its largest budget is to be no worse than the strong one at its own.

    Tested on the study's own archive first, on each external one only after it. All of it is on
    record (``protocol.json``) before the first run starts.

    Attributes:
        margin: Exam AUC that the weak learner may be lower by and still count as no worse. It has
            no default: what difference would not matter to patients is for you to say.
    """

    margin: float

    def __post_init__(self) -> None:
        require_margin(self.margin, where="study.non_inferiority.margin")
