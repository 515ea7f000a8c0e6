from __future__ import annotations

from types import SimpleNamespace

import torch

from examwise.training.augmentation import FlipAndShift


def batch(*exams):
    return SimpleNamespace(
        exam_ids=tuple(name for name, _ in exams),
        bag_sizes=torch.tensor([size for _, size in exams]),
    )


def one_dot(n, side=40):
    images = torch.full((n, 1, side, side), -1.0)
    images[:, 0, 20, 10] = 1
    return images


def where(images):
    return [tuple(int(i) for i in torch.nonzero(image[0] == 1)[0]) for image in images]


def test_all_slices_of_an_exam_move_alike_and_exams_differ():
    moved = FlipAndShift(batch(("a", 3), ("b", 3)), seed=0, step=5)(one_dot(6))
    places = where(moved)
    assert len(set(places[:3])) == len(set(places[3:])) == 1
    assert places[0] != places[3]


def test_an_exam_moves_the_same_whatever_it_is_packed_with():
    together = FlipAndShift(batch(("a", 1), ("b", 2)), seed=0, step=5)(one_dot(3))
    alone = FlipAndShift(batch(("b", 2)), seed=0, step=5)(one_dot(2))
    assert torch.equal(together[1:], alone)


def test_steps_and_seeds_differ_and_moves_are_small_flips_or_shifts():
    places = set()
    for step in range(200):
        ((row, column),) = where(FlipAndShift(batch(("a", 1)), seed=0, step=step)(one_dot(1)))
        places.add((row, column))
        assert abs(row - 20) <= 2
        assert min(abs(column - 10), abs(column - 29)) <= 2
    assert {row for row, _ in places} == {18, 19, 20, 21, 22}
    assert {column for _, column in places} == {*range(8, 13), *range(27, 32)}


def test_the_largest_draw_shifts_no_further_than_the_margin():
    transform = FlipAndShift(batch(("a", 1)), seed=0, step=0)
    transform._drawn = torch.ones(1, 3)
    assert where(transform(one_dot(1))) == [(22, 12)]


def test_the_seed_matters():
    def line(seed):
        exams = batch(*((f"e{i}", 1) for i in range(20)))
        return where(FlipAndShift(exams, seed=seed, step=0)(one_dot(20)))

    assert line(0) == line(0) != line(1)


def test_what_comes_in_from_outside_is_air():
    moved = FlipAndShift(batch(*((f"e{i}", 1) for i in range(40))), seed=0, step=0)(
        torch.ones(40, 1, 40, 40)
    )
    assert set(moved.unique().tolist()) == {-1.0, 1.0}
    assert float((moved == 1).float().mean()) > 0.85
