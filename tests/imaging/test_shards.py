from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numcodecs import blosc

from examwise.core.digests import crc32c
from examwise.core.errors import IntegrityError
from examwise.imaging.shards import decode_slice, encode_exam, encode_mask

PIXELS = hnp.arrays(np.int16, st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)))


def decode(coded, index: int, shape: tuple[int, ...]) -> np.ndarray:
    start, length = int(coded.offsets[index]), int(coded.lengths[index])
    return decode_slice(
        coded.shard[start : start + length],
        rows=shape[1],
        columns=shape[2],
        checksum=int(coded.checksums[index]),
        where="test",
    )


@given(PIXELS)
@settings(deadline=None, max_examples=30)
def test_every_slice_comes_back(pixels: np.ndarray) -> None:
    coded = encode_exam(pixels)
    for index in range(len(pixels)):
        np.testing.assert_array_equal(decode(coded, index, pixels.shape), pixels[index])


def test_zarr_reads_the_same(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(-1024, 3000, (4, 16, 16)).astype(np.int16)
    coded = encode_exam(pixels)
    (tmp_path / "c" / "0" / "0").mkdir(parents=True)
    (tmp_path / "zarr.json").write_bytes(coded.metadata)
    (tmp_path / "c" / "0" / "0" / "0").write_bytes(coded.shard)
    array = zarr.open_array(tmp_path, mode="r")
    np.testing.assert_array_equal(array[:], pixels)
    assert array.dtype == np.int16
    assert array.shards == (4, 16, 16)
    assert array.chunks == (1, 16, 16)


@given(
    hnp.arrays(
        st.sampled_from([np.dtype(np.int16), np.dtype(np.uint8)]),
        st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)),
    )
)
@settings(deadline=None, max_examples=30)
def test_zarr_writes_the_same_bytes(pixels: np.ndarray) -> None:
    coded = encode_exam(pixels) if pixels.dtype == np.int16 else encode_mask(pixels, ["any"])
    objects = {"zarr.json": zarr.core.buffer.cpu.Buffer.from_bytes(coded.metadata)}
    with zarr.config.set({"array.write_empty_chunks": True}):
        zarr.open_array(zarr.storage.MemoryStore(objects), mode="r+")[:] = pixels
    assert objects["c/0/0/0"].to_bytes() == coded.shard


def test_noise_is_stored_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(-(2**15), 2**15, (2, 64, 64)).astype(np.int16)
    coded = encode_exam(pixels)
    assert coded.lengths.min() > pixels[0].nbytes
    np.testing.assert_array_equal(decode(coded, 1, pixels.shape), pixels[1])


def test_strides_do_not_matter() -> None:
    pixels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    other = np.asfortranarray(pixels)[::-1]
    assert encode_exam(other).shard == encode_exam(pixels[::-1].copy()).shard


def test_slices_coded_in_smaller_blocks_are_read() -> None:
    # Stores written before slices were coded in one block each.
    pixels = np.random.default_rng(0).integers(-1024, 3000, (64, 512)).astype(np.int16)
    body = blosc.compress(pixels, b"zstd", 1, blosc.SHUFFLE, 4096, 2)
    data = body + crc32c(body).to_bytes(4, "little")
    found = decode_slice(data, rows=64, columns=512, checksum=crc32c(body), where="test")
    np.testing.assert_array_equal(found, pixels)


def test_same_pixels_give_the_same_bytes() -> None:
    pixels = np.zeros((3, 8, 8), np.int16)
    one, other = encode_exam(pixels), encode_exam(pixels.copy())
    assert one.shard == other.shard
    assert one.metadata == other.metadata


def test_checksums_are_of_the_bytes_before_them() -> None:
    coded = encode_exam(np.arange(128, dtype=np.int16).reshape(2, 8, 8))
    for offset, length, checksum in zip(coded.offsets, coded.lengths, coded.checksums, strict=True):
        assert crc32c(coded.shard[offset : offset + length - 4]) == checksum


def test_a_changed_bit_is_found() -> None:
    pixels = np.arange(64, dtype=np.int16).reshape(1, 8, 8)
    coded = encode_exam(pixels)
    data = bytearray(coded.shard[: int(coded.lengths[0])])
    data[5] ^= 1
    with pytest.raises(IntegrityError, match="restore it"):
        decode_slice(bytes(data), rows=8, columns=8, checksum=int(coded.checksums[0]), where="test")
    with pytest.raises(IntegrityError):
        decode_slice(b"", rows=8, columns=8, checksum=int(coded.checksums[0]), where="test")


@pytest.mark.parametrize("pixels", [np.zeros((2, 4, 4), np.int32), np.zeros((4, 4), np.int16)])
def test_other_arrays_are_a_fault(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="int16"):
        encode_exam(pixels)


def test_exams_are_coded_within_a_running_event_loop() -> None:
    async def code() -> bytes:
        return encode_exam(np.zeros((2, 8, 8), np.int16)).shard

    assert asyncio.run(code()) == encode_exam(np.zeros((2, 8, 8), np.int16)).shard
