"""What every registered encoder does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from examwise.core.errors import InputError
from examwise.models.encoders import ENCODERS
from examwise.models.encoders.build import build_encoder
from examwise.models.encoders.norms import NORMS, FrozenBatchNorm, make_norm, replace_batch_norms

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def with_statistics_of_some_images(encoder):
    def take(norm, maps):
        norm.running_mean.copy_(maps[0].mean(dim=(0, 2, 3)))
        norm.running_var.copy_(maps[0].var(dim=(0, 2, 3), correction=0))

    norms = [module for module in encoder.modules() if isinstance(module, FrozenBatchNorm)]
    hooks = [norm.register_forward_pre_hook(take) for norm in norms]
    with torch.no_grad():
        encoder(torch.randn(4, 2, 40, 48, generator=torch.Generator().manual_seed(2)))
    for hook in hooks:
        hook.remove()
    return encoder


@pytest.fixture(params=[(name, norm) for name in ENCODERS for norm in NORMS], ids="-".join)
def encoder(request):
    name, norm = request.param
    torch.manual_seed(0)
    return with_statistics_of_some_images(build_encoder(name, width=8, in_channels=2, norm=norm))


@pytest.mark.parametrize("training", [False, True])
def test_no_slice_depends_on_another(encoder, training):
    encoder.train(training)
    images = torch.randn(4, 2, 40, 48, generator=torch.Generator().manual_seed(1))
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with torch.no_grad():
        features = encoder(images)
        assert features.shape == (4, encoder.n_features)
        assert features.dtype == torch.float32
        assert bool(torch.isfinite(features).all())
        scale = float(features.abs().max())
        assert float((features[0] - features[1]).abs().max()) > 1e-3 * scale
        alone = torch.cat([encoder(images[index : index + 1]) for index in (3, 1)])
        brighter = images.clone()
        brighter[0] *= 100
        beside = encoder(brighter)
    torch.testing.assert_close(alone, features[[3, 1]], rtol=1e-4, atol=1e-4 * scale)
    torch.testing.assert_close(beside[1:], features[1:], rtol=1e-4, atol=1e-4 * scale)
    after = encoder.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not any(isinstance(module, BATCH_NORMS) for module in encoder.modules())


def test_no_gradient_of_a_slice_reaches_another(encoder):
    encoder.train()
    images = torch.randn(3, 2, 40, 40, requires_grad=True)
    (gradient,) = torch.autograd.grad(encoder(images)[1].sum(), images)
    assert not gradient[[0, 2]].any()
    assert gradient[1].any()


def test_features_are_float32_under_autocast(encoder):
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert encoder(torch.zeros(1, 2, 32, 32)).dtype == torch.float32


def test_nothing_is_drawn_in_training(encoder):
    encoder.train()
    before = torch.get_rng_state()
    with torch.no_grad():
        encoder(torch.zeros(2, 2, 32, 32))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_odd_width_and_one_channel_will_do(name):
    encoder = build_encoder(name, width=5, in_channels=1)
    with torch.no_grad():
        assert encoder(torch.zeros(1, 1, 33, 47)).shape == (1, encoder.n_features)


def test_scale_and_shift_of_a_frozen_batch_norm_learn_and_its_statistics_do_not():
    norm = make_norm("frozen_batch", 3)
    assert [name for name, _ in norm.named_parameters()] == ["weight", "bias"]
    assert set(norm.state_dict()) == set(nn.BatchNorm2d(3).state_dict())
    maps = torch.randn(2, 3, 4, 4)
    published = nn.BatchNorm2d(3).eval()
    for module in (norm, published):
        module.load_state_dict(
            {
                "weight": torch.tensor([1.0, 2.0, 3.0]),
                "bias": torch.tensor([0.0, -1.0, 1.0]),
                "running_mean": torch.tensor([0.5, 0.0, -0.5]),
                "running_var": torch.tensor([0.1, 1.0, 4.0]),
                "num_batches_tracked": torch.tensor(5),
            }
        )
    torch.testing.assert_close(norm.train()(maps), published(maps))


def test_replaced_norms_keep_their_epsilon():
    network = nn.Sequential(nn.Conv2d(1, 8, 1), nn.Sequential(nn.BatchNorm2d(8, eps=1e-3)))
    replace_batch_norms(network, norm="frozen_batch")
    assert network[1][0].eps == 1e-3
    with pytest.raises(InputError, match="option norm"):
        make_norm("layer", 8)


@pytest.mark.parametrize(
    ("name", "parameters"), [("densenet121", 7_978_856), ("efficientnet_b0", 5_288_548)]
)
def test_it_has_as_many_parameters_as_the_published_network(name, parameters):
    encoder = build_encoder(name, width=64, in_channels=3, norm="frozen_batch")
    head = 1000 * encoder.n_features + 1000
    # As torchvision's documentation gives them, with the layer of 1,000 classes.
    assert sum(each.numel() for each in encoder.parameters()) + head == parameters
