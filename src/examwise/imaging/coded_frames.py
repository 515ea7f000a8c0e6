"""What can be told of a coded frame without decoding it: its size, and whether it is whole.

Decoders believe the coded frame rather than the DICOM header: six damaged bytes can ask for tens
of gigabytes. And they go on where a frame is cut short or its tables make no sense, and return
something; two decoders then return different things.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from pydicom.uid import (
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

_JPEG_START = b"\xff\xd8"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
# Where a codestream may begin inside a JP2 file.
_JPEG_2000_SEARCH_BYTES = 4096
_JPEG_2000_SIZE = struct.Struct(">HHIIIIIIIIH")
_JPEG_SEGMENT = struct.Struct(">BBH")
_JPEG_FRAME = struct.Struct(">BHHB")
# Start-of-frame markers of JPEG (DHT, JPG and DAC lie between them) and of JPEG-LS.
_JPEG_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_BASELINE, _EXTENDED, _LOSSLESS, _JPEG_LS = 0xC0, 0xC1, 0xC3, 0xF7
_FRAME_OF: dict[str, set[int]] = {
    JPEGBaseline8Bit: {_BASELINE},
    JPEGExtended12Bit: {_BASELINE, _EXTENDED},
    JPEGLossless: {_LOSSLESS},
    JPEGLosslessSV1: {_LOSSLESS},
    **{syntax: {_JPEG_LS} for syntax in JPEGLSTransferSyntaxes},
}
_HUFFMAN_TABLE, _END, _SCAN, _RESTART_INTERVAL, _JPEG_LS_PRESET = 0xC4, 0xD9, 0xDA, 0xDD, 0xF8
_RESTARTS = frozenset(range(0xD0, 0xD8))
# Tables, remarks and the like between scans.
_BETWEEN_SCANS = frozenset({_HUFFMAN_TABLE, _SCAN, 0xDB, 0xDC, _RESTART_INTERVAL, 0xFE, 0xF8})
_HUFFMAN_LENGTHS = 16
_MOST_CATEGORIES = 17  # of differences of 16 bits, 0 among them
_JPEG_LS_PRESETS = struct.Struct(">BHHHHH")
# What follows 0xFF within coded data is 0, or in JPEG-LS a byte whose highest bit is 0.
# From the last fill byte on: begun with one plain byte, a search takes a twentieth of the time.
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_JPEG_LS_MARKER = re.compile(rb"\xff[\x80-\xfe]", re.DOTALL)
_SEGMENT_START = re.compile(rb"\xff+([^\xff])", re.DOTALL)
_FILL_BEFORE_DATA = re.compile(rb"\xff\xff+\x00", re.DOTALL)
_MOST_TILES = 4096
_RLE_HEADER = struct.Struct("<16I")


@dataclass(frozen=True)
class CodedSize:
    """A coded frame's size.

    Attributes:
        rows: Rows.
        columns: Columns.
        components: Values of a pixel.
        tiles: Tiles that are coded each for itself; 1 but in JPEG 2000.
        marker: JPEG's marker of the frame, which tells the coding; 0 in JPEG 2000.
    """

    rows: int
    columns: int
    components: int
    tiles: int = 1
    marker: int = field(default=0, compare=False)


def require_sound_frame(
    frame: bytes, *, syntax: str, rows: int, columns: int, n_bytes: int
) -> None:
    """Raise unless a coded frame may be given to a decoder.

    Args:
        frame: The coded frame of one component.
        syntax: Transfer syntax that the file declares: one of RLE, JPEG, JPEG-LS or JPEG 2000.
        rows: Rows that the file declares.
        columns: Columns that the file declares.
        n_bytes: Bytes of a pixel that the file declares.

    Raises:
        ValueError: If the frame is of another coding or size, is cut short, or has tables that no
            coder writes.
    """
    if syntax == RLELossless:
        _require_run_lengths(frame, n_bytes)
        return
    size = coded_size(frame)
    if size is None or size.marker not in _FRAME_OF.get(syntax, {0}):
        raise ValueError("another coding than the transfer syntax says")
    if (size.rows, size.columns, size.components) != (rows, columns, 1) or size.tiles > _MOST_TILES:
        raise ValueError("another size than the header says")
    if size.marker:
        _require_whole_jpeg(frame, size.marker)


def _require_run_lengths(frame: bytes, n_bytes: int) -> None:
    """Check the header of a run-length coded frame: one segment for each byte of a pixel."""
    if len(frame) < _RLE_HEADER.size:
        raise ValueError("the coded frame ends within its header")
    n_segments, *offsets = _RLE_HEADER.unpack_from(frame)
    starts = [_RLE_HEADER.size, *offsets[1:n_bytes], len(frame)]
    if n_segments != n_bytes or offsets[0] != _RLE_HEADER.size or starts != sorted(set(starts)):
        raise ValueError("run-length segments that do not lie one after the other")


def _require_whole_jpeg(frame: bytes, coding: int) -> None:
    """Walk over all markers to the last; tables and coded data must be of the coding."""
    place, restarts = len(_JPEG_START), False
    while True:
        marker, start, length = _segment(frame, place)
        if marker == _END:
            return
        body = frame[start + 2 : start + length]
        if marker == _RESTART_INTERVAL:
            restarts = any(body)
        elif marker == _HUFFMAN_TABLE and coding == _LOSSLESS:
            _require_difference_codes(body)
        elif marker == _JPEG_LS_PRESET and coding == _JPEG_LS:
            _require_default_presets(body, frame)
        place = start + length
        if marker == _SCAN:
            # Values shifted before they were coded: some decoders shift them back.
            if coding in (_LOSSLESS, _JPEG_LS) and body[-1:] and body[-1] & 0xF:
                raise ValueError("a point transform in a frame coded without loss")
            place = _scan_end(frame, place, coding, restarts=restarts)


def _segment(frame: bytes, place: int) -> tuple[int, int, int]:
    """Return marker, first byte behind it and length; fill bytes may stand before a marker."""
    found = _SEGMENT_START.match(frame, place)
    if found is None:
        raise ValueError("no JPEG marker where there should be one")
    marker, start = found[1][0], found.end()
    if marker == _END:
        return marker, start, 0
    length = int.from_bytes(frame[start : start + 2], "big")
    if length < 2 or start + length > len(frame):
        raise ValueError("the coded frame ends within a segment")
    return marker, start, length


def _scan_end(frame: bytes, place: int, coding: int, *, restarts: bool) -> int:
    """Return where coded data end: at the next marker that is none of theirs."""
    pattern = _JPEG_LS_MARKER if coding == _JPEG_LS else _MARKER
    while (found := pattern.search(frame, place)) is not None:
        marker = frame[found.end() - 1]
        if marker in _RESTARTS and restarts:
            place = found.end()
            continue
        if marker != _END and marker not in _BETWEEN_SCANS and not 0xE0 <= marker <= 0xEF:
            raise ValueError("a marker within coded data")
        if coding != _JPEG_LS and _FILL_BEFORE_DATA.search(frame, place, found.start()):
            raise ValueError("fill bytes within coded data")
        return found.start()
    raise ValueError("the coded frame has no end")


def _require_difference_codes(tables: bytes) -> None:
    place = 0
    while place < len(tables):
        lengths = tables[place + 1 : place + 1 + _HUFFMAN_LENGTHS]
        place += 1 + _HUFFMAN_LENGTHS
        categories = tables[place : place + sum(lengths)]
        place += sum(lengths)
        if place > len(tables) or any(one >= _MOST_CATEGORIES for one in categories):
            raise ValueError("a Huffman table of something else than differences")


def _require_default_presets(body: bytes, frame: bytes) -> None:
    """Accept thresholds in their order and the highest value that the precision has."""
    if len(body) != _JPEG_LS_PRESETS.size:
        raise ValueError("JPEG-LS parameters of an unknown kind")
    kind, highest, *thresholds, reset = _JPEG_LS_PRESETS.unpack(body)
    precision = frame[frame.index(b"\xff\xf7") + 4]
    in_order = thresholds == sorted(thresholds) and 1 <= thresholds[0] <= thresholds[-1] <= highest
    if kind != 1 or highest != (1 << precision) - 1 or not in_order or reset < 3:
        raise ValueError("JPEG-LS parameters of an unknown kind")


def coded_size(frame: bytes) -> CodedSize | None:
    """Read the size from a JPEG, JPEG-LS or JPEG 2000 frame; None from any other.

    Raises:
        ValueError: If the frame begins like one of these and does not go on like it.

    Example:
        >>> jpeg = bytes.fromhex("ffd8 ffc3 000b 10 0200 0100 01 011100")
        >>> coded_size(jpeg)
        CodedSize(rows=512, columns=256, components=1, tiles=1, marker=195)
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
            return CodedSize(rows, columns, components, marker=marker)
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
