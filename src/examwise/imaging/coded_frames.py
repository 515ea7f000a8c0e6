"""What a coded frame says of its own size, read before a decoder makes room for it.

Decoders believe the coded frame rather than the DICOM header: six damaged bytes can ask for tens
of gigabytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_JPEG_START = b"\xff\xd8"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
# Where a codestream may begin inside a JP2 file.
_JPEG_2000_SEARCH_BYTES = 4096
_JPEG_2000_SIZE = struct.Struct(">HHIIIIIIIIH")
_JPEG_SEGMENT = struct.Struct(">BBH")
_JPEG_FRAME = struct.Struct(">BHHB")
# Start-of-frame markers of JPEG (DHT, JPG and DAC lie between them) and of JPEG-LS.
_JPEG_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True)
class CodedSize:
    """A coded frame's size.

    Attributes:
        rows: Rows.
        columns: Columns.
        components: Values of a pixel.
        tiles: Tiles that are coded each for itself; 1 but in JPEG 2000.
    """

    rows: int
    columns: int
    components: int
    tiles: int = 1


def coded_size(frame: bytes) -> CodedSize | None:
    """Read the size from a JPEG, JPEG-LS or JPEG 2000 frame; None from any other.

    Raises:
        ValueError: If the frame begins like one of these and does not go on like it.

    Example:
        >>> jpeg = bytes.fromhex("ffd8 ffc3 000b 10 0200 0100 01 011100")
        >>> coded_size(jpeg)
        CodedSize(rows=512, columns=256, components=1, tiles=1)
    """
    try:
        if frame.startswith(_JPEG_START):
            return _jpeg_size(frame)
        start = frame.find(_JPEG_2000_START, 0, _JPEG_2000_SEARCH_BYTES)
        return None if start < 0 else _jpeg_2000_size(frame, start)
    except struct.error:
        raise ValueError("the coded frame ends within its header") from None


def _jpeg_size(frame: bytes) -> CodedSize:
    place = len(_JPEG_START)
    while True:
        mark, marker, length = _JPEG_SEGMENT.unpack_from(frame, place)
        if mark != 0xFF:
            raise ValueError("no JPEG marker where there should be one")
        if marker == 0xFF:  # fill byte
            place += 1
        elif marker in _JPEG_FRAME_MARKERS:
            _, rows, columns, components = _JPEG_FRAME.unpack_from(frame, place + 4)
            return CodedSize(rows, columns, components)
        else:
            place += 2 + length


def _jpeg_2000_size(frame: bytes, start: int) -> CodedSize:
    found = _JPEG_2000_SIZE.unpack_from(frame, start + len(_JPEG_2000_START))
    _, _, right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = found
    if tile_width < 1 or tile_height < 1:
        raise ValueError("JPEG 2000 tiles without extent")
    across = -(-(right - tile_left) // tile_width)
    down = -(-(bottom - tile_top) // tile_height)
    return CodedSize(bottom - top, right - left, components, across * down)
