"""The published training loop, made again from its description, to be compared with.

One exam a step with examination-level labels, four slices a step with image-level ones; single
precision; every slice changed on its own on the host by TorchIO, as an image of three equal
channels; an exam read from one ``.pt`` file, a lone slice from one ``.npy`` file; four workers that
read ahead. An exam is seen whole, not in a random part, so that the work is the same. Weights are
random and ImageNet's are not: nothing is learned here. The network is MONAI's, which is the same.

Source: Teneggi, Yi and Sulam (2023), the published code.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from entmax import sparsemax
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from examwise.training.augmentations.torchio_teneggi2023 import published_transform

N_WORKERS = 4
SLICES_A_STEP = 4
_FROZEN = ("conv1", "layer1", "layer2")
_LOWEST_HU, _WIDTH_HU = 0.0, 80.0


class PublishedModel(nn.Module):
    """ResNet-18, attention with sparsemax, a linear classifier with a sigmoid.

    Args:
        width: Channels of the first stage; published: 64.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.encoder = ResNet(
            block="basic",
            layers=[2, 2, 2, 2],
            block_inplanes=[width, 2 * width, 4 * width, 8 * width],
            spatial_dims=2,
            n_input_channels=3,
            conv1_t_size=7,
            conv1_t_stride=2,
            num_classes=128,
            bias_downsample=False,
        )
        for name in _FROZEN:
            self.encoder.get_submodule(name).requires_grad_(False)
        self.drop = nn.Dropout(0.5)
        self.attention = nn.Sequential(
            nn.Linear(128, 64), nn.Dropout(0.25), nn.Tanh(), nn.Linear(64, 1)
        )
        self.classifier = nn.Sequential(nn.Linear(128, 1), nn.Sigmoid())

    def forward(self, images: Tensor, *, is_exam: bool) -> Tensor:
        """Return probabilities, of one exam or of each slice."""
        embeddings = self.drop(self.encoder(images))
        if is_exam:
            weights = sparsemax(self.attention(embeddings).t(), dim=1)
            embeddings = weights @ embeddings
        return self.classifier(embeddings).flatten()


class PublishedImages(Dataset[tuple[Tensor, Tensor]]):
    """Images of whole exams, or lone ones, windowed, augmented and normalised on the host.

    Args:
        files: A file each.
    """

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._transform = published_transform()
        self._mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
        self._deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        file = self._files[place]
        is_exam = file.suffix == ".pt"
        pixels = torch.load(file) if is_exam else torch.from_numpy(np.load(file))[None]
        unit = ((pixels.float() - _LOWEST_HU) / _WIDTH_HU).clamp(0, 1)
        images = unit.unsqueeze(1).repeat(1, 3, 1, 1)
        for index, image in enumerate(images):
            images[index] = self._transform(image[..., None])[..., 0]
        images = (images - self._mean) / self._deviation
        return (images if is_exam else images[0]), torch.tensor(float(place % 2))


def focal_loss(probability: Tensor, label: Tensor, *, scale: float) -> Tensor:
    """Return the mean focal loss, finite where the published one is not."""
    of_label = torch.where(label == 1, probability, 1 - probability).clamp(min=1e-6)
    gamma = torch.where(of_label < 0.2, 5.0, 3.0)
    return -(scale * (1 - of_label) ** gamma * of_label.log()).mean()


def train_published(
    folder: Path, *, is_weak: bool, width: int, n_workers: int, device: torch.device
) -> Iterator[int]:
    """Train without end; yields the number of slices after each step.

    Args:
        folder: From :func:`train_store.write_torch_files`.
        is_weak: Whether labels are of exams.
        width: Of the network.
        n_workers: Processes that read ahead.
        device: Where to.
    """
    model = PublishedModel(width).to(device).train()
    parameters = model.parameters()
    if is_weak:
        optimizer: torch.optim.Optimizer = torch.optim.SGD(
            parameters, lr=1e-3, momentum=0.9, weight_decay=1e-4
        )
    else:
        optimizer = torch.optim.Adam(parameters, lr=1e-5, weight_decay=1e-7)
    loader = DataLoader(
        PublishedImages(sorted(folder.glob("*.pt" if is_weak else "*.npy"))),
        batch_size=1 if is_weak else SLICES_A_STEP,
        shuffle=True,
        drop_last=True,
        num_workers=n_workers,
        persistent_workers=n_workers > 0,
    )
    while True:
        for read, label in loader:
            images = (read[0] if is_weak else read).to(device)
            probability = model(images, is_exam=is_weak)
            loss = focal_loss(probability, label.to(device), scale=0.6 if is_weak else 0.86)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            yield len(images)
