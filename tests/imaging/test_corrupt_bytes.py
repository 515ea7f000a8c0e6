"""Whatever byte of an exam's pixels changes in a store, reading it says so, by exam and slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import IntegrityError
from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.core.schemas.store import PIXELS, shard_key
from examwise.imaging.store_check import check_store
from examwise.imaging.stored_exams import StoredExams

EXAM = "e0001"
N_SLICES = 4


class Store:
    """A store of two exams whose bytes can be changed and put back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.exams = StoredExams(url)
        self.shard = Path(url) / shard_key(EXAM)
        self.metadata = Path(url) / PIXELS / EXAM / "zarr.json"
        row = self.exams.slices.filter(self.exams.slices["exam_id"] == EXAM)
        self.stops = np.cumsum(row["length"].to_numpy())
        self.pixels = self.exams.read_slices(EXAM)

    def slice_at(self, place: int) -> int:
        """Return the slice whose bytes a place of the shard is among; N_SLICES for the index."""
        return int(np.searchsorted(self.stops, place, side="right"))


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("corrupt") / "store"
    return Store(make_store(folder, n_exams=2, n_slices=N_SLICES - 1, matrix=16))


def changed(path: Path, place: int, bits: int) -> bytes:
    """Change a byte; return what the file held."""
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + bytes([whole[place] ^ bits]) + whole[place + 1 :])
    return whole


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_any_byte_of_a_shard(store: Store, data: st.DataObject) -> None:
    region = data.draw(st.integers(0, N_SLICES), label="slice, or index")
    edges = [0, *store.stops.tolist(), store.shard.stat().st_size]
    place = data.draw(st.integers(edges[region], edges[region + 1] - 1), label="place")
    whole = changed(store.shard, place, data.draw(st.integers(1, 255), label="bits"))
    try:
        for number in range(N_SLICES):
            # The four bytes behind a slice are Zarr's own checksum; ours lies in slices.parquet.
            if number != region or place >= edges[region + 1] - 4:
                read = store.exams.read_slices(EXAM, [number])
                np.testing.assert_array_equal(read[0], store.pixels[number])
                continue
            with pytest.raises(IntegrityError, match=rf"{EXAM}.*slice {number}\b"):
                store.exams.read_slices(EXAM, [number])
            with pytest.raises(IntegrityError, match=rf"{EXAM}.*slice {number}\b"):
                store.exams.read_slices(EXAM)
        faults = verified(store)
    finally:
        store.shard.write_bytes(whole)
    assert ("object", EXAM) in faults
    assert {exam_id for _, exam_id in faults} == {EXAM}


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(deadline=None, max_examples=10)
def test_any_byte_of_the_metadata(store: Store, place: int, bits: int) -> None:
    whole = changed(store.metadata, place % store.metadata.stat().st_size, bits)
    try:
        faults = verified(store)
    finally:
        store.metadata.write_bytes(whole)
    assert ("object", EXAM) in faults


def verified(store: Store) -> set[tuple[str, str | None]]:
    check = check_store(store.url, executor=make_executor(1), progress=SilentProgress())
    return {(fault.code, fault.exam_id) for fault in check.faults if fault.exam_id}
