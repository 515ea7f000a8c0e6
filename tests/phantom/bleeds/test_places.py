"""Where kinds of bleeds are drawn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from examwise.phantom.bleeds.along_skull import Crescent, Lens
from examwise.phantom.bleeds.blobs import Blobs
from examwise.phantom.bleeds.in_fluid import SpreadBlood, VentricleBlood
from examwise.phantom.bleeds.parameters import BleedParameters
from examwise.phantom.bleeds.scene import Scene, sample_size
from examwise.phantom.grid import plane_grid
from examwise.phantom.head.fields import head_fields

Drawn = Mapping[str, list[BleedParameters]]


def test_forms_belong_to_kinds(drawn: Drawn) -> None:
    assert {type(b.form) for b in drawn["epidural"]} == {Lens}
    assert {type(b.form) for b in drawn["intraparenchymal"]} == {Blobs}
    assert {type(b.form) for b in drawn["intraventricular"]} == {VentricleBlood}
    assert {type(b.form) for b in drawn["subarachnoid"]} == {SpreadBlood}
    assert Crescent in {type(b.form) for b in drawn["subdural"]}


def test_bleeds_in_the_brain_start_deep_enough(drawn: Drawn, scene: Scene) -> None:
    for bleed in drawn["intraparenchymal"]:
        center = np.array([bleed.form.parts[0].center_mm])
        point = plane_grid(center, spacing_mm=1.0, rows=1, columns=1)
        assert head_fields(scene.patient.head, point).cavity[0, 0, 0] < -1.0


def test_a_way_ends_before_the_skull(scene: Scene) -> None:
    start = (10.0, 0.0, 12.0)
    near = scene.inside(start, (12.0, 0.0, 12.0), depth_mm=5.0)
    assert np.allclose(near, (12.0, 0.0, 12.0))
    x, y, z = scene.inside(start, (120.0, 0.0, 12.0), depth_mm=5.0)
    assert (y, z) == (0.0, 12.0)
    assert 40.0 < x < 70.0


def test_heights_are_those_of_slices(scene: Scene) -> None:
    low, high = scene.scanned_mm
    assert scene.shown(10.0) == 10.0
    assert low < scene.shown(-500.0) < low + 10
    assert high - 10 < scene.shown(500.0) < high


def test_sizes_are_heavy_tailed_within_limits() -> None:
    random = np.random.default_rng(0)
    sizes = np.array([sample_size(random, 5.0, 0.6, (1.0, 40.0)) for _ in range(2000)])
    assert sizes.min() >= 1
    assert sizes.max() <= 40
    assert 4.5 < np.median(sizes) < 5.5
    assert np.quantile(sizes, 0.95) > 2.2 * np.median(sizes)
