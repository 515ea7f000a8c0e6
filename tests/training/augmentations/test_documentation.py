from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from examwise.training.augmentations import AUGMENTATIONS, HOST_AUGMENTATIONS
from examwise.training.augmentations.torchio_file import GROUPS, TRANSFORMS, read_pipeline

PAGE = (Path(__file__).parents[3] / "docs" / "augmentation.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL).group(1)


@pytest.mark.parametrize("name", [*AUGMENTATIONS, *HOST_AUGMENTATIONS, *TRANSFORMS, *GROUPS])
def test_every_name_is_explained(name):
    assert f"`{name}`" in PAGE


def test_the_pipeline_of_the_example_works(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(block("yaml"))
    assert len(read_pipeline(path).transform.transforms) == 3


def test_the_class_of_the_example_works(images):
    found = {}
    exec(block("python"), found)
    transform = found["Brighten"]().draw(("a", "b"), torch.tensor([4, 5]), seed=0, step=1)
    whole = transform(images, slice(0, 9))
    assert torch.equal(whole[2:6], transform(images[2:6], slice(2, 6)))
    assert whole[:4].sub(images[:4]).mean() > 0
