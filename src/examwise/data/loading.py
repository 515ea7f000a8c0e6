"""From labels to batches of bags, packed for the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from examwise.core.randomness import generator
from examwise.data.bags import BagBatch
from examwise.data.slice_cache import SliceCache
from examwise.data.targets import Targets


class StoredFeatures(Protocol):
    """A frozen encoder's features of stored slices."""

    def read(self, exam_id: str, slice_indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return features, shape (slices, n_features)."""
        ...


@dataclass(frozen=True)
class SliceSubset:
    """Which of an exam's slices a step sees: a random part, drawn anew each time.

    Attributes:
        minimum: Fewest slices; exams with no more than these are seen whole.
        seed: The run's seed.
    """

    minimum: int
    seed: int

    def draw(self, exam_id: str, n_slices: int, *, step: int) -> npt.NDArray[np.int64]:
        """Return places in ascending order: from ``minimum`` to all but one of them.

        Example:
            >>> len(SliceSubset(minimum=3, seed=0).draw("e1", 4, step=0))
            3
        """
        if n_slices <= self.minimum:
            return np.arange(n_slices)
        stream = generator(self.seed, "slices", step, exam_id)
        size = int(stream.integers(self.minimum, n_slices))
        return np.sort(stream.choice(n_slices, size=size, replace=False))


class BagReader:
    """Reads labels of one part as bags.

    Labels of exams come as whole exams with their exam label; labels of slices as bags of just
    these slices with their slice labels; mixed ones as whole exams with both. No other label is
    shown.

    Args:
        cache: Pixels.
        targets: Labels.
        features: A frozen encoder's features, to be read in place of pixels.
    """

    def __init__(
        self, cache: SliceCache, targets: Targets, *, features: StoredFeatures | None = None
    ) -> None:
        self._cache = cache
        self._features = features
        self.targets = targets
        self._of_slices = _rows_of_exams(targets.of_slices)
        stored = cache.stored
        exam_ids = stored.exams["exam_id"].to_list()
        first = np.concatenate([[0], np.cumsum(stored.exams["n_slices"].to_numpy())])
        self._first = dict(zip(exam_ids, first.tolist(), strict=False))
        self._position = stored.slices["relative_position"].to_numpy()

    def n_slices(self, label: int) -> int:
        """Return the number of slices that a row of the targets brings with it."""
        if self.targets.kind == "slice":
            return 1
        return self._cache.stored.n_slices(self.targets.exam_ids[label])

    def read(
        self,
        labels: npt.NDArray[np.int64] | Sequence[int],
        *,
        step: int = -1,
        step_units: float = 0.0,
        subset: SliceSubset | None = None,
    ) -> BagBatch:
        """Read labels, given by their rows in the targets, as one batch.

        Slices of one exam come in one bag, in the exam's order; bags in the order of exams. A
        label given twice, at the seam of two passes, comes twice: a slice in one bag, an exam in
        two.

        Args:
            labels: Rows, at least one.
            step: The optimiser step that they are for.
            step_units: As in :class:`~examwise.data.bags.BagBatch`.
            subset: Which slices of whole exams to read; all if None.
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
                n_slices = self._cache.stored.n_slices(exam_id)
                indices = (
                    subset.draw(exam_id, n_slices, step=step) if subset else np.arange(n_slices)
                )
                slice_labels.append(self._slice_labels(exam_id, n_slices)[indices])
                exam_labels.append(targets.values[members[0]])
            slices.append(indices)
            positions.append(self._position[self._first[exam_id] + indices])
        pixels, features = self._read_images([exam_id for exam_id, _ in groups], slices)
        return BagBatch(
            exam_ids=tuple(exam_id for exam_id, _ in groups),
            bag_sizes=torch.tensor([len(indices) for indices in slices]),
            pixels_hu=torch.from_numpy(pixels),
            slice_index=torch.from_numpy(np.concatenate(slices)),
            relative_position=torch.from_numpy(np.concatenate(positions).astype(np.float32)),
            exam_labels=torch.from_numpy(np.stack(exam_labels)),
            slice_labels=torch.from_numpy(np.concatenate(slice_labels)),
            features=None if features is None else torch.from_numpy(features),
            weights=None
            if targets.weights is None
            else torch.from_numpy(
                targets.weights[[members[0] for _, members in groups]].astype(np.float32)
            ),
            step=step,
            step_units=step_units,
        )

    def _slice_labels(self, exam_id: str, n_slices: int) -> npt.NDArray[np.float32]:
        labels = np.full((n_slices, len(self.targets.findings)), np.nan, np.float32)
        if (of_slices := self.targets.of_slices) is not None:
            rows = self._of_slices.get(exam_id, [])
            labels[of_slices.slice_index[rows]] = of_slices.values[rows]
        return labels

    def _read_images(
        self, exam_ids: Sequence[str], slices: Sequence[npt.NDArray[np.int64]]
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32] | None]:
        """Decode into one array: putting bags together afterwards takes half as long again."""
        _, rows, columns = self._cache.stored.shape(exam_ids[0])
        bags = list(zip(exam_ids, slices, strict=True))
        if (stored := self._features) is not None:
            features = [stored.read(exam_id, indices.tolist()) for exam_id, indices in bags]
            return np.empty((0, rows, columns), np.int16), np.concatenate(features)
        pixels = np.empty((sum(map(len, slices)), rows, columns), np.int16)
        start = 0
        for exam_id, indices in bags:
            stop = start + len(indices)
            self._cache.read(exam_id, indices.tolist(), out=pixels[start:stop])
            start = stop
        return pixels, None


def read_in_batches(
    reader: BagReader, *, slices_per_batch: int, labels: Sequence[int] | None = None
) -> Iterator[BagBatch]:
    """Read every label once, in order, in batches of at most so many slices.

    Slices of one exam may come in two batches where labels are of slices; an exam with more
    slices than the limit is a batch of its own.

    Args:
        reader: The reader.
        slices_per_batch: The limit.
        labels: Rows of its targets; all if None.
    """
    batch: list[int] = []
    n_slices = 0
    for label in range(len(reader.targets)) if labels is None else labels:
        size = reader.n_slices(label)
        if batch and n_slices + size > slices_per_batch:
            yield reader.read(batch)
            batch, n_slices = [], 0
        batch.append(label)
        n_slices += size
    if batch:
        yield reader.read(batch)


def _rows_of_exams(targets: Targets | None) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, exam_id in enumerate(targets.exam_ids if targets else ()):
        rows.setdefault(exam_id, []).append(row)
    return rows
