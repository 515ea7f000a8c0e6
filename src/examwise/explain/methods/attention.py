"""Attention as an explanation of exams."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel


class Attention:
    """Explains an exam by the weights that its slices have in the pooling (Ilse et al., 2018).

    They sum to one over an exam, whatever it shows.
    """

    def explain(self, model: ExplainedModel, features: Tensor) -> npt.NDArray[np.float64]:
        """Explain an exam; shapes as in the protocol.

        Raises:
            InputError: If the model has no attention.
        """
        sizes = torch.tensor([len(features)], device=features.device)
        with torch.no_grad():
            weights = model.module.classify(features, sizes).attention_weights
        if weights is None:
            raise InputError(
                where="method attention",
                expected="a model that pools by attention",
                got="one that does not",
                remedy="explain it by hshap_bag",
            )
        return weights.cpu().double().numpy()
