from __future__ import annotations

import numpy as np
import pytest
import torch

from examwise.training.augmentations import AUGMENTATIONS
from examwise.training.augmentations.choose import make_augmentation


@pytest.fixture(params=list(AUGMENTATIONS))
def augmentation(request):
    return make_augmentation(request.param)


@pytest.fixture
def images():
    """Windowed images of 9 slices with air about them and bone in them."""
    rng = np.random.default_rng(0)
    made = np.full((9, 1, 40, 36), -1.0, np.float32)
    made[:, :, 8:32, 8:28] = rng.uniform(-0.9, 0.9, (9, 1, 24, 20))
    made[:, :, 8, 8:28] = 1.0
    return torch.from_numpy(made)
