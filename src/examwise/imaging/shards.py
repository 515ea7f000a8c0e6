"""An exam's pixels or mask as one Zarr v3 shard: written by zarr, read slice by slice without it.

One array an exam (int16 HU, or uint8 mask), of shape (slices, rows, columns); chunk = one slice,
shard = the exam; codecs ``bytes`` (little-endian), ``blosc`` (zstd, shuffle), ``crc32c``. A slice
is one ranged read at an offset that the store's tables hold, and one codec call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
_ARRAY = "exam"
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


def encode_mask(mask: npt.NDArray[np.uint8], findings: Sequence[str]) -> CodedExam:
    """Code an exam's mask.

    Args:
        mask: Bits of findings, uint8, shape (slices, rows, columns).
        findings: What the bits mean, the lowest first.

    Example:
        >>> len(encode_mask(np.zeros((2, 8, 8), np.uint8), ["any"]).lengths)
        2
    """
    if mask.dtype != np.uint8 or mask.ndim != 3:
        raise ValueError(f"expected uint8 (slices, rows, columns), got {mask.dtype}")
    return _encode(mask, {"bits": list(findings)})


def _encode(array_of_slices: npt.NDArray[Any], attributes: dict[str, Any]) -> CodedExam:
    n_slices, rows, columns = array_of_slices.shape
    objects: dict[str, zarr.core.buffer.Buffer] = {}
    array = zarr.create_array(
        zarr.storage.MemoryStore(objects),
        name=_ARRAY,
        shape=array_of_slices.shape,
        dtype=array_of_slices.dtype.name,
        shards=array_of_slices.shape,
        chunks=(1, rows, columns),
        serializer=zarr.codecs.BytesCodec(endian="little"),
        compressors=[
            zarr.codecs.BloscCodec(
                cname="zstd",
                clevel=1,
                shuffle="shuffle",
                typesize=array_of_slices.dtype.itemsize,
            ),
            zarr.codecs.Crc32cCodec(),
        ],
        fill_value=0,
        config={"write_empty_chunks": True},
        dimension_names=("slice", "row", "column"),
        attributes=attributes,
    )
    array[:] = array_of_slices
    metadata = objects[f"{_ARRAY}/zarr.json"].to_bytes()
    shard = objects[f"{_ARRAY}/c/0/0/0"].to_bytes()
    index = np.frombuffer(_index_bytes(shard, n_slices), _INDEX_ENTRY)
    offsets = index["offset"].astype(np.int64)
    lengths = index["length"].astype(np.int64)
    checksums = np.array(
        [
            int.from_bytes(shard[end - _CHECKSUM_BYTES : end], "little")
            for end in (offsets + lengths).tolist()
        ],
        np.uint32,
    )
    return CodedExam(metadata, shard, offsets, lengths, checksums)


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
    body = data[:-_CHECKSUM_BYTES]
    if crc32c(body) != checksum:
        raise IntegrityError(
            where=where,
            expected=f"bytes with CRC-32C {checksum:08x}",
            got=f"{len(data)} bytes with {crc32c(body):08x}",
            remedy=_RESTORE,
        )
    return np.frombuffer(blosc.decompress(body), "<i2").reshape(rows, columns)
