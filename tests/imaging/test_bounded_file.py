from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from examwise.imaging.bounded_file import BoundedFile, unchanged
from examwise.imaging.reasons import ImageRefused


def rewritten(path: Path) -> None:
    path.write_bytes(b"other content")


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shorter(path: Path) -> None:
    os.truncate(path, 2)


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def removed(path: Path) -> None:
    path.unlink()


CHANGES = [rewritten, longer, shorter, replaced, removed]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(b"content")
    return tmp_path / "a"


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_refused(
    path: Path, change: Callable[[Path], None]
) -> None:
    with pytest.raises(ImageRefused) as refused, BoundedFile(path):
        change(path)
    assert refused.value.reason == "changed_while_read"
    path.write_bytes(b"content")
    with pytest.raises(ImageRefused) as refused, unchanged(path):
        change(path)
    assert refused.value.reason == "changed_while_read"


def shortened_and_then(path: Path, error: type[BaseException]) -> None:
    shorter(path)
    raise error


@pytest.mark.parametrize("error", [ValueError, EOFError])
def test_what_else_went_wrong_comes_from_the_change(path: Path, error: type[BaseException]) -> None:
    with pytest.raises(ImageRefused, match="changed"), unchanged(path):
        shortened_and_then(path, error)
    path.write_bytes(b"content")
    with pytest.raises(ImageRefused, match="changed"), BoundedFile(path):
        shortened_and_then(path, error)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_not_about_the_file_stays_what_it_is(
    path: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), unchanged(path):
        shortened_and_then(path, error)
    with pytest.raises(ValueError, match="wrong"), BoundedFile(path):
        raise ValueError("wrong")


def test_a_file_that_stays_is_read(path: Path) -> None:
    with unchanged(path), BoundedFile(path) as file:
        assert file.read() == b"content"
        assert file.seek(2) == file.tell() == 2
        assert file.read(1 << 60) == b"ntent"
