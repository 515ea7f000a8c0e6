"""Whether a DICOM file goes on behind its pixels as it should.

Bytes that were put in or taken out within the pixels shift all that follow: an image that decodes,
and is wrong. It shows at the end, where nothing fits any more.
"""

from __future__ import annotations

import struct
from typing import Any

import pydicom

from examwise.imaging.bounded_file import BoundedFile

_PIXEL_DATA = 0x7FE00010
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM = b"\xfe\xff\x00\xe0"
_ITEM_HEADER = struct.Struct("<4sI")
_CHUNK_BYTES = 1 << 20


def require_sound_end(file: BoundedFile, dataset: pydicom.FileDataset) -> None:
    """Raise unless coded fragments fill their element, and further ones or zeros the file.

    Args:
        file: The file.
        dataset: What pydicom has just read from it, with pixels.

    Raises:
        EOFError: If the file ends within its last element.
        ValueError: If fragments do not lie one after the other, elements behind the pixels do not
            ascend, or something else follows the last one.
    """
    tags: list[int] = list(dataset.keys())
    # Zeros that fill a file up read like an element of tag 0.
    behind = [tag for tag in tags[tags.index(_PIXEL_DATA) :] if tag]
    element: Any = dataset.get_item(_PIXEL_DATA)
    if element.length == _UNDEFINED_LENGTH:
        _require_fragments(element.value)
    if behind != sorted(behind):
        raise ValueError("elements behind the pixels that do not ascend")
    end = _end(dataset.get_item(behind[-1]))
    if end > file.size:
        raise EOFError("the file ends within its last element")
    file.seek(end)
    while chunk := file.read(_CHUNK_BYTES):
        if any(chunk):
            raise ValueError("something that is no element behind the last one")


def _end(element: Any) -> int:
    """Return where an element ends whose value has not been decoded yet."""
    if element.length == _UNDEFINED_LENGTH:  # and a delimiter, which pydicom takes off
        return int(element.value_tell + len(element.value) + _ITEM_HEADER.size)
    return int(element.value_tell + element.length)


def _require_fragments(coded: bytes) -> None:
    place = 0
    while place < len(coded):
        if place + _ITEM_HEADER.size > len(coded):
            raise ValueError("less than an item where a fragment should be")
        mark, length = _ITEM_HEADER.unpack_from(coded, place)
        place += _ITEM_HEADER.size + length
        if mark != _ITEM or place > len(coded):
            raise ValueError("no item, or too long a one, where a fragment should be")
