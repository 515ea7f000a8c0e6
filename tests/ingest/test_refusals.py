from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.schemas.manifest import SCHEMA_VERSIONS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.ingest.refusals import require_places


def require(source: Path, store: Path, identity: Path) -> None:
    source.mkdir(exist_ok=True)
    require_places(source, Storage(store), Identity(identity), SerialExecutor())


@pytest.mark.parametrize("kind", SCHEMA_VERSIONS)
def test_a_key_may_lie_in_no_directory_but_a_studys(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    Stage.begin(str(place), kind=kind, configuration={}, inputs={}, seed=None)
    places = (tmp_path / "source", tmp_path / "store", place / "private" / "identity")
    if kind == "study":
        require(*places)
        return
    with pytest.raises(InputError, match=f"got a folder within one of kind {kind}"):
        require(*places)
    (tmp_path / "link").symlink_to(place)
    with pytest.raises(InputError, match="must never travel"):
        require(tmp_path / "source", tmp_path / "store", tmp_path / "link")


def test_a_key_may_not_lie_in_the_store_that_is_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="within one of kind exam-store"):
        require(tmp_path / "source", tmp_path / "store", tmp_path / "store" / "identity")
    require(tmp_path / "source", tmp_path / "store", tmp_path / "store-identity")
