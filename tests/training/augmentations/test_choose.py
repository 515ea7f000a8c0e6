from __future__ import annotations

import subprocess
import sys

import pytest

from examwise.core.errors import InputError
from examwise.training.augmentations import AUGMENTATIONS, HOST_AUGMENTATIONS
from examwise.training.augmentations.choose import (
    augmentation_digest,
    check_augmentation,
    make_augmentation,
    make_host_augmentation,
)
from examwise.training.augmentations.no_augmentation import NoAugmentation
from examwise.training.augmentations.torchio_slices import TorchioSlices


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_names_of_the_device_have_nothing_on_the_host(name):
    assert make_host_augmentation(name) is None
    assert augmentation_digest(name) == ""


@pytest.mark.parametrize("name", list(HOST_AUGMENTATIONS))
def test_names_of_the_host_have_nothing_on_the_device(name):
    assert isinstance(make_host_augmentation(name), TorchioSlices)
    assert isinstance(make_augmentation(name), NoAugmentation)
    assert augmentation_digest(name) == ""


def test_a_file_is_read_on_the_host_and_known_by_its_bytes(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("- RandomFlip")
    name = f"torchio:{path}"
    assert isinstance(make_host_augmentation(name), TorchioSlices)
    assert isinstance(make_augmentation(name), NoAugmentation)
    first = augmentation_digest(name)
    path.write_text("- RandomNoise")
    assert first.startswith("sha256:")
    assert first != augmentation_digest(name)


@pytest.mark.parametrize("name", ["flips", "torchio:", "torchio:other", "torchio:none.yaml"])
@pytest.mark.parametrize(
    "use", [check_augmentation, make_augmentation, make_host_augmentation, augmentation_digest]
)
def test_other_names_are_refused(name, use):
    with pytest.raises(InputError, match="augmentation: expected"):
        use(name)


def test_names_are_checked_without_importing_torchio():
    program = (
        "import sys\n"
        "from examwise.training.augmentations.choose import check_augmentation\n"
        "check_augmentation('torchio:teneggi2023')\n"
        "sys.exit('torchio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
