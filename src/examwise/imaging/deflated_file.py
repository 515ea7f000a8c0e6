"""A DICOM file whose content may be deflated, read as if it were not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from examwise.imaging.bounded_file import BoundedFile
from examwise.imaging.reasons import ImageRefused

_START = 132
_MOST_META_BYTES = 1 << 16
_MOST_CONTENT_BYTES = 1 << 28
_SYNTAX = b"\x02\x00\x10\x00UI\x16\x00"
_ELEMENT = struct.Struct("<HH2sH")
_LONG_VRS = frozenset({b"OB", b"OW", b"OF", b"OD", b"SQ", b"UN", b"UT", b"UC", b"UR"})


class DicomFile(BoundedFile):
    """A :class:`BoundedFile` in which a deflated data set lies inflated, as explicit little endian.

    Whoever inflates without a bound makes room for a thousand times a file's size, and does not
    say where the content ends.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be opened.
        EOFError: If deflated content is cut short.
        ImageRefused: ``too_large`` if it inflates to more than 256 MiB.
        ValueError: If it cannot be inflated, or something follows it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            content = _inflated(self)
        except BaseException:
            self.close()
            raise
        self.deflated = content is not None
        """Whether the file's content is deflated."""
        if content is not None:
            self._content, self.size = io.BytesIO(content), len(content)
        self.seek(0)


def _inflated(file: BoundedFile) -> bytes | None:
    head = file.read(_MOST_META_BYTES)
    deflated = _SYNTAX + DeflatedExplicitVRLittleEndian.encode()
    meta = head[: _meta_end(head)]
    if head[128:132] != b"DICM" or deflated not in meta:
        return None
    file.seek(len(meta))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(file.read(), _MOST_CONTENT_BYTES)
    except zlib.error as error:
        raise ValueError("content that cannot be inflated") from error
    if inflater.unconsumed_tail:
        raise ImageRefused("too_large")
    if not inflater.eof:
        raise EOFError
    if inflater.unused_data.strip(b"\0"):
        raise ValueError("something behind the deflated content")
    plain = _SYNTAX + ExplicitVRLittleEndian.encode().ljust(len(deflated) - len(_SYNTAX), b"\0")
    return meta.replace(deflated, plain) + content


def _meta_end(head: bytes) -> int:
    """Return where the file's own group of elements ends."""
    place = _START
    while place + 12 <= len(head):
        group, _, vr, length = _ELEMENT.unpack_from(head, place)
        if group != 2:
            break
        start = place + 8
        if vr in _LONG_VRS:
            (length,) = struct.unpack_from("<I", head, start)
            start += 4
        place = start + length
    return min(place, len(head))
