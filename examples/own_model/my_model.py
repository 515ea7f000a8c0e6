"""A model of one's own that is trained, predicted with and evaluated like any other."""

import lightning.pytorch as lightning
import torch
import torch.nn.functional as F
from torch import nn

from examwise.models.exam_classifier import ExamOutput
from examwise.models.segments import segment_softmax, segment_sum


class MyModel(lightning.LightningModule):
    """A small convolutional network with attention over an exam's slices."""

    label_kind = "exam"

    def __init__(self, findings, width=16, learning_rate=3e-3):
        super().__init__()
        self.findings = tuple(findings)
        self.learning_rate = learning_rate
        self.encoder = nn.Sequential(
            *(nn.Conv2d(1, width, 5, stride=2), nn.ReLU()),
            *(nn.Conv2d(width, width, 5, stride=2), nn.ReLU()),
            *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(0.1)),
        )
        self.attention = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
        self.classifier = nn.Linear(width, len(self.findings))

    def exam_output(self, batch):
        """Say what is thought of B exams with N slices in all."""
        images = ((batch.pixels_hu.float() - 40) / 40).clamp(-1, 1).unsqueeze(1)
        features = self.encoder(images)
        slice_logits = self.classifier(features)
        attention_logits = self.attention(features).squeeze(1)
        attention_weights = segment_softmax(attention_logits, batch.bag_sizes)
        exam_logits = segment_sum(attention_weights.unsqueeze(1) * slice_logits, batch.bag_sizes)
        return ExamOutput(exam_logits, slice_logits, attention_logits, attention_weights)

    def training_step(self, batch):
        """Return the mean loss over the exam labels that are there."""
        logits, known = self.exam_output(batch).exam_logits, ~batch.exam_labels.isnan()
        return F.binary_cross_entropy_with_logits(logits[known], batch.exam_labels[known])

    def configure_optimizers(self):
        """Return the optimiser."""
        return torch.optim.AdamW(self.parameters(), lr=self.learning_rate)
