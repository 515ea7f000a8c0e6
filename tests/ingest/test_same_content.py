from __future__ import annotations

from pathlib import Path

from examwise.ingest.listing import list_files
from examwise.ingest.same_content import copies


def test_only_whole_copies_count_and_the_first_by_path_stays(tmp_path: Path) -> None:
    head = bytes(100_000) + b"head" + bytes(100_000)
    (tmp_path / "a").write_bytes(head)
    (tmp_path / "b").write_bytes(b"1" + head[1:])  # alike in the middle
    (tmp_path / "c").write_bytes(head)
    (tmp_path / "d").write_bytes(head[:-1])
    (tmp_path / "e").write_bytes(head)
    listing = list_files(tmp_path)
    assert sorted(copies(tmp_path, listing, range(5))) == [2, 4]
    assert copies(tmp_path, listing, [1, 2, 3]) == []


def test_files_that_are_gone_are_no_copies(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"head")
    listing = list_files(tmp_path)
    (tmp_path / "b").unlink()
    assert copies(tmp_path, listing, [0, 1]) == []
