"""What may be found in an exam: ``any`` and the five kinds of intracranial haemorrhage."""

from __future__ import annotations

FINDINGS = (
    "any",
    "epidural",
    "intraparenchymal",
    "intraventricular",
    "subarachnoid",
    "subdural",
)
"""Findings of the head-CT task, in the order in which every file lists them."""
