from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from examwise.core.errors import InputError
from examwise.training.accelerator import require_accelerator


@pytest.fixture
def machine(monkeypatch):
    def make(*, cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return make


@pytest.mark.parametrize(
    ("name", "present", "usable"),
    [
        ("auto", {}, True),
        ("cpu", {}, True),
        ("gpu", {}, False),
        ("gpu", {"cuda": True}, True),
        ("gpu", {"mps": True}, True),
        ("cuda", {"mps": True}, False),
        ("cuda", {"cuda": True}, True),
        ("mps", {"cuda": True}, False),
        ("mps", {"mps": True}, True),
    ],
)
def test_only_what_is_there_may_be_asked_for(machine, name, present, usable):
    machine(**present)
    if usable:
        require_accelerator(name)
        return
    with pytest.raises(InputError, match=f"accelerator: expected {name} only where"):
        require_accelerator(name)


def test_without_a_wish_torch_is_not_imported():
    code = (
        "import sys; from examwise.training.accelerator import require_accelerator;"
        "require_accelerator('auto'); require_accelerator('cpu');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
