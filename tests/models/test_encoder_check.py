from __future__ import annotations

import pytest
import torch

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.models.encoder_check import require_encoder, require_pooling
from examwise.models.encoder_weights import find_weights
from examwise.models.encoders import ENCODERS
from examwise.models.encoders.build import build_encoder
from examwise.models.encoders.norms import NORMS


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("norm", NORMS)
def test_what_can_be_made_passes_and_draws_nothing(name, norm):
    before = torch.get_rng_state()
    require_encoder(ModelConfig(encoder=name, norm=norm, frozen=("all",)))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_encoder_from_outside_is_really_made():
    before = torch.get_rng_state()
    require_encoder(ModelConfig(encoder="examwise.models.position_encoder:PositionEncoder"))
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(InputError, match="no module"):
        require_encoder(ModelConfig(encoder="no_such_package.nets:Net"))


def test_what_cannot_be_done_is_refused(tmp_path):
    with pytest.raises(InputError, match="option frozen"):
        require_encoder(ModelConfig(frozen=("layer9",)))
    with pytest.raises(InputError, match="option depth"):
        require_encoder(ModelConfig(encoder_options={"depth": 3}))
    torch.save(build_encoder("resnet10", width=8, in_channels=1).state_dict(), tmp_path / "a.pth")
    weights = find_weights(str(tmp_path / "a.pth"), encoder="resnet10")
    require_encoder(ModelConfig(encoder="resnet10", width=8), weights)
    with pytest.raises(InputError, match=r"model\.norm=group"):
        require_encoder(ModelConfig(encoder="resnet10", width=8, norm="frozen_batch"), weights)
    with pytest.raises(InputError, match="the width"):
        require_encoder(ModelConfig(encoder="resnet10", width=16), weights)


def test_a_pooling_that_cannot_be_made_is_refused():
    before = torch.random.get_rng_state()
    require_pooling(ModelConfig(pooling="top_k", pooling_options={"k": 2}))
    assert torch.equal(before, torch.random.get_rng_state())
    with pytest.raises(InputError, match="option k"):
        require_pooling(ModelConfig(pooling="top_k", pooling_options={"k": 0}))
    with pytest.raises(InputError, match="options of top_k: expected k, got n"):
        require_pooling(ModelConfig(pooling="top_k", pooling_options={"n": 2}))
