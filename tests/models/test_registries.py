from __future__ import annotations

import pytest
import torch
from torch import nn

from examwise.models.encoders import ENCODERS
from examwise.models.poolings import POOLINGS
from examwise.models.segments import segment_sum

SIZES = torch.tensor([3, 1, 4])


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_encoder_keeps_slices_apart(name, channels):
    torch.manual_seed(0)
    encoder = ENCODERS.load(name)(width=4, in_channels=channels)
    images = torch.randn(5, channels, 32, 40)
    features = encoder(images)
    assert features.shape == (5, encoder.n_features)
    assert features.dtype == torch.float32
    assert not any(isinstance(module, nn.BatchNorm2d) for module in encoder.modules())
    assert torch.allclose(features[2:3], encoder(images[2:3]), atol=1e-5)
    assert not any("running" in key for key in encoder.state_dict())


def test_a_resnet18_has_the_published_networks_weights():
    shapes = {
        name: tuple(value.shape)
        for name, value in ENCODERS.load("resnet18")(width=64, in_channels=3)
        .network.state_dict()
        .items()
    }
    # He et al., 2016, without the 1000-class layer: 11.7 million less 513 thousand.
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == 11_176_512
    assert shapes["layer4.1.conv2.weight"] == (512, 512, 3, 3)
    assert shapes["layer2.0.downsample.0.weight"] == (128, 64, 1, 1)


@pytest.mark.parametrize("name", POOLINGS)
def test_every_pooling_ignores_order_and_neighbours(name):
    torch.manual_seed(1)
    pooling = POOLINGS.load(name)(embedding=6, hidden=5)
    embeddings = torch.randn(8, 6)
    pooled = pooling(embeddings, SIZES)
    assert pooled.embeddings.shape == (3, 6)
    assert pooled.attention_weights.shape == (8,)
    assert torch.allclose(segment_sum(pooled.attention_weights, SIZES), torch.ones(3))
    if pooled.attention_logits is not None:
        assert pooled.attention_logits.shape == (8,)
    shuffled = torch.cat([embeddings[[2, 0, 1]], embeddings[3:4], embeddings[[5, 4, 7, 6]]])
    assert torch.allclose(pooling(shuffled, SIZES).embeddings, pooled.embeddings, atol=1e-6)
    alone = pooling(embeddings[4:], SIZES[2:])
    assert torch.allclose(alone.embeddings[0], pooled.embeddings[2], atol=1e-6)
    assert torch.allclose(alone.attention_weights, pooled.attention_weights[4:], atol=1e-6)


def test_a_lone_slice_is_pooled_to_itself():
    embeddings = torch.randn(1, 6)
    for name in POOLINGS:
        pooled = POOLINGS.load(name)(embedding=6, hidden=5)(embeddings, torch.tensor([1]))
        assert torch.allclose(pooled.embeddings, embeddings)
        assert pooled.attention_weights.tolist() == [1.0]


def test_maximum_pooling_shares_a_feature_that_several_slices_attain():
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 2.0]])
    pooled = POOLINGS.load("max")(embedding=2, hidden=1)(embeddings, torch.tensor([2]))
    assert pooled.embeddings.tolist() == [[1.0, 2.0]]
    assert pooled.attention_weights.tolist() == [0.25, 0.75]


@pytest.mark.parametrize("width", [4, 8, 12, 28, 64])
def test_no_norm_is_of_a_single_channel(width):
    encoder = ENCODERS.load("resnet10")(width=width, in_channels=1)
    norms = [module for module in encoder.modules() if isinstance(module, nn.GroupNorm)]
    assert len(norms) == 12
    assert all(norm.num_channels >= 4 * norm.num_groups for norm in norms)
