"""Kinds of directories that stages leave, and the version of each kind's files."""

from __future__ import annotations

SCHEMA_VERSIONS = {
    "phantom-archive": 1,
    "exam-store": 2,
    "fingerprint": 1,
    "encoder": 1,
    "run": 2,
    "predictions": 1,
    "evaluation": 4,
    "explanations": 1,
    "study": 3,
    "cross-validation": 1,
    "tuning": 1,
}
"""Kind of directory to the schema version that this package reads and writes."""

MANIFEST_KEYS = (
    "kind",
    "schema_version",
    "tool_version",
    "configuration",
    "inputs",
    "seed",
    "outputs",
)
"""Fields of every ``manifest.json``."""

STORE_MANIFEST_KEYS = ("imports", "removed")
"""Further fields, of stores that have grown or from which exams were withdrawn."""

MIGRATED_FROM = {"exam-store": (1,)}
"""Kind of directory to the older schema versions that can be brought to the present one."""
