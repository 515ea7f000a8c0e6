"""What captum computes for us, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from examwise.core.errors import InputError
from examwise.explain import IMAGE_EXPLAINERS
from examwise.explain.chosen_method import image_explainer
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.methods.gradcam import GradCam, find_layer
from examwise.explain.methods.integrated_gradients import IntegratedGradients
from examwise.explain.methods.occlusion import Occlusion
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamClassifier


def made(encoder: str = "slim_resnet18", **options) -> ExplainedModel:
    config = ModelConfig(
        findings=("any", "subdural"), encoder=encoder, width=8, embedding=8, **options
    )
    return ExplainedModel(ExamClassifier(config, exam_rule="maximum_over_slices", seed=4), column=1)


def slices(n: int, rows: int = 40, columns: int = 48) -> torch.Tensor:
    stream = torch.Generator().manual_seed(n)
    return torch.rand((n, rows, columns), generator=stream) * 120 - 20


@pytest.mark.parametrize("method", IMAGE_EXPLAINERS)
@pytest.mark.parametrize(
    "options", [{}, {"extra_windows": ((80.0, 200.0),), "channels_last": True}]
)
def test_every_method_keeps_to_the_protocol(method, options):
    model, pixels = made(**options), slices(3)
    before = pixels.clone()
    background = torch.full(pixels.shape[1:], 30.0)
    found = image_explainer(method, {}).explain(model, pixels, background)
    assert (found.maps.shape, found.maps.dtype) == ((3, 40, 48), np.float32)
    assert np.isfinite(found.maps).all()
    assert (found.n_evaluations.shape, found.n_evaluations.dtype) == ((3,), np.int64)
    assert (found.n_evaluations >= 1).all()
    assert torch.equal(pixels, before)
    alone = image_explainer(method, {}).explain(model, pixels[1:2], background)
    assert found.maps[1] == pytest.approx(alone.maps[0], abs=1e-4)


def test_grad_cam_is_the_gradient_weighted_sum_of_the_last_maps():
    model, pixels = made(), slices(2)
    encoder = model.module.encoder
    stages = encoder.maps(model.images(pixels).requires_grad_())
    last = stages[-3:]
    features = torch.cat([*(m.mean((2, 3)) for m in last), *(m.amax((2, 3)) for m in last)], 1)
    logits = model.logits_of_features(features)
    for name, maps in zip(("stages.1", "stages.2", "stages.3"), last, strict=True):
        (gradient,) = torch.autograd.grad(logits.sum(), maps, retain_graph=True)
        weights = gradient.mean((2, 3), keepdim=True)
        expected = F.interpolate(
            F.relu((weights * maps).sum(1, keepdim=True)), (40, 48), mode="bilinear"
        )[:, 0].detach()
        found = GradCam(layer=name).explain(model, pixels, pixels[0]).maps
        assert found == pytest.approx(expected.numpy(), abs=1e-5)
        assert found.max() > 0 or name == "stages.3"
    last_of_all = GradCam().explain(model, pixels, pixels[0]).maps
    assert np.array_equal(last_of_all, found)


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        ("resnet10", "layer4"),
        ("resnet18", "layer4"),
        ("slim_resnet18", "stages.3"),
        ("densenet121", "class_layers.relu"),
        ("efficientnet_b0", "_bn1"),
    ],
)
def test_the_last_maps_of_every_encoder(encoder, expected):
    model = made(encoder)
    network = model.module.encoder
    images = model.images(slices(1, 64, 64))
    layer = find_layer(network, model, images, name="")
    assert layer is network.get_submodule(expected)
    assert all(not module._forward_hooks for module in network.modules())


def test_small_slices_are_explained_by_the_last_maps_wider_than_a_pixel():
    model = made("resnet18")
    layer = find_layer(model.module.encoder, model, model.images(slices(1, 24, 24)), name="")
    assert layer is model.module.encoder.get_submodule("layer3")


def test_an_encoder_without_maps_is_refused():
    with pytest.raises(InputError, match="a part that makes maps of an image once, got none"):
        GradCam().explain(made("resnet18"), slices(1, 1, 1), slices(1, 1, 1)[0])
    with pytest.raises(InputError, match=r"once \(stem.0, .*\), got stage"):
        GradCam(layer="stage").explain(made(), slices(1), slices(1)[0])


def test_integrated_gradients_sum_to_what_the_slice_adds():
    model, pixels = made(), slices(2)
    # From a plain background group norms see the same image, only paler, all the way.
    background = slices(3)[2]
    found = IntegratedGradients(n_steps=200).explain(model, pixels, background)
    gained = model.slice_logits(pixels) - model.slice_logits(background[None])
    assert found.maps.sum((1, 2)) == pytest.approx(gained.detach().numpy(), abs=2e-2)
    assert found.n_evaluations.tolist() == [200, 200]
    few = IntegratedGradients(n_steps=7, batch_images=3).explain(model, pixels, background)
    many = IntegratedGradients(n_steps=7).explain(model, pixels, background)
    assert few.maps == pytest.approx(many.maps, abs=1e-5)


def test_occlusion_is_the_mean_fall_under_all_squares():
    model, pixels = made(), slices(2, 20, 26)
    background = torch.full((20, 26), 10.0)
    explainer = Occlusion(window_px=8, stride_px=6)
    found = explainer.explain(model, pixels, background)
    with torch.no_grad():
        whole = model.slice_logits(pixels)
        total, times = torch.zeros(2, 20, 26), torch.zeros(20, 26)
        for top in (0, 6, 12):
            for left in (0, 6, 12, 18):
                square = slice(top, top + 8), slice(left, left + 8)
                covered = pixels.clone()
                covered[:, *square] = background[square]
                total[:, *square] += (whole - model.slice_logits(covered))[:, None, None]
                times[square] += 1
    assert found.maps == pytest.approx((total / times).numpy(), abs=1e-4)
    assert found.n_evaluations.tolist() == [13, 13]


def test_occlusion_scores_as_many_images_as_it_says(monkeypatch):
    model, pixels = made(), slices(2)
    shown = []
    original = ExplainedModel.logits_of_images

    def counting(self, images):
        shown.append(len(images))
        return original(self, images)

    monkeypatch.setattr(ExplainedModel, "logits_of_images", counting)
    found = Occlusion(batch_images=6).explain(model, pixels, pixels[0])
    assert sum(shown) == found.n_evaluations.sum()
    assert max(shown) <= 6


@pytest.mark.parametrize(
    ("explainer", "options"),
    [
        (IntegratedGradients, {"n_steps": 0}),
        (IntegratedGradients, {"batch_images": 0}),
        (Occlusion, {"window_px": -1}),
        (Occlusion, {"window_px": 4, "stride_px": 5}),
        (Occlusion, {"batch_images": 0}),
    ],
)
def test_wrong_options_are_refused(explainer, options):
    with pytest.raises(InputError):
        explainer(**options)
