from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from examwise.core.digests import crc32c
from examwise.core.errors import IntegrityError
from examwise.imaging.shards import decode_slice, encode_exam

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
