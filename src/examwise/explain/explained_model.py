"""A trained model as explainers see it: one finding, slices one by one, or bags of them."""

from __future__ import annotations

import torch
from torch import Tensor

from examwise.core.errors import InputError
from examwise.models.encoders.build import named_part
from examwise.models.exam_classifier import ExamClassifier
from examwise.models.files import LoadedModel, load_model
from examwise.models.position_encoder import PositionEncoder
from examwise.models.segments import even_positions


class ExplainedModel:
    """Scores slices and bags for one finding; weights stay as they are.

    A slice is scored by the classifier on its own embedding, in strong and weak learners alike.

    Args:
        module: The model, in evaluation mode.
        column: The finding's column of its logits.
        device: Where it is to be.
    """

    def __init__(
        self, module: ExamClassifier, *, column: int, device: torch.device | str = "cpu"
    ) -> None:
        self.module = module.eval().to(device)
        self.module.requires_grad_(False)
        self.column = column
        self.device = torch.device(device)

    @classmethod
    def of_run(cls, run: str, *, finding: str, device: torch.device | str) -> ExplainedModel:
        """Load a run's model.

        Raises:
            InputError: If the run has no usable model of this package's architecture, or none of
                this finding, or sees no pixels.
        """
        loaded: LoadedModel = load_model(run)
        findings = list(loaded.description["findings"])
        if not isinstance(loaded.module, ExamClassifier):
            raise InputError(
                where=run, expected="examwise's own architecture", got="a class of your own"
            )
        if isinstance(named_part(loaded.module.encoder), PositionEncoder):
            raise InputError(
                where=run, expected="a model that sees pixels", got="one that sees positions only"
            )
        if finding not in findings:
            raise InputError(where=run, expected="one of " + ", ".join(findings), got=finding)
        return cls(loaded.module, column=findings.index(finding), device=device)

    def slice_logits(self, pixels_hu: Tensor) -> Tensor:
        """Return the finding's logits of slices, each by itself, shape (n,).

        Gradients flow to the pixels where they are wanted.

        Args:
            pixels_hu: HU, float32 or int16, shape (n, rows, columns).
        """
        return self.logits_of_features(self.module.encode(pixels_hu))

    def slice_probabilities(self, pixels_hu: Tensor) -> Tensor:
        """Return the finding's probabilities of slices, each by itself, shape (n,)."""
        return torch.sigmoid(self.slice_logits(pixels_hu))

    def images(self, pixels_hu: Tensor) -> Tensor:
        """Return what the encoder is shown of slices, shape (n, channels, rows, columns)."""
        shown: Tensor = self.module.input_scale(self.module.window(pixels_hu))
        layout = (
            torch.channels_last if self.module.config.channels_last else torch.contiguous_format
        )
        return shown.contiguous(memory_format=layout)

    def logits_of_images(self, images: Tensor) -> Tensor:
        """Return the finding's logits of :meth:`images`, all in one pass, shape (n,)."""
        return self.logits_of_features(self.module.encoder(images).float())

    def logits_of_features(self, features: Tensor) -> Tensor:
        """Return the finding's logits of slices from the encoder's features, shape (n,)."""
        return self.module.classifier(self.module.embedding(features))[:, self.column]

    def exam_probabilities(
        self, features: Tensor, bag_sizes: Tensor, *, relative_position: Tensor | None = None
    ) -> Tensor:
        """Return the finding's probabilities of packed bags, shape (B,); of an empty one 0.

        Args:
            features: The encoder's, bag after bag, shape (N, n_features).
            bag_sizes: Slices of each bag, int64, shape (B,).
            relative_position: 0 lowest to 1 highest, shape (N,): slices of part of an exam stay
                where they are in the whole. Evenly spaced within each bag if None.
        """
        found = torch.zeros(len(bag_sizes), device=features.device)
        filled = bag_sizes > 0
        if bool(filled.any()):
            sizes = bag_sizes[filled]
            if relative_position is None:
                relative_position = even_positions(sizes)
            said = self.module.classify(
                features, sizes, relative_position=relative_position
            ).exam_logits[:, self.column]
            found[filled] = torch.sigmoid(said)
        return found
