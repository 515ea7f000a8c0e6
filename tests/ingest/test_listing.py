from __future__ import annotations

import os
from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.ingest.listing import LINKED, OUTSIDE, list_files


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_sorted_and_without_hidden_files(tmp_path: Path) -> None:
    make(tmp_path, "b/2", "b/1", "a", ".hidden", ".git/x", "labels.csv")
    listing = list_files(tmp_path, without=(tmp_path / "b" / ".." / "labels.csv",))
    assert listing.paths == ("a", "b/1", "b/2")
    assert [*listing.sizes] == [1, 3, 3]


def test_one_folder_of_the_source(tmp_path: Path) -> None:
    make(tmp_path, "train/1", "test/1")
    assert list_files(tmp_path, folder="train").paths == ("train/1",)


def test_links_in_circles_end(tmp_path: Path) -> None:
    make(tmp_path, "a/1", "b/2")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "across").symlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to("c")
    assert list_files(tmp_path).paths == ("a/1", "b/2", "c")


def test_links_within_the_source_are_followed(tmp_path: Path) -> None:
    make(tmp_path, "real/b/1", "real/c/2")
    (tmp_path / "real" / "a").symlink_to("b")
    (tmp_path / "real" / "d").symlink_to(tmp_path / "real" / "c" / "2")
    (tmp_path / "source").symlink_to("real")
    listing = list_files(tmp_path / "source")
    assert (listing.paths, [*listing.sizes]) == (("a/1", "c/2", "d"), [8, 8, LINKED])


def test_links_out_of_the_source_are_listed_and_not_followed(tmp_path: Path) -> None:
    # The sibling's name begins like the source's.
    make(tmp_path, "source/own", "source2/1", "other/2")
    source = tmp_path / "source"
    (source / "folder").symlink_to(tmp_path / "source2")
    (source / "file").symlink_to(tmp_path / "other" / "2")
    (source / "gone").symlink_to("../nowhere")
    (source / "round").symlink_to("folder")
    (tmp_path / "other" / "back").symlink_to(source / "own")
    (source / "back").symlink_to(tmp_path / "other" / "back")
    listing = list_files(source)
    assert dict(zip(listing.paths, listing.sizes, strict=True)) == {
        **dict.fromkeys(("file", "folder", "gone", "round"), OUTSIDE),
        "back": LINKED,
        "own": len("source/own"),
    }


def test_a_link_to_a_file_that_is_not_listed_itself_is_a_file(tmp_path: Path) -> None:
    make(tmp_path, ".git/annex/objects/1", "b")
    (tmp_path / "a").symlink_to(".git/annex/objects/1")
    before = list_files(tmp_path)
    assert (before.paths, [*before.sizes]) == (("a", "b"), [20, 1])
    # Copied with its links followed, it is the same source.
    (tmp_path / "a").unlink()
    make(tmp_path, "a")
    (tmp_path / "a").write_text(".git/annex/objects/1")
    assert list_files(tmp_path).digest == before.digest


def test_what_is_no_regular_file_has_no_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listing = list_files(tmp_path)
    assert (listing.paths, [*listing.sizes]) == (("pipe",), [-1])


def test_digest_follows_names_and_sizes(tmp_path: Path) -> None:
    make(tmp_path, "a", "b")
    first = list_files(tmp_path).digest
    assert list_files(tmp_path).digest == first
    (tmp_path / "a").write_text("longer")
    second = list_files(tmp_path).digest
    (tmp_path / "a").rename(tmp_path / "c")
    assert len({first, second, list_files(tmp_path).digest}) == 3


def test_when_a_synthetic_archive_was_made_makes_no_other_archive(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"1")
    digests = []
    for text in ("started 1.5", "started 1.125"):
        (tmp_path / "provenance.json").write_text(text)
        digests.append(list_files(tmp_path).digest)
    assert digests[0] == digests[1]
    (tmp_path / "a.dcm").write_bytes(b"12")
    assert list_files(tmp_path).digest != digests[0]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.dcm")).write_text("x")
    assert len(list_files(tmp_path).digest) == 64


def test_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch) -> None:
    make(tmp_path, "a/1")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("examwise.ingest.listing.os.scandir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        list_files(tmp_path)


def test_same_names_and_sizes_with_other_content(tmp_path: Path) -> None:
    make(tmp_path, "one/1", "two/1", "copy/1")
    for name, content in (("one", "1"), ("two", "2"), ("copy", "1")):
        (tmp_path / name / "1").write_text(content)
    one, two, copy = (list_files(tmp_path / name).digest for name in ("one", "two", "copy"))
    assert one == copy
    assert one != two


def test_folder_that_cannot_be_listed_is_not_named(tmp_path: Path, monkeypatch) -> None:
    def refuse(folder: Path):
        if Path(folder).name == "Doe":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    make(tmp_path, "Doe/1", "a")
    scan = os.scandir
    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InputError, match="Permission denied for one of them") as caught:
        list_files(tmp_path)
    assert "Doe" not in str(caught.value)
