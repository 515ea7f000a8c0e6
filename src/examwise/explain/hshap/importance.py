"""Which parts matter enough to be looked into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError

ThresholdMode = Literal["absolute", "relative"]

_MODES = get_args(ThresholdMode)


@dataclass(frozen=True)
class Importance:
    """The rule by which parts are looked into.

    Attributes:
        threshold: Of ``absolute`` mode a value that is to be exceeded; of ``relative`` a
            percentile of the values of all parts of one level that is to be reached (where it
            is above 0; exceeded otherwise).
        mode: ``absolute`` or ``relative``.

    Raises:
        InputError: If the mode has no such name, or the threshold is not finite or no percentile.
    """

    threshold: float = 0.0
    mode: ThresholdMode = "absolute"

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            raise InputError(
                where="threshold mode", expected="one of " + ", ".join(_MODES), got=self.mode
            )
        is_percentile = self.mode == "relative"
        if not np.isfinite(self.threshold) or (is_percentile and not 0 <= self.threshold <= 100):
            raise InputError(
                where="threshold",
                expected="a percentile, 0 to 100" if is_percentile else "a number",
                got=self.threshold,
            )

    def matters(
        self, values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Tell which parts matter.

        Args:
            values: Of the parts of several nodes, shape (nodes, parts).
            groups: What each node belongs to, ascending, shape (nodes,): percentiles are taken
                within it.

        Example:
            >>> values = np.array([[1.0, 2.0, 3.0, 4.0]])
            >>> Importance(50, "relative").matters(values, np.array([0]))
            array([[False, False,  True,  True]])
        """
        if self.mode == "absolute":
            return np.asarray(values > self.threshold)
        starts = np.flatnonzero(np.diff(groups)) + 1
        limits = [
            np.full(len(own), np.percentile(own, self.threshold))
            for own in np.split(values, starts)
            if len(own)
        ]
        limit = np.concatenate([*limits, np.empty(0)])[:, None]
        return np.asarray((values > limit) | ((values == limit) & (limit > 0)))
