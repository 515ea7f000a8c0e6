"""What a label may be of; imports nothing heavy."""

from __future__ import annotations

from typing import Literal

LabelKind = Literal["slice", "exam", "mixed"]
"""Labels of slices, labels of exams, or some of both."""
