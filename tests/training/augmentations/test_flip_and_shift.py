from __future__ import annotations

import torch

from examwise.training.augmentations.flip_and_shift import FlipAndShift, FlippedAndShifted


def moved(images, *exams, seed=0, step=5):
    names, sizes = zip(*exams, strict=True)
    transform = FlipAndShift().draw(names, torch.tensor(sizes), seed=seed, step=step)
    return transform(images, slice(0, len(images)))


def one_dot(n, side=40):
    images = torch.full((n, 1, side, side), -1.0)
    images[:, 0, 20, 10] = 1
    return images


def where(images):
    return [tuple(int(i) for i in torch.nonzero(image[0] == 1)[0]) for image in images]


def test_all_slices_of_an_exam_move_alike_and_exams_differ():
    places = where(moved(one_dot(6), ("a", 3), ("b", 3)))
    assert len(set(places[:3])) == len(set(places[3:])) == 1
    assert places[0] != places[3]


def test_steps_differ_and_moves_are_small_flips_or_shifts():
    places = set()
    for step in range(200):
        ((row, column),) = where(moved(one_dot(1), ("a", 1), step=step))
        places.add((row, column))
        assert abs(row - 20) <= 2
        assert min(abs(column - 10), abs(column - 29)) <= 2
    assert {row for row, _ in places} == {18, 19, 20, 21, 22}
    assert {column for _, column in places} == {*range(8, 13), *range(27, 32)}


def test_the_largest_draw_shifts_no_further_than_the_margin():
    transform = FlippedAndShifted(torch.ones(1, 3))
    assert where(transform(one_dot(1), slice(0, 1))) == [(22, 12)]


def test_what_comes_in_from_outside_is_air():
    after = moved(torch.ones(40, 1, 40, 40), *((f"e{i}", 1) for i in range(40)))
    assert set(after.unique().tolist()) == {-1.0, 1.0}
    assert float((after == 1).float().mean()) > 0.85
