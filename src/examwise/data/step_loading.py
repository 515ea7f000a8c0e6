"""What each optimiser step reads, divided among processes and accumulated parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.data.bags import BagBatch
from examwise.data.loading import BagReader, SliceSubset
from examwise.data.sampling import LabelSampler


class HostTransform(Protocol):
    """Changes an exam's slices before they go to the device."""

    def __call__(
        self,
        pixels_hu: npt.NDArray[np.int16],
        *,
        generator: np.random.Generator,
        slice_index: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """Return slices, HU, shape (slices, rows, columns), changed; places are in the exam."""
        ...


@dataclass(frozen=True)
class StepShares:
    """Into how many parts a step's labels are divided, and which of them are read here.

    Sums over all parts are sums over the step: how it is divided changes nothing but rounding.

    Attributes:
        accumulate: Parts that one process takes one after the other.
        n_processes: Processes.
        rank: Number of this process.
    """

    accumulate: int = 1
    n_processes: int = 1
    rank: int = 0

    def require(self, labels_per_step: int) -> None:
        """Refuse more parts than labels.

        Raises:
            InputError: If a step has fewer labels than parts.
        """
        n_parts = self.accumulate * self.n_processes
        if labels_per_step < n_parts:
            raise InputError(
                where="a training step",
                expected=f"at least a label for each of {self.n_processes} processes times "
                f"{self.accumulate} accumulated parts",
                got=f"{labels_per_step} labels",
                remedy="use fewer devices or parts, or more labels a step",
            )

    def of(self, labels: npt.NDArray[np.int64], part: int) -> npt.NDArray[np.int64]:
        """Return this process's labels of one accumulated part.

        Example:
            >>> shares = StepShares(accumulate=2, n_processes=2, rank=1)
            >>> [shares.of(np.array([5, 1, 3, 0, 2]), part).tolist() for part in (0, 1)]
            [[2], [5]]
        """
        n_parts = self.accumulate * self.n_processes
        shares = np.array_split(np.sort(labels), n_parts)
        return shares[part * self.n_processes + self.rank]


class StepDataset(Dataset[BagBatch]):
    """The batches of all optimiser steps, by the number of the step's part.

    Args:
        reader: The labels.
        sampler: Which of them a step sees.
        seed: The run's seed.
        shares: How steps are divided.
        subset: Which slices of whole exams a step sees; all if None.
        transform: Changes slices on the host.
    """

    def __init__(
        self,
        reader: BagReader,
        sampler: LabelSampler,
        *,
        seed: int = 0,
        shares: StepShares | None = None,
        subset: SliceSubset | None = None,
        transform: HostTransform | None = None,
    ) -> None:
        self._reader = reader
        self._sampler = sampler
        self._seed = seed
        self.shares = shares or StepShares()
        self._subset = subset
        self._transform = transform
        self._units = reader.targets.units()

    def __getitem__(self, number: int) -> BagBatch:
        step, part = divmod(number, self.shares.accumulate)
        labels = self._sampler.at(step)
        batch = self._reader.read(
            self.shares.of(labels, part),
            step=step,
            step_units=float(self._units[labels].sum()),
            subset=self._subset,
        )
        return batch if self._transform is None else self._transformed(batch, self._transform)

    def _transformed(self, batch: BagBatch, transform: HostTransform) -> BagBatch:
        bags, places = batch.pixels_hu.numpy(), batch.slice_index.numpy()
        ends = torch.cumsum(batch.bag_sizes, 0).tolist()
        changed = np.empty(bags.shape, np.float32)
        for exam_id, size, end in zip(batch.exam_ids, batch.bag_sizes.tolist(), ends, strict=True):
            stream = generator(self._seed, "host augmentation", batch.step, exam_id)
            rows = slice(end - size, end)
            changed[rows] = transform(bags[rows], generator=stream, slice_index=places[rows])
        return replace(batch, pixels_hu=torch.from_numpy(changed))


class StepNumbers(Sampler[int]):
    """Numbers of the steps' parts still to be done.

    Args:
        first_step: Returns the number of steps done so far.
        steps: Steps in all; also the length, times the parts, whatever has been done, so that a
            trainer which counts batches counts those done before a resumption.
        accumulate: Parts of a step.
    """

    def __init__(self, first_step: Callable[[], int], *, steps: int, accumulate: int = 1) -> None:
        self._first_step = first_step
        self._steps = steps
        self._accumulate = accumulate

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._first_step() * self._accumulate, len(self)))

    def __len__(self) -> int:
        return self._steps * self._accumulate


def step_loader(
    dataset: StepDataset, numbers: StepNumbers, *, n_workers: int = 0, pin_memory: bool = False
) -> DataLoader[BagBatch]:
    """Return a loader of the steps' batches; worker processes change nothing but the speed."""
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=numbers,
        num_workers=n_workers,
        persistent_workers=n_workers > 0,
        pin_memory=pin_memory,
        # Keeps the loader from drawing from the global generator; batches have their own.
        generator=torch.Generator().manual_seed(0),
    )
