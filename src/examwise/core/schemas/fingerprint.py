"""Files of a fingerprint directory."""

from __future__ import annotations

FINGERPRINT = "fingerprint.json"
"""What a store holds, in numbers, and what was found wrong with it."""

PAGE = "fingerprint.html"
"""The same as a page with plots."""
