"""Which labels an optimiser step sees: a pure function of the seed and the step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.core.randomness import generator


class LabelSampler:
    """Draws labels without replacement, pass after pass, each pass in an order of its own.

    Step ``s`` takes the ``s``-th run of ``labels_per_step`` from the endless line of passes, so
    that a resumed run goes on exactly where it was, and all labels are seen equally often. With
    ``balanced``, positive and negative labels have a line each and a step takes half of each; of a
    class with fewer labels than that, it takes all, once.

    Args:
        is_positive: Whether each label is positive, bool, shape (labels,).
        labels_per_step: Labels a step; at most all of them are taken.
        balanced: Whether a step takes as many positive as negative labels, as far as there are
            so many; without effect where all labels are of one class.
        seed: The run's seed.

    Example:
        >>> sampler = LabelSampler(np.array([True, False, False]), labels_per_step=2, seed=0)
        >>> first_three = [int(i) for step in range(3) for i in sampler.at(step)]
        >>> sorted(first_three[:3]), sorted(first_three[3:])
        ([0, 1, 2], [0, 1, 2])
    """

    def __init__(
        self,
        is_positive: npt.NDArray[np.bool_],
        *,
        labels_per_step: int,
        seed: int,
        balanced: bool = False,
    ) -> None:
        everything = np.arange(len(is_positive))
        positive, negative = everything[is_positive], everything[~is_positive]
        per_step = min(labels_per_step, len(everything))
        if balanced and len(positive) and len(negative) and per_step > 1:
            n_positive = per_step // 2
            self._lines = [
                _Line("positive", positive, min(n_positive, len(positive)), seed),
                _Line("negative", negative, min(per_step - n_positive, len(negative)), seed),
            ]
        else:
            self._lines = [_Line("all", everything, per_step, seed)]

    @property
    def n_labels(self) -> int:
        """Labels that a step sees."""
        return sum(line.per_step for line in self._lines)

    def at(self, step: int) -> npt.NDArray[np.int64]:
        """Return the indices of the labels that a step sees, shape (n_labels,)."""
        return np.concatenate([line.at(step) for line in self._lines])


class _Line:
    """The endless line of passes through some labels."""

    def __init__(self, name: str, labels: npt.NDArray[np.int64], per_step: int, seed: int) -> None:
        self._name = name
        self._labels = labels
        self.per_step = per_step
        self._seed = seed
        self._latest: tuple[int, npt.NDArray[np.int64]] = (-1, labels)

    def at(self, step: int) -> npt.NDArray[np.int64]:
        places = step * self.per_step + np.arange(self.per_step)
        passes, ranks = np.divmod(places, len(self._labels))
        return np.concatenate(
            [self._pass(int(number))[ranks[passes == number]] for number in np.unique(passes)]
        )

    def _pass(self, number: int) -> npt.NDArray[np.int64]:
        if self._latest[0] != number:
            stream = generator(self._seed, "sampling", self._name, number)
            self._latest = (number, stream.permutation(self._labels))
        return self._latest[1]
