"""Pictures of a finished directory: any stage writes them, and needs to know of no tracker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from examwise.core.digests import readable_json
from examwise.core.errors import InputError, SchemaError
from examwise.core.schemas.pictures import (
    PICTURE_FOLDER,
    PICTURE_NAME,
    PICTURES,
    PNG_SIGNATURE,
)
from examwise.core.storage import Storage


@dataclass(frozen=True)
class Picture:
    """A picture and what it shows.

    Attributes:
        name: File name without its ending: pseudonyms and plain words.
        png: The file.
        caption: One line for people, with pseudonyms only.
    """

    name: str
    png: bytes
    caption: str = ""


def write_pictures(
    storage: Storage, pictures: Sequence[Picture], *, run_id: str | None = None
) -> None:
    r"""Write pictures, and last the list of them.

    Args:
        storage: The directory.
        pictures: In the order in which to show them.
        run_id: The run that they are about, so that trackers put them with it.

    Raises:
        SchemaError: On a name that is no plain word or comes twice, or bytes that are no PNG.

    Example:
        >>> storage = Storage("memory://pictures-example")
        >>> write_pictures(storage, [Picture("a", b"\x89PNG\r\n\x1a\n", "An exam.")])
        >>> [picture.caption for picture in read_pictures(storage)[1]]
        ['An exam.']
    """
    names = [picture.name for picture in pictures]
    if len(set(names)) < len(names):
        raise SchemaError(where=PICTURES, expected="names of their own", got="one name twice")
    for picture in pictures:
        _require_name(picture.name, where=PICTURES)
        _require_png(picture.png, where=f"{PICTURE_FOLDER}/{picture.name}.png")
    for picture in pictures:
        storage.write(f"{PICTURE_FOLDER}/{picture.name}.png", picture.png)
    listed = [{"name": picture.name, "caption": picture.caption} for picture in pictures]
    storage.write(PICTURES, readable_json({"run_id": run_id, "pictures": listed}))


def read_pictures(storage: Storage) -> tuple[str | None, Iterator[Picture]]:
    """Return whose pictures a directory offers, and these, one read at a time; none without a list.

    Raises:
        SchemaError: If the list is broken, or, on the way, a file is no PNG.
        InputError: On the way, if a listed file is not there.
    """
    if not storage.exists(PICTURES):
        return None, iter(())
    where = f"{storage.url}/{PICTURES}"
    try:
        found = json.loads(storage.read(PICTURES))
        run_id = found["run_id"]
        listed = [(str(one["name"]), str(one["caption"])) for one in found["pictures"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(
            where=where,
            expected='JSON with "run_id" and "pictures", each with "name" and "caption"',
            got=f"{type(error).__name__}: {error}",
        ) from error
    for name, _ in listed:
        _require_name(name, where=where)
    return None if run_id is None else str(run_id), _read(storage, listed)


def _read(storage: Storage, listed: Sequence[tuple[str, str]]) -> Iterator[Picture]:
    for name, caption in listed:
        key = f"{PICTURE_FOLDER}/{name}.png"
        where = f"{storage.url}/{key}"
        try:
            png = storage.read(key)
        except FileNotFoundError:
            raise InputError(
                where=where, expected="a picture, as listed", got="none", remedy="make it again"
            ) from None
        _require_png(png, where=where)
        yield Picture(name, png, caption)


def _require_name(name: str, *, where: str) -> None:
    if not PICTURE_NAME.fullmatch(name):
        raise SchemaError(
            where=where,
            expected="names of pictures of letters, digits, '_', '-' and '.'",
            got="another name",
        )


def _require_png(data: bytes, *, where: str) -> None:
    if not data.startswith(PNG_SIGNATURE):
        raise SchemaError(where=where, expected="a PNG file", got="another kind of file")
