import dataclasses

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.training.pretraining.build import make_network, make_pretext
from examwise.training.pretraining.config import EncoderConfig
from examwise.training.pretraining.decoder import TopDownDecoder, map_channels
from examwise.training.pretraining.pretexts import PRETEXTS
from examwise.training.pretraining.pretexts.protocol import ScoringPretext
from examwise.training.pretraining.separation import separation

CONFIG = EncoderConfig(width=8)


def streams(n_slices, seed=0):
    return [generator(seed, "slice", number) for number in range(n_slices)]


def slices(n_slices, side=48, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).normal(30, 6, (n_slices, side, side)).astype(np.int16)
    )


@pytest.fixture(params=PRETEXTS)
def pretext(request):
    return make_pretext(request.param, {})


def test_what_is_drawn_for_a_slice_depends_on_its_stream_alone(pretext):
    together = pretext.draw(streams(5))
    alone = pretext.draw([streams(5)[3]])
    for name, value in together.items():
        assert value.dtype == torch.float32
        assert torch.equal(value[3:4], alone[name])
    other = pretext.draw(streams(5, seed=1))
    assert not any(torch.equal(value, other[name]) for name, value in together.items())


def test_loss_and_score_are_numbers_and_gradients_reach_everything(pretext):
    network = make_network(CONFIG, pretext, seed=0)
    result = pretext.evaluate(network, slices(6), pretext.draw(streams(6)))
    assert result.loss.shape == result.score.shape == ()
    assert torch.isfinite(result.loss)
    assert 0 <= result.score <= 1
    result.loss.backward()
    unused = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not torch.isfinite(parameter.grad).all()
    ]
    assert unused == []


def test_same_seed_same_weights(pretext):
    state = torch.random.get_rng_state()
    one, same, other = (make_network(CONFIG, pretext, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert any(not torch.equal(value, other[name]) for name, value in one.items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_it_can_be_learned(pretext):
    """A few dozen steps on a handful of slices lower the loss below its beginning."""
    network = make_network(dataclasses.replace(CONFIG, width=4), pretext, seed=0)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    stripes = torch.arange(32) // torch.arange(1, 9).view(-1, 1, 1) % 2
    pixels, losses = (slices(8, side=32) + 30 * stripes).short(), []
    for step in range(60):
        drawn = pretext.draw([generator(step, "slice", number) for number in range(8)])
        result = pretext.evaluate(network, pixels, drawn)
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
        losses.append(float(result.loss.detach()))
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_scores_do_not_depend_on_the_slices_beside():
    pretext = make_pretext("pasted_shapes", {})
    assert isinstance(pretext, ScoringPretext)
    network = make_network(CONFIG, pretext, seed=0).eval()
    pixels = slices(5)
    with torch.inference_mode():
        together = pretext.slice_scores(network, pixels)
        alone = torch.cat([pretext.slice_scores(network, one) for one in pixels.split(1)])
    assert together.shape == (5,)
    assert ((together > 0) & (together < 1)).all()
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    assert not isinstance(make_pretext("contrastive", {}), ScoringPretext)


def test_options_reach_the_pretext():
    assert make_pretext("pasted_shapes", {"share": 0.5}).shapes.share == 0.5
    for name in PRETEXTS:
        with pytest.raises(InputError, match="expected options that it takes"):
            make_pretext(name, {"colour": "red"})
    with pytest.raises(InputError, match="temperature"):
        make_pretext("contrastive", {"temperature": 0})
    with pytest.raises(InputError, match="expected options that it takes"):
        make_pretext("contrastive", {"temperature": "warm"})


def test_an_unknown_pretext_is_refused():
    with pytest.raises(InputError, match="expected one of pasted_shapes, contrastive"):
        make_pretext("jigsaw", {})


def test_contrastive_views_of_one_slice_are_told_from_others_by_a_perfect_encoder():
    pretext = make_pretext("contrastive", {"smallest_cut": 1.0})

    class Perfect(torch.nn.Module):
        """Features that no mirroring and no gain changes: which slice it is."""

        n_features = 4

        def forward(self, images):
            mean = (images - images.mean((2, 3), keepdim=True)).flatten(1).std(1)
            return torch.nn.functional.one_hot((mean > mean.median()).long(), 4).float()

    network = make_network(CONFIG, pretext, seed=0)
    network.encoder, network.head = Perfect(), torch.nn.Identity()
    pixels = torch.stack(
        [torch.full((32, 32), 40), 40 + 30 * (torch.arange(1024) % 2).view(32, 32)]
    )
    result = pretext.evaluate(network, pixels.short(), pretext.draw(streams(2)))
    assert result.score == 1.0


@pytest.mark.parametrize("side", [33, 64])
def test_decoder_ends_at_the_finest_map(side):
    network = make_network(CONFIG, make_pretext("pasted_shapes", {}), seed=0)
    maps = network.maps(torch.zeros(2, 3, side, side))
    assert network.head(maps).shape == (2, 1, *maps[0].shape[-2:])


def test_map_channels_are_found():
    network = make_network(CONFIG, make_pretext("pasted_shapes", {}), seed=0)
    assert map_channels(network.encoder, in_channels=3) == [8, 16, 32, 64]
    assert TopDownDecoder([8, 16], channels=24).lateral[1].in_channels == 16


class Backwards(torch.nn.Module):
    n_features = 1

    def maps(self, images):
        return [images[..., ::4, ::4], images]


def test_maps_that_go_from_coarse_to_fine_are_refused():
    with pytest.raises(InputError, match="the finest first, got sides of 16, 64"):
        map_channels(Backwards(), in_channels=1)


def test_separation_is_the_auc():
    draws = np.random.default_rng(0)
    for _ in range(20):
        scores = draws.integers(0, 6, 30).astype(np.float32)
        labels = draws.random(30) < 0.4
        expected = roc_auc_score(labels, scores)
        found = separation(torch.from_numpy(scores), torch.from_numpy(labels))
        assert float(found) == pytest.approx(expected, abs=1e-6)
    assert separation(torch.ones(3), torch.ones(3, dtype=torch.bool)).isnan()


def test_windows_become_channels():
    network = make_network(CONFIG, make_pretext("pasted_shapes", {}), seed=0)
    images = network.images(torch.tensor([[[0, 80], [-200, 1000]]]))
    assert images.shape == (1, 3, 2, 2)
    assert images[0, 0].tolist() == [[-1, 1], [-1, 1]]
    assert images[0, 2].tolist()[1] == [-1, 1]
    one = dataclasses.replace(CONFIG, extra_windows=())
    network = make_network(one, make_pretext("pasted_shapes", {}), seed=0)
    assert network.images(torch.zeros(1, 2, 2)).shape == (1, 1, 2, 2)
