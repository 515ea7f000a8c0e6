"""The least that can be trained: any LightningModule, here one that learns to redraw slices."""

import lightning.pytorch as lightning
import torch
from torch import nn


class PlainModel(lightning.LightningModule):
    """An autoencoder: it takes a batch's pixels and no label."""

    def __init__(self):
        super().__init__()
        self.narrow = nn.Conv2d(1, 8, 4, stride=4)
        self.widen = nn.ConvTranspose2d(8, 1, 4, stride=4)

    def training_step(self, batch):
        """Return the mean square of what differs."""
        images = ((batch.pixels_hu.float() - 40) / 40).clamp(-1, 1).unsqueeze(1)
        return (self.widen(self.narrow(images).relu()) - images).square().mean()

    def configure_optimizers(self):
        """Return the optimiser."""
        return torch.optim.AdamW(self.parameters(), lr=1e-3)
