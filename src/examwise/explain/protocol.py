"""What an explainer is given, and gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from examwise.explain.explained_model import ExplainedModel


@dataclass(frozen=True)
class ImageMaps:
    """Maps of slices.

    Attributes:
        maps: High where a pixel speaks for the finding, 0 where it says nothing, float32, shape
            (n, rows, columns).
        n_evaluations: Images that the model was shown for each slice, int64, shape (n,).
    """

    maps: npt.NDArray[np.float32]
    n_evaluations: npt.NDArray[np.int64]


class ImageExplainer(Protocol):
    """Says which pixels of a slice speak for the finding.

    Its options are keyword-only arguments of its class; :class:`examwise.core.errors.InputError`
    refuses wrong ones.
    """

    def explain(self, model: ExplainedModel, pixels_hu: Tensor, background_hu: Tensor) -> ImageMaps:
        """Explain slices.

        Args:
            model: The model, on the device of the pixels.
            pixels_hu: HU, float32, shape (n, rows, columns).
            background_hu: What stands for "nothing here", HU, float32, shape (rows, columns).
        """
        ...


class BagExplainer(Protocol):
    """Says which slices of an exam speak for the finding."""

    def explain(self, model: ExplainedModel, features: Tensor) -> npt.NDArray[np.float64]:
        """Explain an exam.

        Args:
            model: The model, on the device of the features.
            features: The encoder's, of all slices of the exam, lowest first, float32, shape
                (n_slices, n_features).

        Returns:
            A value for each slice, high where it speaks for the finding, shape (n_slices,).
        """
        ...
