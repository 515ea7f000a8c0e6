"""From which probability on a run calls an exam, or a slice, positive, and how that was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from examwise.core.errors import SchemaError

ON_VALIDATION = ("validation", "validation slices", "fixed")
"""What a run's own ``thresholds.json`` names as sources."""

OF_SEVERAL_MODELS = "mean of models"
NOT_ON_RECORD = "not on record"


@dataclass(frozen=True)
class FittedThreshold:
    """What ``thresholds.json`` says of one finding.

    Attributes:
        threshold: On the exam probability; positive from here on.
        source: Whose labels chose it, in the file's words; empty where it says nothing.
        rules: Name of a rule to the threshold it gave on the same labels: ``youden``,
            ``closest_to_corner`` and ``sensitivity_0.9`` (or another share). Empty where nothing
            was fitted, and in files written before there were rules.
        slice_threshold: Likewise on the slice probability, by Youden's index on the validation
            slices; None where their labels were not bought.
    """

    threshold: float
    source: str
    rules: Mapping[str, float] = field(default_factory=dict)
    slice_threshold: float | None = None

    @property
    def fitted_on(self) -> str:
        """Whose labels chose it, in the words of tables.

        Example:
            >>> FittedThreshold(0.4, "mean of 5 models").fitted_on
            'mean of models'
        """
        if self.source in ON_VALIDATION:
            return self.source
        return OF_SEVERAL_MODELS if self.source.startswith("mean of ") else NOT_ON_RECORD

    @classmethod
    def from_entry(cls, entry: object, *, where: str) -> FittedThreshold:
        """Read one finding's entry of ``thresholds.json``.

        Args:
            entry: What the file holds for the finding.
            where: How messages call it.

        Raises:
            SchemaError: If it is no such entry, or a threshold is no number from 0 to 1.

        Example:
            >>> FittedThreshold.from_entry({"threshold": 0.5, "source": "fixed"}, where="a")
            FittedThreshold(threshold=0.5, source='fixed', rules={}, slice_threshold=None)
        """
        own: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
        threshold, rules = own.get("threshold"), own.get("rules", {})
        on_slices = own.get("slice_threshold")
        sound = (
            _is_probability(threshold)
            and (on_slices is None or _is_probability(on_slices))
            and isinstance(rules, dict)
            and all(_is_probability(value) for value in rules.values())
        )
        if threshold is None or not sound:
            raise SchemaError(
                where=where,
                expected='{"threshold": a number from 0 to 1, "source": …}, and likewise numbers '
                "from 0 to 1 in its rules and slice_threshold, if any",
                got=entry,
            )
        return cls(
            threshold=float(threshold),
            source=str(own.get("source", "")),
            rules={str(name): float(value) for name, value in rules.items()},
            slice_threshold=None if on_slices is None else float(on_slices),
        )


def _is_probability(value: object) -> bool:
    # JSON's true is a number to Python.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
