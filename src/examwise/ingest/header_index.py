"""What the first look found, kept beside the key, so that no file is read twice.

A first look at 750,000 files takes an hour. What it finds holds identities, as the crosswalk does,
and lies where that lies: ``headers/<source>/`` in the identity folder, readable by its owner
alone. It is a convenience: a store comes out the same with it, without it, or with half of it, and
it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.identity import Identity, private_folder, write_private
from examwise.ingest.listing import Listing

_FOLDER = "headers"
_FILES_A_PART = 4096
# Until it has rested for so long, a file may change again without its time showing it.
_SECONDS_OF_REST = 3
_COLUMNS = {
    "path": pl.Binary,
    "size": pl.Int64,
    "modified_ns": pl.Int64,
    "found": pl.Binary,
}


class HeaderIndex:
    """What was found in the files of one source, by path, size and time of the last change.

    Parts are written as the files are read, each under the digest of its content, and are never
    changed: a damaged one is dropped, and its files are read again.

    Args:
        identity: The site's key.
        source: The source.
        rules: What was looked for, and how; what was found by others is not known here.

    Example:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp())
        >>> index = HeaderIndex(Identity(place), Path("archive"), rules="1")
        >>> listing = Listing(("a.dcm",), (512,), (1_600_000_000_000_000_000,), "")
        >>> index.keep(listing, 0, b"what it is")
        >>> index.flush()
        >>> list(HeaderIndex(Identity(place), Path("archive"), rules="1").known(listing))
        [(0, b'what it is')]
    """

    def __init__(self, identity: Identity, source: Path, *, rules: str) -> None:
        self._folder = identity.folder / _FOLDER / identity.source_id(str(source.resolve()))
        self._rules = sha256_hex(rules.encode())[:16]
        self._rows: list[tuple[bytes, int, int, bytes]] = []
        self._rested_ns = time.time_ns() - _SECONDS_OF_REST * 10**9

    def known(self, listing: Listing) -> Iterator[tuple[int, bytes]]:
        """Yield what is known of the files of a listing.

        Parts that know nothing of any of them are deleted.

        Yields:
            The file's place in the listing, and what was kept; each file once.
        """
        parts = sorted(self._folder.glob(f"{self._rules}-*.parquet"))
        if not parts:
            return
        place_of = {path: place for place, path in enumerate(listing.paths)}
        for part in parts:
            of_use = False
            for path, size, modified_ns, found in _rows(part):
                place = place_of.get(path.decode("utf-8", "surrogateescape"))
                if place is None or (size, modified_ns) != _state(listing, place):
                    continue
                of_use = True
                del place_of[listing.paths[place]]
                yield place, found
            if not of_use:
                part.unlink(missing_ok=True)

    def keep(self, listing: Listing, place: int, found: bytes) -> None:
        """Keep what was found in a file; written with the next part.

        A file that was changed a moment before the listing is not kept: it may still be written.
        """
        size, modified_ns = _state(listing, place)
        if modified_ns <= self._rested_ns:
            path = listing.paths[place].encode("utf-8", "surrogateescape")
            self._rows.append((path, size, modified_ns, found))
        if len(self._rows) >= _FILES_A_PART:
            self.flush()

    def flush(self) -> None:
        """Write what has not been written yet."""
        if not self._rows:
            return
        buffer = io.BytesIO()
        frame = pl.DataFrame(self._rows, schema=_COLUMNS, orient="row")
        frame.sort("path").write_parquet(buffer, compression="zstd", statistics=False)
        self._rows = []
        data = buffer.getvalue()
        for folder in (self._folder.parent, self._folder):
            private_folder(folder)
        name = f"{self._rules}-{hashlib.sha256(data).hexdigest()}.parquet"
        write_private(self._folder / name, data)


def forget_headers(identity: Identity) -> None:
    """Delete all that is kept of any source, as when a patient is withdrawn."""
    shutil.rmtree(identity.folder / _FOLDER, ignore_errors=True)


def _state(listing: Listing, place: int) -> tuple[int, int]:
    return listing.sizes[place], listing.modified_ns[place]


def _rows(part: Path) -> Iterator[tuple[bytes, int, int, bytes]]:
    try:
        data = part.read_bytes()
    except OSError:  # deleted by another import, or unreadable
        return
    if hashlib.sha256(data).hexdigest() == part.stem.partition("-")[2]:
        yield from pl.read_parquet(io.BytesIO(data)).iter_rows()
