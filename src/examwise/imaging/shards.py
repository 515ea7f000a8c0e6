"""An exam's pixels as one Zarr v3 shard: written by zarr, read slice by slice without it.

One int16 HU array an exam, of shape (slices, rows, columns); chunk = one slice, shard = the exam;
codecs ``bytes`` (little-endian), ``blosc`` (zstd, shuffle), ``crc32c``. A slice is one ranged
read at an offset that the store's tables hold, and one codec call.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    n_slices, rows, columns = pixels_hu.shape
    objects: dict[str, zarr.core.buffer.Buffer] = {}
    array = zarr.create_array(
        zarr.storage.MemoryStore(objects),
        name=_ARRAY,
        shape=pixels_hu.shape,
        dtype="int16",
        shards=pixels_hu.shape,
        chunks=(1, rows, columns),
        serializer=zarr.codecs.BytesCodec(endian="little"),
        compressors=[
            zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="shuffle", typesize=2),
            zarr.codecs.Crc32cCodec(),
        ],
        fill_value=0,
        config={"write_empty_chunks": True},
        dimension_names=("slice", "row", "column"),
        attributes={"unit": "HU"},
    )
    array[:] = pixels_hu
    metadata = objects[f"{_ARRAY}/zarr.json"].to_bytes()
    shard = objects[f"{_ARRAY}/c/0/0/0"].to_bytes()
    index = np.frombuffer(
        shard[-_CHECKSUM_BYTES - n_slices * _INDEX_ENTRY.itemsize : -_CHECKSUM_BYTES],
        _INDEX_ENTRY,
    )
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
            remedy="the store is damaged here: restore it, or ingest the archive again",
        )
    return np.frombuffer(blosc.decompress(body), "<i2").reshape(rows, columns)
