"""What a step of pretraining sees: slices, and what is drawn for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from examwise.core.randomness import generator
from examwise.data.slice_cache import SliceCache
from examwise.training.pretraining.pretexts.protocol import Pretext


class SliceOrder:
    """Which slices each step sees: pass after pass over all of them, each in an order of its own.

    Args:
        n_slices: Slices in all.
        per_step: Slices a step; one that a pass ends within goes on with the next.
        seed: Seed of the orders.

    Example:
        >>> order = SliceOrder(4, per_step=2, seed=0)
        >>> sorted([*order.at(0), *order.at(1)])
        [0, 1, 2, 3]
    """

    def __init__(self, n_slices: int, *, per_step: int, seed: int) -> None:
        self._n_slices = n_slices
        self._per_step = per_step
        self._seed = seed

    def at(self, step: int) -> list[int]:
        """Return the slices of a step, by their rows."""
        places = np.arange(step * self._per_step, (step + 1) * self._per_step)
        passes, within = np.divmod(places, self._n_slices)
        orders = (
            _order(self._seed, int(number), self._n_slices)[within[passes == number]]
            for number in np.unique(passes)
        )
        return [int(row) for row in np.concatenate([*orders])]


@lru_cache(maxsize=2)
def _order(seed: int, number: int, n_slices: int) -> npt.NDArray[np.int64]:
    return generator(seed, "pretraining order", number).permutation(n_slices)


@dataclass(frozen=True)
class PretextBatch:
    """A step's slices.

    Attributes:
        pixels_hu: HU, int16, shape (N, rows, columns).
        drawn: What the pretext drew, shapes (N, …).
    """

    pixels_hu: Tensor
    drawn: Mapping[str, Tensor]

    def to(self, device: torch.device) -> PretextBatch:
        """Return it on a device."""
        drawn = {name: value.to(device, non_blocking=True) for name, value in self.drawn.items()}
        return PretextBatch(self.pixels_hu.to(device, non_blocking=True), drawn)

    def pin_memory(self) -> PretextBatch:
        """Return it in memory from which a GPU copies fast; loaders call this."""
        drawn = {name: value.pin_memory() for name, value in self.drawn.items()}
        return PretextBatch(self.pixels_hu.pin_memory(), drawn)


class PretextSteps(Dataset[PretextBatch]):
    """The batch of each step, by the step's number.

    What is drawn for a slice depends on the seed, the step and the slice alone.

    Args:
        cache: Pixels.
        frame: Columns ``exam_id`` and ``slice_index``.
        pretext: Draws.
        per_step: Slices a step.
        seed: Seed of order and draws.
    """

    def __init__(
        self, cache: SliceCache, frame: pl.DataFrame, pretext: Pretext, *, per_step: int, seed: int
    ) -> None:
        self._cache = cache
        self._exam_ids = frame["exam_id"].to_list()
        self._slice_index = frame["slice_index"].to_list()
        self._pretext = pretext
        self._seed = seed
        self._order = SliceOrder(frame.height, per_step=per_step, seed=seed)

    def __getitem__(self, step: int) -> PretextBatch:
        slices = [(self._exam_ids[row], self._slice_index[row]) for row in self._order.at(step)]
        _, rows, columns = self._cache.stored.shape(slices[0][0])
        pixels = np.empty((len(slices), rows, columns), np.int16)
        for place, (exam_id, index) in enumerate(slices):
            self._cache.read(exam_id, [index], out=pixels[place : place + 1])
        streams = [generator(self._seed, "pretext", step, *key) for key in slices]
        return PretextBatch(torch.from_numpy(pixels), self._pretext.draw(streams))


def batches(
    steps: PretextSteps, numbers: Sequence[int], *, n_workers: int, pin_memory: bool
) -> DataLoader[PretextBatch]:
    """Return a loader of some steps' batches; worker processes change nothing but the speed."""
    return DataLoader(
        steps,
        batch_size=None,
        sampler=numbers,
        num_workers=n_workers,
        pin_memory=pin_memory,
        # Keeps the loader from drawing from the global generator.
        generator=torch.Generator().manual_seed(0),
    )
