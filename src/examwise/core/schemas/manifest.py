"""Kinds of directories that stages leave, and the version of each kind's files."""

from __future__ import annotations

SCHEMA_VERSIONS = {
    "phantom-archive": 1,
    "exam-store": 2,
    "fingerprint": 1,
    "run": 2,
    "predictions": 1,
    "evaluation": 1,
    "study": 1,
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
