"""Residual networks against torchvision's: its names and shapes, and what it computes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from examwise.models.encoder_weights import find_weights, load_into
from examwise.models.encoders import ENCODERS

BLOCKS = {
    "resnet18": ("basic", (2, 2, 2, 2)),
    "resnet34": ("basic", (3, 4, 6, 3)),
    "resnet50": ("bottleneck", (3, 4, 6, 3)),
}
PARAMETERS = {"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032}
"""As torchvision's documentation gives them, with the layer of 1,000 classes."""


def torchvision_shapes(name):
    """Names and shapes of torchvision's state dict, less ``fc``, from its architecture."""
    kind, layers = BLOCKS[name]
    expansion = {"basic": 1, "bottleneck": 4}[kind]
    shapes = {}

    def norm(prefix, channels):
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{prefix}.{tensor}"] = (channels,)
        shapes[f"{prefix}.num_batches_tracked"] = ()

    shapes["conv1.weight"] = (64, 3, 7, 7)
    norm("bn1", 64)
    before = 64
    for stage, n_blocks in enumerate(layers):
        planes = 64 * 2**stage
        for block in range(n_blocks):
            prefix = f"layer{stage + 1}.{block}"
            if kind == "basic":
                kernels = [(planes, before, 3), (planes, planes, 3)]
            else:
                kernels = [(planes, before, 1), (planes, planes, 3), (4 * planes, planes, 1)]
            for index, (after, inner, side) in enumerate(kernels, start=1):
                shapes[f"{prefix}.conv{index}.weight"] = (after, inner, side, side)
                norm(f"{prefix}.bn{index}", after)
            if block == 0 and (stage > 0 or expansion > 1):
                shapes[f"{prefix}.downsample.0.weight"] = (planes * expansion, before, 1, 1)
                norm(f"{prefix}.downsample.1", planes * expansion)
            before = planes * expansion
    return shapes


def random_state(name):
    generator = torch.Generator().manual_seed(7)
    state = {}
    for key, shape in torchvision_shapes(name).items():
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(0)
        elif key.endswith("running_var"):
            state[key] = 0.5 + torch.rand(shape, generator=generator)
        elif len(shape) == 4:
            fan_in = shape[1] * shape[2] * shape[3]
            state[key] = torch.randn(shape, generator=generator) * fan_in**-0.5
        else:
            state[key] = torch.randn(shape, generator=generator) * 0.5
    return state


def reference(name, state, images):
    """What torchvision's network computes before ``fc``, in evaluation mode, in plain torch."""
    kind, layers = BLOCKS[name]

    def norm(prefix, maps):
        mean, variance, weight, bias = (
            state[f"{prefix}.{tensor}"].reshape(1, -1, 1, 1)
            for tensor in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / torch.sqrt(variance + 1e-5) * weight + bias

    def conv(prefix, maps, stride=1):
        kernel = state[f"{prefix}.weight"]
        return F.conv2d(maps, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    maps = torch.relu(norm("bn1", conv("conv1", images, stride=2)))
    maps = F.max_pool2d(maps, 3, stride=2, padding=1)
    n_convolutions = 2 if kind == "basic" else 3
    strided = 1 if kind == "basic" else 2
    for stage, n_blocks in enumerate(layers):
        for block in range(n_blocks):
            prefix = f"layer{stage + 1}.{block}"
            stride = 2 if block == 0 and stage > 0 else 1
            inner = maps
            for index in range(1, n_convolutions + 1):
                step = stride if index == strided else 1
                inner = conv(f"{prefix}.conv{index}", inner, step)
                inner = norm(f"{prefix}.bn{index}", inner)
                if index < n_convolutions:
                    inner = torch.relu(inner)
            if f"{prefix}.downsample.0.weight" in state:
                maps = conv(f"{prefix}.downsample.0", maps, stride)
                maps = norm(f"{prefix}.downsample.1", maps)
            maps = torch.relu(inner + maps)
    return maps.mean(dim=(2, 3))


def build(name, **options):
    return ENCODERS.load(name)(**{"width": 64, "in_channels": 3, "norm": "frozen_batch"} | options)


@pytest.mark.parametrize("name", BLOCKS)
def test_frozen_batch_norms_give_torchvisions_names_and_shapes(name):
    expected = torchvision_shapes(name)
    found = {key: tuple(value.shape) for key, value in build(name).state_dict().items()}
    assert found == expected
    head = 1000 * build(name).n_features + 1000
    learned = [
        shape
        for key, shape in expected.items()
        if not key.endswith(("running_mean", "running_var", "num_batches_tracked"))
    ]
    assert sum(torch.Size(shape).numel() for shape in learned) + head == PARAMETERS[name]


def test_a_resnet18_has_120_tensors():
    assert len(build("resnet18").state_dict()) == 120


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("training", [False, True])
def test_it_computes_what_torchvisions_network_computes(name, training):
    state = random_state(name)
    encoder = build(name)
    encoder.load_state_dict(state)
    encoder.train(training)
    images = torch.randn(2, 3, 75, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        found, expected = encoder(images), reference(name, state, images)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_a_file_of_torchvisions_122_tensors_is_loaded(tmp_path):
    state = random_state("resnet18")
    whole = state | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    assert len(whole) == 122
    torch.save(whole, tmp_path / "resnet18.pth")
    encoder = build("resnet18")
    load_into(encoder, find_weights(str(tmp_path / "resnet18.pth"), encoder="resnet18"))
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.testing.assert_close(
            encoder(images), reference("resnet18", state, images), rtol=1e-4, atol=1e-4
        )


def test_group_norms_leave_the_published_networks_other_weights():
    shapes = {
        key: tuple(value.shape)
        for key, value in build("resnet18", norm="group").state_dict().items()
    }
    # He et al., 2016, without the 1000-class layer: 11.7 million less 513 thousand.
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == 11_176_512
    assert shapes["layer4.1.conv2.weight"] == (512, 512, 3, 3)
    assert shapes["layer2.0.downsample.0.weight"] == (128, 64, 1, 1)


@pytest.mark.parametrize("width", [4, 8, 12, 28, 64])
def test_no_norm_is_of_a_single_channel(width):
    encoder = build("resnet10", width=width, in_channels=1, norm="group")
    norms = [module for module in encoder.modules() if isinstance(module, nn.GroupNorm)]
    assert len(norms) == 12
    assert all(norm.num_channels >= 4 * norm.num_groups for norm in norms)
