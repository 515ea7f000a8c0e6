"""From labels to batches of bags: what a step reads, packed for the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from examwise.data.bags import BagBatch
from examwise.data.sampling import LabelSampler
from examwise.data.slice_cache import SliceCache
from examwise.data.targets import Targets


class BagReader:
    """Reads labels of one part as bags.

    Labels of exams come as whole exams with their exam label; labels of slices as bags of just
    these slices with their slice labels. No other label is shown.

    Args:
        cache: Pixels.
        targets: Labels.
    """

    def __init__(self, cache: SliceCache, targets: Targets) -> None:
        self._cache = cache
        self.targets = targets
        stored = cache.stored
        exam_ids = stored.exams["exam_id"].to_list()
        first = np.concatenate([[0], np.cumsum(stored.exams["n_slices"].to_numpy())])
        self._first = dict(zip(exam_ids, first.tolist(), strict=False))
        self._position = stored.slices["relative_position"].to_numpy()

    def n_slices(self, label: int) -> int:
        """Return the number of slices that a label brings with it."""
        if self.targets.kind == "slice":
            return 1
        return self._cache.stored.n_slices(self.targets.exam_ids[label])

    def read(self, labels: npt.NDArray[np.int64] | Sequence[int]) -> BagBatch:
        """Read labels, given by their rows in the targets, as one batch.

        Slices of one exam come in one bag, in the exam's order; bags in the order of exams. A
        label given twice, at the seam of two passes, comes twice: a slice in one bag, an exam in
        two.
        """
        targets = self.targets
        groups: list[tuple[str, list[int]]] = []
        for row in np.sort(np.asarray(labels, np.int64)).tolist():
            exam_id = targets.exam_ids[row]
            if targets.kind == "slice" and groups and groups[-1][0] == exam_id:
                groups[-1][1].append(row)
            else:
                groups.append((exam_id, [row]))
        slices, positions, exam_labels, slice_labels = [], [], [], []
        n_findings = len(targets.findings)
        for exam_id, members in groups:
            if targets.kind == "slice":
                indices = targets.slice_index[members]
                slice_labels.append(targets.values[members])
                exam_labels.append(np.full(n_findings, np.nan, np.float32))
            else:
                indices = np.arange(self._cache.stored.n_slices(exam_id))
                slice_labels.append(np.full((len(indices), n_findings), np.nan, np.float32))
                exam_labels.append(targets.values[members[0]])
            slices.append(indices)
            positions.append(self._position[self._first[exam_id] + indices])
        pixels = self._read_pixels([exam_id for exam_id, _ in groups], slices)
        return BagBatch(
            exam_ids=tuple(exam_id for exam_id, _ in groups),
            bag_sizes=torch.tensor([len(indices) for indices in slices]),
            pixels_hu=torch.from_numpy(pixels),
            slice_index=torch.from_numpy(np.concatenate(slices)),
            relative_position=torch.from_numpy(np.concatenate(positions).astype(np.float32)),
            exam_labels=torch.from_numpy(np.stack(exam_labels)),
            slice_labels=torch.from_numpy(np.concatenate(slice_labels)),
        )

    def _read_pixels(
        self, exam_ids: Sequence[str], slices: Sequence[npt.NDArray[np.int64]]
    ) -> npt.NDArray[np.int16]:
        """Decode into one array: putting bags together afterwards takes half as long again."""
        _, rows, columns = self._cache.stored.shape(exam_ids[0])
        pixels = np.empty((sum(map(len, slices)), rows, columns), np.int16)
        start = 0
        for exam_id, indices in zip(exam_ids, slices, strict=True):
            stop = start + len(indices)
            self._cache.read(exam_id, indices.tolist(), out=pixels[start:stop])
            start = stop
        return pixels


def read_in_batches(reader: BagReader, *, slices_per_batch: int) -> Iterator[BagBatch]:
    """Read every label once, in order, in batches of at most so many slices.

    Slices of one exam may come in two batches where labels are of slices; an exam with more
    slices than the limit is a batch of its own.
    """
    batch: list[int] = []
    n_slices = 0
    for label in range(len(reader.targets)):
        size = reader.n_slices(label)
        if batch and n_slices + size > slices_per_batch:
            yield reader.read(batch)
            batch, n_slices = [], 0
        batch.append(label)
        n_slices += size
    if batch:
        yield reader.read(batch)


class StepDataset(Dataset[BagBatch]):
    """The batch of each optimiser step, by the step's number."""

    def __init__(self, reader: BagReader, sampler: LabelSampler) -> None:
        self._reader = reader
        self._sampler = sampler

    def __getitem__(self, step: int) -> BagBatch:
        return self._reader.read(self._sampler.at(step))


class StepNumbers(Sampler[int]):
    """Numbers of the steps still to be done.

    Args:
        first_step: Returns the number of steps done so far.
        steps: Steps in all; also the length, whatever has been done, so that a trainer which
            counts batches counts those done before a resumption.
    """

    def __init__(self, first_step: Callable[[], int], *, steps: int) -> None:
        self._first_step = first_step
        self._steps = steps

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._first_step(), self._steps))

    def __len__(self) -> int:
        return self._steps


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
