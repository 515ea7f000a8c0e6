"""Seeded damage to DICOM and NIfTI files: to any bytes, to lengths, to what headers say."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from fuzz_bases import Base

_LONG_VRS = frozenset({b"OB", b"OW", b"OF", b"OD", b"SQ", b"UN", b"UT", b"UC", b"UR"})
_UNDEFINED = 0xFFFFFFFF
_PIXEL_DATA = (0x7FE0, 0x0010)
_US_FIELDS = {
    **{(0x0028, element): "image size" for element in (0x0010, 0x0011)},
    **{(0x0028, element): "bits" for element in (0x0100, 0x0101, 0x0102, 0x0103)},
    **{(0x0028, element): "samples" for element in (0x0002, 0x0006, 0x0120, 0x0121)},
}
_TEXT_FIELDS = {
    (0x0028, 0x0008): "frames",
    (0x0028, 0x1052): "rescale",
    (0x0028, 0x1053): "rescale",
    (0x0020, 0x0032): "geometry",
    (0x0020, 0x0037): "geometry",
    (0x0028, 0x0030): "geometry",
}
_NASTY_WORDS = (0, 1, 2, 7, 8, 9, 12, 15, 16, 17, 31, 32, 39, 41, 64, 128, 4096, 4097, 32767, 65535)
_NASTY_LENGTHS = (0, 1, 2, 3, 255, 65535, 65536, 1 << 24, 1 << 31, 0xFFFFFFFE, _UNDEFINED)
_NASTY_TEXTS = (
    *(b"", b"0", b"-1", b"1e308", b"-1e308", b"nan", b"inf", b"1e-320", b"99999999", b"\\\\"),
    *(b"2", b"0.5", b"1\\1", b"\xff\xfe", b"2147483648", b"0x10", b"1_0", b"-32768", b"1e5"),
)
_NASTY_FLOATS = (0.0, -1.0, 1e30, -1e30, 1e-30, float("nan"), float("inf"), 352.0, 0.5, 65536.0)
_CODESTREAM_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
_CODESTREAM_HEADER_BYTES = 120


@dataclass(frozen=True)
class Case:
    """A damaged file.

    Attributes:
        base: What it was made from.
        damage: What was done to it, one word each.
        data: Its bytes.
    """

    base: Base
    damage: tuple[str, ...]
    data: bytes


class _Element(NamedTuple):
    tag: tuple[int, int]
    start: int
    length_at: int
    length_format: str
    value: int
    length: int


def make_case(bases: Sequence[Base], seed: int, index: int) -> Case:
    """Damage one of the files; the same seed and index give the same bytes."""
    generator = np.random.default_rng([seed, index])
    base = bases[int(generator.integers(len(bases)))]
    kinds = _NIFTI_DAMAGE if base.is_nifti else _DICOM_DAMAGE
    packed = bool(base.packing) and generator.random() < 0.8
    data = bytearray(_unpack(base) if packed else base.data)
    damage = []
    for _ in range(int(generator.choice([1, 1, 1, 2, 3]))):
        name = str(generator.choice(list(kinds)))
        done = kinds[name](data, generator)
        damage.append(done or name)
    return Case(base, tuple(damage), _pack(base, bytes(data)) if packed else bytes(data))


def _content_start(base: Base) -> int:
    """Return where what is deflated begins: behind the group of the file itself."""
    last = [element for element in _elements(base.data) if element.tag[0] == 2][-1]
    return last.value + last.length


def _unpack(base: Base) -> bytes:
    if base.packing == "gzip":
        return gzip.decompress(base.data)
    start = _content_start(base)
    return base.data[:start] + zlib.decompressobj(-zlib.MAX_WBITS).decompress(base.data[start:])


def _pack(base: Base, data: bytes) -> bytes:
    if base.packing == "gzip":
        return gzip.compress(data, mtime=0)
    start = _content_start(base)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = packer.compress(data[start:]) + packer.flush()
    return data[:start] + content + b"\0" * (len(content) % 2)


Damage = Callable[[bytearray, np.random.Generator], str | None]


def _flip_bits(data: bytearray, generator: np.random.Generator) -> None:
    for _ in range(int(generator.integers(1, 9))):
        place = int(generator.integers(len(data)))
        data[place] ^= 1 << int(generator.integers(8))


def _flip_early_bits(data: bytearray, generator: np.random.Generator) -> None:
    for _ in range(int(generator.integers(1, 5))):
        place = int(generator.integers(min(len(data), 1500)))
        data[place] ^= 1 << int(generator.integers(8))


def _overwrite(data: bytearray, generator: np.random.Generator) -> None:
    place, length = int(generator.integers(len(data))), int(2 ** generator.uniform(0, 8))
    length = min(length, len(data) - place)
    fill = generator.choice(["zeros", "ones", "noise"])
    run = {"zeros": bytes(length), "ones": b"\xff" * length, "noise": generator.bytes(length)}
    data[place : place + length] = run[str(fill)]


def _truncate(data: bytearray, generator: np.random.Generator) -> None:
    del data[int(generator.integers(len(data))) :]
    data.extend(b"" if data else b"\0")


def _insert(data: bytearray, generator: np.random.Generator) -> None:
    place = int(generator.integers(len(data)))
    data[place:place] = generator.bytes(int(2 ** generator.uniform(0, 7)))


def _delete(data: bytearray, generator: np.random.Generator) -> None:
    place = int(generator.integers(len(data) - 1))
    del data[place : place + int(2 ** generator.uniform(0, 7))]


def _repeat(data: bytearray, generator: np.random.Generator) -> None:
    place = int(generator.integers(len(data)))
    data[place:place] = data[place : place + int(2 ** generator.uniform(2, 10))]


def _elements(data: bytes | bytearray) -> list[_Element]:
    """Walk over the elements of the top level; stops where there is no more sense."""
    found: list[_Element] = []
    place, order, explicit = 132, "<", True
    syntax = b""
    while place + 8 <= len(data):
        meta = struct.unpack_from("<H", data, place)[0] == 2
        if not meta:
            order = ">" if syntax == ExplicitVRBigEndian.encode() else "<"
            explicit = syntax != ImplicitVRLittleEndian.encode()
        tag = struct.unpack_from(f"{order}HH", data, place)
        vr = bytes(data[place + 4 : place + 6])
        if explicit and vr not in _LONG_VRS:
            length_at, length_format, value = place + 6, f"{order}H", place + 8
        elif explicit:
            length_at, length_format, value = place + 8, f"{order}I", place + 12
        else:
            length_at, length_format, value = place + 4, f"{order}I", place + 8
        if value > len(data):
            break
        length = struct.unpack_from(length_format, data, length_at)[0]
        found.append(_Element((tag[0], tag[1]), place, length_at, length_format, value, length))
        if tag == (0x0002, 0x0010):
            syntax = bytes(data[value : value + length]).rstrip(b"\0 ")
        if length == _UNDEFINED:
            break
        place = value + length
    return found


def _some_element(data: bytearray, generator: np.random.Generator) -> _Element | None:
    elements = _elements(data)
    return elements[int(generator.integers(len(elements)))] if elements else None


def _lie_about_length(data: bytearray, generator: np.random.Generator) -> None:
    element = _some_element(data, generator)
    if element is None:
        return
    top = (1 << 8 * struct.calcsize(element.length_format)) - 1
    near = [element.length + step for step in (-2, -1, 1, 2, 4)]
    length = int(generator.choice([*_NASTY_LENGTHS, *(max(step, 0) for step in near)]))
    struct.pack_into(element.length_format, data, element.length_at, min(length, top))


def _change_vr(data: bytearray, generator: np.random.Generator) -> None:
    if element := _some_element(data, generator):
        known = (*_LONG_VRS, b"US", b"SS", b"DS", b"IS", b"UI", b"LO", b"AT", b"FD", b"ZZ", b"\0\0")
        data[element.start + 4 : element.start + 6] = known[int(generator.integers(len(known)))]


def _change_tag(data: bytearray, generator: np.random.Generator) -> None:
    element, other = _some_element(data, generator), _some_element(data, generator)
    if element is None or other is None:
        return
    tag = bytes(data[other.start : other.start + 4])
    if generator.random() < 0.5:
        tag = generator.bytes(4)
    data[element.start : element.start + 4] = tag


def _lie_in_word(data: bytearray, generator: np.random.Generator) -> str | None:
    fields = [element for element in _elements(data) if element.tag in _US_FIELDS]
    if not fields:
        return None
    element = fields[int(generator.integers(len(fields)))]
    if element.value + 2 > len(data):
        return None
    struct.pack_into(
        f"{element.length_format[0]}H", data, element.value, int(generator.choice(_NASTY_WORDS))
    )
    return _US_FIELDS[element.tag]


def _lie_in_text(data: bytearray, generator: np.random.Generator) -> str | None:
    fields = [element for element in _elements(data) if element.tag in _TEXT_FIELDS]
    if not fields:
        return None
    element = fields[int(generator.integers(len(fields)))]
    text = _NASTY_TEXTS[int(generator.integers(len(_NASTY_TEXTS)))]
    text += b" " * (len(text) % 2)
    data[element.value : element.value + element.length] = text
    struct.pack_into(element.length_format, data, element.length_at, len(text))
    return _TEXT_FIELDS[element.tag]


def _another_coding(data: bytearray, generator: np.random.Generator) -> None:
    for element in _elements(data):
        if element.tag == (0x0002, 0x0010):
            last = ("", ".1", ".2", ".5", *(f".4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91)))
            uid = f"1.2.840.10008.1.2{last[int(generator.integers(len(last)))]}".encode()
            uid += b"\0" * (len(uid) % 2)
            data[element.value : element.value + element.length] = uid
            struct.pack_into(element.length_format, data, element.length_at, len(uid))
            return


def _lie_about_fragments(data: bytearray, generator: np.random.Generator) -> None:
    items = [place for place in range(132, len(data) - 8) if data[place : place + 4] == _ITEM]
    pixels = next((e.value for e in _elements(data) if e.tag == _PIXEL_DATA), 0)
    items = [place for place in items if place >= pixels]
    if not items or not pixels:
        return
    if generator.random() < 0.5:
        place = items[int(generator.integers(len(items)))]
        length = int(generator.choice(_NASTY_LENGTHS))
        struct.pack_into("<I", data, place + 4, length)
    else:
        # An offset table where there was none, or another one.
        n_entries = int(generator.integers(1, 4))
        old = min(struct.unpack_from("<I", data, items[0] + 4)[0], 64)
        struct.pack_into("<I", data, items[0] + 4, 4 * n_entries)
        entries = generator.choice(_NASTY_LENGTHS, n_entries).astype("<u4").tobytes()
        data[items[0] + 8 : items[0] + 8 + old] = entries


_ITEM = b"\xfe\xff\x00\xe0"


def _lie_in_codestream(data: bytearray, generator: np.random.Generator) -> None:
    pixels = next((e.value for e in _elements(data) if e.tag == _PIXEL_DATA), 0)
    starts = [data.find(mark, pixels) for mark in _CODESTREAM_STARTS]
    start = max(starts) if pixels else -1
    if start < 0:  # raw or run-length coded: where a run-length header would be
        start = pixels
    place = start + int(generator.integers(_CODESTREAM_HEADER_BYTES))
    if place + 4 > len(data):
        return
    if generator.random() < 0.5:
        data[place] = int(generator.choice([0, 1, 2, 8, 16, 17, 64, 127, 128, 255]))
    else:
        struct.pack_into(">I", data, place, int(generator.choice(_NASTY_LENGTHS)))


def _lie_in_nifti(data: bytearray, generator: np.random.Generator) -> str | None:
    fields: dict[str, list[tuple[int, str]]] = {
        "dim": [(40 + 2 * axis, "<h") for axis in range(8)],
        "type": [(70, "<h"), (72, "<h")],
        "offset": [(108, "<f")],
        "scale": [(112, "<f"), (116, "<f")],
        "codes": [(252, "<h"), (254, "<h")],
        "affine": [(place, "<f") for place in (*range(76, 108, 4), *range(256, 328, 4))],
        "magic": [(0, "<i"), (344, "<i")],
    }
    if len(data) > 544 and data[:2] == b"\x1c\x02":
        fields = {
            "dim": [(16 + 8 * axis, "<q") for axis in range(8)],
            "type": [(12, "<h"), (14, "<h")],
            "offset": [(168, "<q")],
            "scale": [(176, "<d"), (184, "<d")],
            "codes": [(344, "<i"), (348, "<i")],
            "affine": [(place, "<d") for place in range(352, 496, 8)],
            "magic": [(0, "<i"), (4, "<i")],
        }
    name = str(generator.choice(list(fields)))
    place, kind = fields[name][int(generator.integers(len(fields[name])))]
    if place + struct.calcsize(kind) > len(data):
        return None
    types = (2, 4, 8, 16, 32, 64, 128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2304)
    if kind[1] in "fd":
        struct.pack_into(kind, data, place, float(generator.choice(_NASTY_FLOATS)))
    else:
        top = (1 << 8 * struct.calcsize(kind) - 1) - 1
        words = types if name == "type" else (*_NASTY_WORDS, -1, -32768, top)
        struct.pack_into(kind, data, place, min(int(generator.choice(words)), top))
    return name


_ANY_DAMAGE: dict[str, Damage] = {
    "bits flipped": _flip_bits,
    "bits flipped early": _flip_early_bits,
    "run overwritten": _overwrite,
    "truncated": _truncate,
    "inserted": _insert,
    "deleted": _delete,
    "repeated": _repeat,
}
_DICOM_DAMAGE: dict[str, Damage] = {
    **_ANY_DAMAGE,
    "length": _lie_about_length,
    "VR": _change_vr,
    "tag": _change_tag,
    "word": _lie_in_word,
    "other word": _lie_in_word,
    "text": _lie_in_text,
    "coding": _another_coding,
    "fragments": _lie_about_fragments,
    "codestream": _lie_in_codestream,
    "codestream again": _lie_in_codestream,
}
_NIFTI_DAMAGE: dict[str, Damage] = {
    **_ANY_DAMAGE,
    **{f"header {number}": _lie_in_nifti for number in range(7)},
}
