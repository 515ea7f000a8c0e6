from __future__ import annotations

import numpy as np
import pytest
import torchio

from examwise.core.errors import InputError
from examwise.training.augmentations.torchio_file import GROUPS, TRANSFORMS, read_pipeline

PIPELINE = """
- RandomFlip:
    axes: [0, 1]
    p: 0.5
- RandomAffine: {scales: [0.9, 1.1, 0.9, 1.1, 1, 1], degrees: [0, 0, 0, 0, 10, 20]}
- OneOf:
    transforms:
      - RandomNoise: {std: 0.4}
      - RandomGamma
      - Compose:
          transforms: [RandomBiasField]
    probabilities: [3, 1, 1]
"""


def read(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text)
    return read_pipeline(path)


def test_a_pipeline_is_what_the_file_says(tmp_path):
    slices = read(tmp_path, PIPELINE)
    flip, affine, one_of = slices.transform.transforms
    assert isinstance(flip, torchio.RandomFlip)
    assert flip.axes == (0, 1)
    assert isinstance(affine, torchio.RandomAffine)
    shares = {type(one).__name__: share for one, share in one_of.transforms_dict.items()}
    assert shares == pytest.approx({"RandomNoise": 0.6, "RandomGamma": 0.2, "Compose": 0.2})
    pixels = np.full((2, 32, 32), 30, np.int16)
    how = {"window_center_hu": 40.0, "window_width_hu": 80.0}
    after = slices(pixels, generator=np.random.default_rng(0), **how)
    assert after.shape == pixels.shape


@pytest.mark.parametrize("name", [*TRANSFORMS, *GROUPS])
def test_every_name_that_may_stand_there_is_torchios(name):
    assert issubclass(getattr(torchio, name), torchio.Transform)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a list of transforms"),
        ("RandomFlip: {}", "a list of transforms"),
        ("- [1, 2]", "entry 1: expected a transform's name"),
        ("- {RandomFlip: {}, RandomNoise: {}}", "one name with its arguments"),
        ("- RandomFlip\n- os.system: {command: ls}", r"entry 2: .*got os\.system"),
        ("- Lambda: {function: print}", "got Lambda"),
        ("- RandomFlip: 3", "arguments by name"),
        ("- RandomFlip: {axis: 0}", "arguments that TorchIO takes.*axis"),
        ("- RandomFlip: {axes: [7]}", "arguments that TorchIO takes"),
        ("- RandomNoise: {std: -1}", "arguments that TorchIO takes"),
        ("- OneOf: {transforms: [RandomFlip, Nothing]}", "entry 1, OneOf, entry 2.*got Nothing"),
        ("- OneOf", "entry 1, OneOf: expected a list of transforms"),
        ("- OneOf: {transforms: [RandomFlip], probabilities: [1, 2]}", "TorchIO takes"),
        ("- OneOf: {transforms: [RandomFlip], probabilities: 1}", "TorchIO takes"),
        ("- !!python/object/apply:os.getcwd []", "a YAML file"),
        ("- {a: ", "a YAML file"),
    ],
)
def test_what_is_no_pipeline_is_refused_with_words(tmp_path, text, words):
    with pytest.raises(InputError, match=words) as refused:
        read(tmp_path, text)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_pipeline(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["- {swap}", "- OneOf: {{transforms: [RandomFlip, {{{swap}}}]}}"])
def test_what_fails_however_seldom_is_refused_before_anything_runs(tmp_path, text):
    # A slice has no third direction to swap patches in.
    with pytest.raises(InputError, match=r"mine\.yaml, entry 1, .*RandomSwap: .*Patch size"):
        read(tmp_path, text.format(swap="RandomSwap: {patch_size: 15, p: 0.0001}"))
