from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from examwise.core.errors import InputError, IntegrityError
from examwise.core.storage import Storage
from examwise.imaging.store_soundness import require_sound

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "store_v1.zip"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that schema version 1 left."""
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(tmp_path / "store")
    return tmp_path / "store"


def test_a_whole_store(store) -> None:
    require_sound(Storage(store), older_schema=True)
    with pytest.raises(InputError, match=r"files\.parquet.*import_index"):
        require_sound(Storage(store))


@pytest.mark.parametrize("table", ["exams", "slices", "labels", "splits"])
def test_damaged_tables(store, table) -> None:
    path = store / f"{table}.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=rf"{table}\.parquet.*nothing has been changed"):
        require_sound(Storage(store), older_schema=True)


def test_lost_records(store) -> None:
    record = next(iter((store / "commits" / "exams").iterdir()))
    record.unlink()
    with pytest.raises(IntegrityError, match=r"commit record of every exam.*got none of 1"):
        require_sound(Storage(store), older_schema=True)
    require_sound(Storage(store), older_schema=True, removed=[record.stem])
