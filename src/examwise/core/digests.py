"""Digests: of bytes, of canonical JSON, of files (by size and time when large)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import google_crc32c

LARGE_FILE_BYTES = 16 * 1024 * 1024
"""Files above this size are identified by size and modification time, not by content."""


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 digest of bytes, in hexadecimal.

    Example:
        >>> sha256_hex(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) checksum of bytes, as Zarr's ``crc32c`` codec uses it.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    return int(google_crc32c.value(data))


def canonical_json(value: Any) -> bytes:
    """Serialise to JSON so that equal values give equal bytes (sorted keys, no spaces, UTF-8).

    Raises:
        ValueError: If the value holds NaN or infinity.

    Example:
        >>> canonical_json({"b": 1, "a": [1.5, None]})
        b'{"a":[1.5,null],"b":1}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def readable_json(value: Any) -> bytes:
    r"""Serialise to indented JSON with sorted keys and a final newline, for people and diffs.

    Example:
        >>> readable_json({"a": 1})
        b'{\n  "a": 1\n}\n'
    """
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def file_digest(path: Path) -> str:
    """Identify a file's content: SHA-256, or size and modification time above 16 MiB.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a")
        ...     _ = path.write_bytes(b"")
        ...     file_digest(path)[:15]
        'sha256:e3b0c442'
    """
    state = path.stat()
    if state.st_size > LARGE_FILE_BYTES:
        return f"size-time:{state.st_size}:{state.st_mtime_ns}"
    return "sha256:" + sha256_hex(path.read_bytes())
