from __future__ import annotations

import pytest
import torch

from examwise.core.errors import InputError
from examwise.training.augmentations import AUGMENTATIONS
from examwise.training.augmentations.choose import make_augmentation
from examwise.training.config import TrainingConfig

OWN = """
class Darken:
    def draw(self, exam_ids, bag_sizes, *, seed, step, slice_index=None):
        return lambda images, rows: images - 0.5

class Nothing:
    pass
"""


@pytest.fixture
def _own_module(tmp_path, monkeypatch):
    (tmp_path / "my_augmentation.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "none"])
def test_registered_ones_are_made(name):
    made = make_augmentation(name)
    change = made.draw(["e1"], torch.tensor([2]), seed=0, step=1)
    assert change(torch.zeros(2, 1, 16, 16), slice(0, 2)).shape == (2, 1, 16, 16)


@pytest.mark.usefixtures("_own_module")
def test_a_class_of_ones_own_is_made():
    name = TrainingConfig(augmentation="my_augmentation:Darken").augmentation
    change = make_augmentation(name).draw(["e1"], torch.tensor([1]), seed=0, step=1)
    assert change(torch.zeros(1, 1, 2, 2), slice(0, 1)).unique().tolist() == [-0.5]


@pytest.mark.usefixtures("_own_module")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flipp", "flip_and_shift"),
        ("my_augmentation:Lighten", "Lighten"),
        ("my_augmentation:Nothing", "a class with a method draw"),
        ("no_such_module:Darken", "no_such_module"),
    ],
)
def test_what_is_none_is_refused_with_words(name, words):
    with pytest.raises(InputError, match=words):
        make_augmentation(name)


def test_an_unknown_name_is_refused_before_anything_is_made():
    with pytest.raises(InputError, match=r"package\.module:Class"):
        TrainingConfig(augmentation="flipp")
