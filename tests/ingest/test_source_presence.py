from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.ingest.source_presence import require_source

LOST = "changed_while_read"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a").write_bytes(b"")
    return tmp_path / "source"


def test_few_of_many_may_go(source: Path) -> None:
    require_source(source, [], n_files=0)
    require_source(source, ["damaged"] * 4, n_files=4)
    require_source(source, [LOST], n_files=1)
    require_source(source, [LOST, LOST, "damaged"], n_files=4)


@pytest.mark.parametrize("n_files", [2, 3])
def test_most_may_not(source: Path, n_files: int) -> None:
    with pytest.raises(InputError, match=f"2 of {n_files} that are gone .* goes on where it was"):
        require_source(source, [LOST, LOST], n_files=n_files)


def test_the_place_of_an_unmounted_disk_is_empty_or_gone(source: Path) -> None:
    (source / "a").unlink()
    with pytest.raises(InputError, match="mounted"):
        require_source(source, [LOST], n_files=10)
    source.rmdir()
    with pytest.raises(InputError, match="mounted"):
        require_source(source, [LOST], n_files=10)
