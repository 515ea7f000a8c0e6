"""The ways to draw labels, and what kind of label each buys."""

from __future__ import annotations

from typing import Literal

ACQUISITION_KINDS: dict[str, Literal["slice", "exam"]] = {
    "exam": "exam",
    "spread": "slice",
    "whole_exam": "slice",
    "exam_first": "slice",
}
"""Way to draw to the kind of label bought."""
