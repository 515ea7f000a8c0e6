"""An exam's pixels or mask as one Zarr v3 shard, written and read slice by slice without zarr.

One array an exam (int16 HU, or uint8 mask), of shape (slices, rows, columns); chunk = one slice,
shard = the exam; codecs ``bytes`` (little-endian), ``blosc`` (zstd, shuffle), ``crc32c``. A slice
is one ranged read at an offset that the store's tables hold, and one codec call. The array's
metadata come from zarr; the shard's bytes are those that zarr would write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import zarr
import zarr.codecs
import zarr.storage
from numcodecs import blosc

from examwise.core.digests import crc32c
from examwise.core.errors import IntegrityError

_INDEX_ENTRY = np.dtype([("offset", "<u8"), ("length", "<u8")])
_CHECKSUM_BYTES = 4
# Where blosc's header says how many bytes were coded.
_DECODED_BYTES = slice(4, 8)
_ARRAY = "exam"
# Level 1 in one block a slice takes .6 of the time of blosc's own smaller blocks, to write and to
# read, for the same size; higher levels cost several times the writing for a few per cent, and
# bit-shuffling gains little (docs/benchmarks.md). A single block is also coded by one thread
# wherever that happens, so bytes never depend on threads.
_COMPRESSOR: Literal["zstd"] = "zstd"
_LEVEL = 1
_RESTORE = "the store is damaged here: restore it, or ingest the archive again"


@dataclass(frozen=True)
class CodedExam:
    """A coded exam.

    Attributes:
        metadata: The array's ``zarr.json``.
        shard: The array's only shard, ``c/0/0/0``.
        offsets: First byte of each slice in the shard, int64, shape (slices,).
        lengths: Bytes of each slice, checksum included, int64, shape (slices,).
        checksums: CRC-32C of each slice's bytes before the checksum, uint32, shape (slices,).
    """

    metadata: bytes
    shard: bytes
    offsets: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    checksums: npt.NDArray[np.uint32]


def encode_exam(pixels_hu: npt.NDArray[np.int16]) -> CodedExam:
    """Code an exam's pixels.

    Args:
        pixels_hu: HU, int16, shape (slices, rows, columns).

    Example:
        >>> coded = encode_exam(np.zeros((2, 8, 8), np.int16))
        >>> int(coded.offsets[0]), len(coded.lengths)
        (0, 2)
    """
    if pixels_hu.dtype != np.int16 or pixels_hu.ndim != 3:
        raise ValueError(f"expected int16 (slices, rows, columns), got {pixels_hu.dtype}")
    return _encode(pixels_hu, {"unit": "HU"})


def encode_mask(
    mask: npt.NDArray[np.uint8], findings: Sequence[str], drawn: Sequence[int] | None = None
) -> CodedExam:
    """Code an exam's mask.

    Args:
        mask: Bits of findings, uint8, shape (slices, rows, columns).
        findings: What the bits mean, the lowest first.
        drawn: The slices that were drawn on; None if all were.

    Example:
        >>> len(encode_mask(np.zeros((2, 8, 8), np.uint8), ["any"]).lengths)
        2
    """
    if mask.dtype != np.uint8 or mask.ndim != 3:
        raise ValueError(f"expected uint8 (slices, rows, columns), got {mask.dtype}")
    attributes: dict[str, Any] = {"bits": list(findings)}
    if drawn is not None:
        attributes["drawn_slices"] = list(drawn)
    return _encode(mask, attributes)


def _encode(array_of_slices: npt.NDArray[Any], attributes: dict[str, Any]) -> CodedExam:
    slices = np.ascontiguousarray(array_of_slices, array_of_slices.dtype.newbyteorder("<"))
    chunks: list[bytes] = []
    checksums: list[int] = []
    for one in slices:
        body = blosc.compress(
            one, _COMPRESSOR.encode(), _LEVEL, blosc.SHUFFLE, one.nbytes, typesize=one.itemsize
        )
        checksums.append(crc32c(body))
        chunks += [body, checksums[-1].to_bytes(_CHECKSUM_BYTES, "little")]
    index = np.zeros(len(slices), _INDEX_ENTRY)
    index["length"] = [len(body) + _CHECKSUM_BYTES for body in chunks[::2]]
    index["offset"] = np.cumsum(index["length"]) - index["length"]
    index_bytes = index.tobytes()
    chunks += [index_bytes, crc32c(index_bytes).to_bytes(_CHECKSUM_BYTES, "little")]
    return CodedExam(
        _metadata(slices.shape, array_of_slices.dtype.name, json.dumps(attributes)),
        b"".join(chunks),
        index["offset"].astype(np.int64),
        index["length"].astype(np.int64),
        np.array(checksums, np.uint32),
    )


@lru_cache(maxsize=128)
def _metadata(shape: tuple[int, int, int], dtype: str, attributes: str) -> bytes:
    """Return the ``zarr.json`` of an array; exams of one shape have the same."""
    objects: dict[str, zarr.core.buffer.Buffer] = {}
    itemsize = np.dtype(dtype).itemsize
    zarr.create_array(
        zarr.storage.MemoryStore(objects),
        name=_ARRAY,
        shape=shape,
        dtype=dtype,
        shards=shape,
        chunks=(1, *shape[1:]),
        serializer=zarr.codecs.BytesCodec(endian="little"),
        compressors=[
            zarr.codecs.BloscCodec(
                cname=_COMPRESSOR,
                clevel=_LEVEL,
                shuffle="shuffle",
                blocksize=shape[1] * shape[2] * itemsize,
                typesize=itemsize,
            ),
            zarr.codecs.Crc32cCodec(),
        ],
        fill_value=0,
        config={"write_empty_chunks": True},
        dimension_names=("slice", "row", "column"),
        attributes=json.loads(attributes),
    )
    return objects[f"{_ARRAY}/zarr.json"].to_bytes()


def decode_mask(shard: bytes, *, shape: tuple[int, int, int], where: str) -> npt.NDArray[np.uint8]:
    """Decode a whole mask from its shard, by the shard's own index.

    Args:
        shard: The shard's bytes.
        shape: Slices, rows and columns.
        where: How to name the mask in messages.

    Returns:
        Bits of findings, uint8, shape (slices, rows, columns).

    Raises:
        IntegrityError: If the bytes are not those once written.

    Example:
        >>> mask = np.eye(3, dtype=np.uint8)[None]
        >>> coded = encode_mask(mask, ["any"])
        >>> bool((decode_mask(coded.shard, shape=(1, 3, 3), where="") == mask).all())
        True
    """
    n_slices, rows, columns = shape
    index_bytes = _index_bytes(shard, n_slices)
    _require_checksum(index_bytes, shard[-_CHECKSUM_BYTES:], where)
    mask = np.empty(shape, np.uint8)
    for target, (offset, length) in zip(
        mask, np.frombuffer(index_bytes, _INDEX_ENTRY).tolist(), strict=True
    ):
        body_end = offset + length - _CHECKSUM_BYTES
        body = shard[offset:body_end]
        _require_checksum(body, shard[body_end : offset + length], where)
        target[:] = np.frombuffer(blosc.decompress(body), np.uint8).reshape(rows, columns)
    return mask


def _index_bytes(shard: bytes, n_slices: int) -> bytes:
    return shard[-_CHECKSUM_BYTES - n_slices * _INDEX_ENTRY.itemsize : -_CHECKSUM_BYTES]


def _require_checksum(body: bytes, stored: bytes, where: str) -> None:
    if crc32c(body) != int.from_bytes(stored, "little") or not stored:
        raise IntegrityError(
            where=where,
            expected="the bytes once written",
            got="others, by their CRC-32C",
            remedy=_RESTORE,
        )


def decode_slice(
    data: bytes, *, rows: int, columns: int, checksum: int, where: str
) -> npt.NDArray[np.int16]:
    """Decode one slice from its bytes in the shard.

    Args:
        data: The slice's bytes, checksum included.
        rows: Rows of the matrix.
        columns: Columns of the matrix.
        checksum: CRC-32C that the store's tables hold.
        where: How to name the slice in messages.

    Returns:
        HU, int16, shape (rows, columns).

    Raises:
        IntegrityError: If the bytes are not those once written.
    """
    target = np.empty((rows, columns), np.int16)
    decode_slice_into(target, data, checksum=checksum, where=where)
    return target


def decode_slice_into(
    target: npt.NDArray[np.int16], data: bytes, *, checksum: int, where: str
) -> None:
    """Decode one slice as :func:`decode_slice` does, into memory that is there already.

    Args:
        target: Where HU go, int16, contiguous, shape (rows, columns).
        data: The slice's bytes, checksum included.
        checksum: CRC-32C that the store's tables hold.
        where: How to name the slice in messages.

    Raises:
        IntegrityError: If the bytes are not those once written, or not of a slice of this shape.
    """
    body = data[:-_CHECKSUM_BYTES]
    if (found := crc32c(body)) != checksum:
        raise IntegrityError(
            where=where,
            expected=f"bytes with CRC-32C {checksum:08x}",
            got=f"{len(data)} bytes with {found:08x}",
            remedy=_RESTORE,
        )
    n_bytes = int.from_bytes(body[_DECODED_BYTES], "little")
    if n_bytes != target.nbytes:
        raise IntegrityError(
            where=where,
            expected=f"a slice of shape {target.shape}",
            got=f"{n_bytes} bytes, {target.nbytes} expected",
            remedy=_RESTORE,
        )
    blosc.decompress(body, target)
    if sys.byteorder == "big":
        target.byteswap(inplace=True)
