"""h-Shap of exams, as an explainer of bags."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.hshap.bag import bag_hshap
from examwise.explain.hshap.importance import Importance, ThresholdMode
from examwise.models.segments import even_positions


class HShapBag:
    """Explains an exam's probability by the runs of slices that raise it (Teneggi et al., 2023).

    Slices are encoded already: an exam of n slices takes at most 2n bags of its features, each
    level's in one call. Slices of a part of the exam keep the place that they have in the whole,
    for poolings that look at it.

    Args:
        min_size: Runs of so many slices or fewer are not split.
        threshold: A value that is to be exceeded, or a percentile.
        threshold_mode: ``absolute`` or ``relative``.

    Raises:
        InputError: If one is out of range.
    """

    def __init__(
        self,
        *,
        min_size: int = 1,
        threshold: float = 0.0,
        threshold_mode: ThresholdMode = "absolute",
    ) -> None:
        if min_size < 1:
            raise InputError(where="min_size", expected="1 or more", got=min_size)
        self.min_size = min_size
        self.importance = Importance(threshold, threshold_mode)

    def explain(self, model: ExplainedModel, features: Tensor) -> npt.NDArray[np.float64]:
        """Explain an exam; shapes as in the protocol."""
        n_slices = torch.tensor([len(features)], device=features.device)
        placed = torch.cat([features, even_positions(n_slices)[:, None].to(features)], 1)

        def score(rows: Tensor, bag_sizes: Tensor) -> Tensor:
            return model.exam_probabilities(rows[:, :-1], bag_sizes, relative_position=rows[:, -1])

        return bag_hshap(
            score,
            placed,
            min_size=self.min_size,
            threshold=self.importance.threshold,
            threshold_mode=self.importance.mode,
        )
