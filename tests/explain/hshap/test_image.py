from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.explain.hshap.image import cycle_image_hshap, image_hshap

REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "hshap_reference.npz"


class Counted:
    """Scores images and remembers how many it was shown."""

    def __init__(self, score):
        self.score = score
        self.sizes = []
        self.shown = []

    def __call__(self, images):
        self.sizes.append(len(images))
        self.shown += [image.numpy().tobytes() for image in images]
        return self.score(images)


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as file:
        return {name: torch.from_numpy(file[name]) for name in file}


@pytest.fixture
def published(reference):
    def score(images):
        channels = F.conv2d(images, reference["kernel"], padding=2).relu()
        weighted = (channels * reference["channel_weight"][:, None, None]).sum(1, keepdim=True)
        return torch.sigmoid(10 * F.avg_pool2d(weighted, 8, stride=4).amax((1, 2, 3)) - 2)

    return Counted(score)


def test_the_published_model_is_the_published_model(reference, published):
    assert torch.allclose(published(reference["images"]), reference["scores"][:, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "threshold", "min_size"),
    [
        (mode, threshold, min_size)
        for mode, threshold in (("absolute", "0"), ("absolute", "0.05"), ("relative", "70"))
        for min_size in (32, 16, 8)
    ],
)
def test_maps_are_the_published_ones(reference, published, mode, threshold, min_size):
    found = image_hshap(
        published,
        reference["images"],
        reference["background"],
        min_size=min_size,
        threshold=float(threshold),
        threshold_mode=mode,
    )
    expected = reference[f"map_{mode}_{threshold}_{min_size}"][:, 0]
    assert torch.allclose(found.maps, expected, rtol=0, atol=1e-6, equal_nan=True)
    assert found.maps.dtype == torch.float32
    assert int(found.n_evaluations.sum()) == sum(published.sizes)
    assert len(set(published.shown)) == len(published.shown)


def test_cycle_maps_are_the_published_ones(reference, published):
    found = cycle_image_hshap(
        published,
        reference["images"],
        reference["background"],
        min_size=16,
        radii=np.linspace(0, 16, 3),
        angles=np.linspace(0, 2 * np.pi, 4, endpoint=False),
    )
    expected = reference["cycle_absolute_0_16_R3_A4"][:, 0]
    assert torch.allclose(found.maps, expected, rtol=0, atol=1e-6)


def test_every_batch_but_a_levels_last_is_full(reference, published):
    image_hshap(
        published, reference["images"], reference["background"], min_size=32, batch_images=10
    )
    # 46 coalitions of three roots, and 14 of each of their 12 quadrants.
    assert published.sizes == [*[10] * 4, 6, *[10] * 16, 8]


def brute_force(score, image, background, *, min_size, threshold, shifts):
    """Explain one image by masks: the mean map, or none, and all masks that were looked at."""
    sides = image.shape[-2:]
    n_levels = int(np.floor(np.log2(min(sides) / min_size))) + 1
    seen = set()

    def worth(kept):
        seen.add(kept.tobytes())
        return float(score(torch.where(torch.from_numpy(kept), image, background)[None])[0])

    maps = []
    for shift in shifts:
        nodes = [(np.indices(sides), 1.0)]
        for _ in range(n_levels):
            below = []
            for (rows, columns), value in nodes:
                half = [side // 2 for side in rows.shape]
                if not rows.size:
                    continue
                parts = [
                    (slice(*vertical), slice(*horizontal))
                    for vertical in ((0, half[0]), (half[0], None))
                    for horizontal in ((0, half[1]), (half[1], None))
                ]
                reached = {}
                for coalition in product([False, True], repeat=4):
                    kept = np.zeros(sides, bool)
                    for part in (part for part, here in zip(parts, coalition, strict=True) if here):
                        kept[rows[part], columns[part]] = True
                    reached[coalition] = worth(np.roll(kept, shift, (0, 1)))
                for player, part in enumerate(parts):
                    shapley = 0.0
                    for coalition in reached:
                        if not coalition[player]:
                            joined = (*coalition[:player], True, *coalition[player + 1 :])
                            weight = [1 / 4, 1 / 12, 1 / 12, 1 / 4][sum(coalition)]
                            shapley += weight * (reached[joined] - reached[coalition])
                    if value * shapley > threshold:
                        below.append(((rows[part], columns[part]), value * shapley))
            nodes = below
        of_shift = np.zeros(sides)
        for (rows, columns), value in nodes:
            of_shift[rows, columns] = value
        maps.append(np.roll(of_shift, shift, (0, 1)) if nodes else None)
    found = [one for one in maps if one is not None]
    return (sum(found) / len(maps) if found else None), seen


def model(seed, sides):
    stream = torch.Generator().manual_seed(seed)
    weights = torch.randn(sides, generator=stream, dtype=torch.float64)
    return lambda images: torch.sigmoid((images * weights).sum((-2, -1)) ** 2 - 1)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(2, 9),
    columns=st.integers(2, 9),
    min_size=st.integers(1, 4),
    threshold=st.sampled_from([0.001, 0.02]),
    radii=st.sampled_from([[0], [0, 2], [3]]),
)
def test_equal_to_brute_force_in_as_many_evaluations_as_there_are_masks(
    seed, rows, columns, min_size, threshold, radii
):
    min_size = min(min_size, rows, columns)
    stream = np.random.default_rng(seed)
    images = torch.from_numpy(stream.normal(size=(2, rows, columns)))
    background = torch.from_numpy(stream.normal(size=(rows, columns)))
    angles = [0.0, 1.6, 3.2]
    score = Counted(model(seed, (rows, columns)))
    found = cycle_image_hshap(
        score,
        images,
        background,
        min_size=min_size,
        threshold=threshold,
        radii=radii,
        angles=angles,
        batch_images=7,
    )
    shifts = [
        (-int(radius * np.sin(angle)), int(radius * np.cos(angle)))
        for radius in radii
        for angle in (angles if radius else [0.0])
    ]
    n_masks = []
    for image, map_found in zip(images, found.maps, strict=True):
        expected, seen = brute_force(
            score.score, image, background, min_size=min_size, threshold=threshold, shifts=shifts
        )
        n_masks.append(len(seen))
        if expected is None:
            assert torch.isnan(map_found).all()
        else:
            assert map_found.numpy() == pytest.approx(expected, abs=1e-6)
    # The image that is all background is both images', and counts with the first.
    assert found.n_evaluations.tolist() == [n_masks[0], n_masks[1] - 1]
    assert len(score.shown) == len(set(score.shown)) == sum(n_masks) - 1
    assert max(score.sizes) <= 7


def test_images_explained_together_have_the_maps_that_each_has_alone(reference, published):
    together = image_hshap(published, reference["images"], reference["background"], min_size=16)
    for image, expected in zip(reference["images"], together.maps, strict=True):
        alone = image_hshap(published, image[None], reference["background"], min_size=16)
        assert torch.allclose(alone.maps[0], expected, rtol=0, atol=1e-7)


def test_shifts_share_the_whole_the_nothing_and_halves():
    score = Counted(lambda images: images.mean((1, 2)))
    cycle_image_hshap(
        score,
        torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0)),
        torch.zeros(8, 8),
        min_size=8,
        radii=[0, 2],
        angles=[0.0],
    )
    # Of the second shift's sixteen, the upper and the lower half are the first's as well.
    assert sum(score.sizes) == 16 + 16 - 4


def test_parts_equal_to_the_background_are_not_looked_into():
    image = torch.zeros(1, 8, 8)
    image[0, :2, :2] = 1.0
    score = Counted(lambda images: torch.sigmoid(images.sum((1, 2)) * 3.7))
    found = image_hshap(score, image, torch.zeros(8, 8), min_size=4)
    assert (found.maps > 0).equal(image > 0)
    assert sum(score.sizes) == 16 + 14


def test_no_images():
    found = image_hshap(
        lambda images: images.mean((1, 2)), torch.zeros(0, 8, 8), torch.zeros(8, 8), min_size=4
    )
    assert found.maps.shape == (0, 8, 8)
    assert found.n_evaluations.tolist() == []


def test_a_masked_pixel_takes_the_background_of_its_own_place():
    background = torch.arange(64.0).view(8, 8)
    score = Counted(lambda images: images.mean((1, 2)))
    cycle_image_hshap(
        score, torch.full((1, 8, 8), -1.0), background, min_size=4, radii=[3], angles=[1.0]
    )
    for shown in score.shown:
        pixels = np.frombuffer(shown, np.float32).reshape(8, 8)
        assert ((pixels == -1) | (pixels == background.numpy())).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_size": 0}, "min_size: expected 1 to 8"),
        ({"min_size": 9}, "min_size: expected 1 to 8"),
        ({"batch_images": 0}, "batch_images: expected 1 or more"),
        ({"threshold_mode": "soft"}, "threshold mode: expected one of absolute, relative"),
        ({"background": torch.zeros(8, 9)}, "background: expected the shape of one image"),
        ({"score": lambda images: images}, "scores of the model: expected one for each of 16"),
        ({"score": lambda images: images.sum((1, 2)) / 0}, "expected finite numbers"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    given_options = {
        "score": lambda images: images.mean((1, 2)),
        "images": torch.ones(1, 8, 8),
        "background": torch.zeros(8, 8),
        "min_size": 4,
        **options,
    }
    with pytest.raises(InputError, match=message):
        image_hshap(**given_options)
