from __future__ import annotations

import copy
import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from examwise.core.errors import InputError
from examwise.models.encoders.build import build_encoder
from examwise.models.freezing import freeze, keep_frozen_in_eval


def resnet(norm="frozen_batch"):
    return build_encoder("resnet10", width=4, in_channels=3, norm=norm)


def trained(encoder):
    return {name.split(".")[0] for name, value in encoder.named_parameters() if value.requires_grad}


def test_the_published_recipes_parts_are_frozen_and_no_more():
    encoder = resnet()
    freeze(encoder, ("conv1", "bn1", "layer1", "layer2"))
    assert trained(encoder) == {"layer3", "layer4"}
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], lr=0.1)
    encoder(torch.randn(2, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    changed = {
        name.split(".")[0]
        for name, value in encoder.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {"layer3", "layer4"}


def test_all_and_none():
    encoder = resnet("group")
    freeze(encoder, ())
    assert len(trained(encoder)) == 6
    freeze(encoder, ("all",))
    assert trained(encoder) == set()


@pytest.mark.parametrize("prefix", ["layer", "layer5", "fc", "", "layer1.", "all.conv1"])
def test_what_is_no_part_is_refused_by_name(prefix):
    with pytest.raises(InputError, match=r"option frozen: .*conv1, bn1, .*layer4"):
        freeze(resnet(), ("conv1", prefix))


def test_names_go_down_to_blocks_and_tensors():
    encoder = resnet()
    freeze(encoder, ("layer4.0.conv1", "layer3.0.bn1.weight"))
    frozen = {name for name, value in encoder.named_parameters() if not value.requires_grad}
    assert frozen == {"layer4.0.conv1.weight", "layer3.0.bn1.weight"}


class Lively(nn.Module):
    n_features = 4

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.InstanceNorm2d(4, track_running_stats=True), nn.Dropout(0.5)
        )
        self.second = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Dropout(0.5))

    def forward(self, images):
        return self.second(self.first(images))


def test_frozen_parts_stay_in_evaluation_mode_in_copies_too(monkeypatch):
    module = ModuleType("lively_network_of_a_test")
    module.Lively = Lively
    monkeypatch.setitem(sys.modules, module.__name__, module)
    encoder = build_encoder(f"{module.__name__}:Lively", width=1, in_channels=1)
    freeze(encoder, ("first",))
    for model in (encoder, copy.deepcopy(encoder)):
        model.train()
        keep_frozen_in_eval(model)
        first, second = model.network.first, model.network.second
        assert not any(part.training for part in first.modules())
        assert all(part.training for part in second.modules())
        statistics = first[1].running_mean.clone()
        images = torch.randn(2, 1, 8, 8)
        assert torch.equal(first(images), first(images))
        assert torch.equal(first[1].running_mean, statistics)


def test_a_whole_frozen_encoder_is_in_evaluation_mode():
    encoder = resnet()
    freeze(encoder, ("all",))
    encoder.train()
    keep_frozen_in_eval(encoder)
    assert not any(part.training for part in encoder.modules())
