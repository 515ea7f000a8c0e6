from __future__ import annotations

import torch

from examwise.models.encoders.slim_resnet import SlimResNet


def slim():
    torch.manual_seed(0)
    return SlimResNet(width=8, in_channels=1)


def test_maps_of_the_four_stages_halve_and_widen():
    shapes = [tuple(maps.shape) for maps in slim().maps(torch.randn(2, 1, 96, 64))]
    assert shapes == [(2, 8, 48, 32), (2, 16, 24, 16), (2, 32, 12, 8), (2, 64, 6, 4)]


def test_features_are_means_and_maxima_of_the_last_three_stages():
    encoder, images = slim(), torch.randn(3, 1, 64, 64)
    flat = [maps.flatten(2) for maps in encoder.maps(images)[1:]]
    expected = torch.cat(
        [*(maps.mean(2) for maps in flat), *(maps.max(2).values for maps in flat)], 1
    )
    torch.testing.assert_close(encoder(images), expected)
    assert encoder.n_features == expected.shape[1] == 28 * 8


def test_a_spot_of_few_pixels_shows():
    encoder = slim()
    images = torch.zeros(2, 1, 64, 64)
    images[1, 0, 30:33, 30:33] = 1
    with torch.no_grad():
        plain, spotted = encoder(images)
    assert float((plain - spotted).abs().max()) > 0.1
