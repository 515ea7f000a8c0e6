from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from examwise.core.errors import InputError
from examwise.models.encoders import ENCODERS, is_known_encoder
from examwise.models.encoders.build import build_encoder, named_part
from examwise.models.encoders.norms import FrozenBatchNorm

HERE = "networks_of_a_test"


class LeNet(nn.Module):
    """For digits of 28 × 28 pixels alone, hence with a number of its own."""

    def __init__(self, in_channels: int = 1, features: int = 20) -> None:
        super().__init__()
        self.n_features = features
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, 4, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(576, features)
        )

    def forward(self, images):
        return self.layers(images)


class Maps(nn.Module):
    """Returns maps, and doesn't say how many."""

    def __init__(self, in_channels, deep=7):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, deep, 3)

    def forward(self, images):
        return self.conv(images)


class WithBatchNorm(nn.Module):
    def __init__(self, tracked=True):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.bn = nn.BatchNorm2d(6, track_running_stats=tracked)

    def forward(self, images):
        return self.bn(self.conv(images)).mean(dim=(2, 3))


class Lying(Maps):
    n_features = 3


class Pair(nn.Module):
    def forward(self, images):
        return images, images


class Whole(nn.Module):
    def forward(self, images):
        return images.sum()


@pytest.fixture(autouse=True)
def module(monkeypatch):
    module = ModuleType(HERE)
    for found in (LeNet, Maps, WithBatchNorm, Lying, Pair, Whole):
        setattr(module, found.__name__, found)
    module.function = Maps
    module.number = 3
    monkeypatch.setitem(sys.modules, HERE, module)


def build(name, *, in_channels=1, norm="group", **options):
    return build_encoder(
        f"{HERE}:{name}", width=64, in_channels=in_channels, norm=norm, options=options
    )


@pytest.mark.parametrize(
    ("name", "known"),
    [
        *((name, True) for name in ENCODERS),
        ("timm:resnet18d", True),
        ("timm:vit_tiny_patch16_224.augreg_in21k", True),
        ("my_package.nets:LeNet", True),
        ("my_package.nets.LeNet", True),
        ("nets:LeNet", True),
        ("resnet19", False),
        ("", False),
        ("timm:", False),
        ("timm:../x", False),
        ("a:b:c", False),
        ("my package:Net", False),
        ("package.:Net", False),
        ("resnet18\n", False),
    ],
)
def test_what_looks_like_an_encoder(name, known):
    assert is_known_encoder(name) is known


def test_a_class_with_its_own_number_of_features():
    encoder = build("LeNet", in_channels=3, features=11)
    assert encoder.n_features == 11
    assert encoder(torch.zeros(2, 3, 28, 28)).shape == (2, 11)
    assert isinstance(named_part(encoder), LeNet)


def test_maps_are_averaged_and_counted():
    encoder = build("Maps", in_channels=2)
    images = torch.randn(4, 2, 9, 8)
    assert encoder.n_features == 7
    torch.testing.assert_close(encoder(images), encoder.network(images).mean(dim=(2, 3)))
    with torch.autocast("cpu", torch.bfloat16):
        assert encoder(images).dtype == torch.float32


def test_dots_name_a_class_as_well():
    assert build_encoder(f"{HERE}.Maps", width=1, in_channels=1).n_features == 7


def test_batch_norms_are_refused_or_frozen():
    with pytest.raises(InputError, match=r"part bn: .*keeps slices apart.*frozen_batch"):
        build("WithBatchNorm")
    with pytest.raises(InputError, match="stored means"):
        build("WithBatchNorm", norm="frozen_batch", tracked=False)
    encoder = build("WithBatchNorm", norm="frozen_batch").train()
    images = torch.randn(4, 1, 16, 16)
    before = encoder.network.bn.running_mean.clone()
    features = encoder(images)
    torch.testing.assert_close(encoder(images[1:2]), features[1:2])
    assert torch.equal(encoder.network.bn.running_mean, before)
    assert encoder.training
    assert encoder.network.training


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Maps", {"norm1": 3}, "further options .deep."),
        ("Maps", {"depth": 3}, "further options .deep."),
        ("Maps", {"deep": "x"}, "made with"),
        ("Pair", {}, "got tuple"),
        ("Whole", {}, r"shape \(\)"),
        ("number", {}, "derived from Module"),
        ("absent", {}, "a class absent"),
    ],
)
def test_what_cannot_be_an_encoder_is_refused_in_words(name, options, words):
    with pytest.raises(InputError, match=words):
        build(name, **options)


def test_a_wrong_number_of_channels_or_features_is_refused():
    with pytest.raises(InputError, match="another number of channels"):
        build("WithBatchNorm", norm="frozen_batch", in_channels=2)
    with pytest.raises(InputError, match=r"3 features of an image.*got 7"):
        build("Lying")(torch.zeros(1, 1, 8, 8))


def test_registered_encoders_refuse_unknown_options_and_norms():
    with pytest.raises(InputError, match="option width"):
        build_encoder("resnet10", width=8, in_channels=1, options={"width": 3})
    with pytest.raises(InputError, match="option deep"):
        build_encoder("resnet10", width=8, in_channels=1, options={"deep": 3})
    with pytest.raises(InputError, match="option in_channels"):
        build_encoder(f"{HERE}:Maps", width=8, in_channels=1, options={"in_channels": 3})
    with pytest.raises(InputError, match="one of group, frozen_batch"):
        build_encoder("resnet10", width=8, in_channels=1, norm="batch")
    with pytest.raises(InputError, match=r"one of resnet10, .* got resnet11"):
        build_encoder("resnet11", width=8, in_channels=1)


@pytest.fixture
def timm(monkeypatch):
    """Stands in for timm, which needs torchvision: what of it is called, and no more."""
    module = ModuleType("timm")
    module.calls = []

    def create_model(name, *, pretrained, num_classes, in_chans, drop_rate=0.0):
        module.calls.append((name, pretrained, num_classes, in_chans, drop_rate))
        if name != "resnet18d":
            raise RuntimeError(f"Unknown model ({name})")
        return nn.Sequential(
            nn.Conv2d(in_chans, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )

    module.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


@pytest.mark.parametrize("norm", ["group", "frozen_batch"])
def test_timms_networks_come_by_name(timm, norm):
    encoder = build_encoder(
        "timm:resnet18d", width=64, in_channels=2, norm=norm, options={"drop_rate": 0.5}
    ).train()
    assert timm.calls == [("resnet18d", False, 0, 2, 0.5)]
    assert encoder.n_features == 8
    images = torch.randn(3, 2, 16, 16)
    torch.testing.assert_close(encoder(images)[:1], encoder(images[:1]))
    assert isinstance(encoder.network[1], nn.GroupNorm) is (norm == "group")
    assert not any(isinstance(part, FrozenBatchNorm) for part in encoder.modules())


def test_timm_refuses_what_it_does_not_know_or_what_is_not_its_to_say(timm):
    with pytest.raises(InputError, match="Unknown model"):
        build_encoder("timm:resnet18e", width=64, in_channels=1)
    with pytest.raises(InputError, match=r"take|argument"):
        build_encoder("timm:resnet18d", width=64, in_channels=1, options={"no_such": 1})
    for option in ("pretrained", "checkpoint_path", "num_classes", "in_chans"):
        with pytest.raises(InputError, match=f"encoder option {option}"):
            build_encoder("timm:resnet18d", width=64, in_channels=1, options={option: "x"})
    assert [call[0] for call in timm.calls] == ["resnet18e"]


def test_without_timm_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"examwise\[timm\]"):
        build_encoder("timm:resnet18d", width=64, in_channels=1)
