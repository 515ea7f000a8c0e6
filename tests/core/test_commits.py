import json
import uuid

import pytest

from examwise.core.commits import CommitLog
from examwise.core.digests import crc32c
from examwise.core.errors import IntegrityError
from examwise.core.storage import Storage


@pytest.fixture(params=["local", "memory"])
def storage(request, tmp_path):
    return Storage(tmp_path if request.param == "local" else f"memory://{uuid.uuid4().hex}")


def test_record_holds_objects_and_payload(storage):
    log = CommitLog(storage)
    log.commit("exams/e1", objects={"data/e1": b"pixels"}, payload={"rows": [1]})
    record = log.read("exams/e1")
    assert record.objects == {"data/e1": (6, crc32c(b"pixels"))}
    assert record.payload == {"rows": [1]}
    assert storage.read("data/e1") == b"pixels"
    assert "exams/e1" in log
    assert "exams/e2" not in log
    assert [found.item for found in log] == ["exams/e1"]


def test_item_interrupted_before_its_record_does_not_exist(storage, monkeypatch):
    log = CommitLog(storage)
    write = Storage.write

    def stop_at_record(self, key, data):
        if key.startswith("commits/"):
            raise KeyboardInterrupt
        write(self, key, data)

    monkeypatch.setattr(Storage, "write", stop_at_record)
    with pytest.raises(KeyboardInterrupt):
        log.commit("e1", objects={"data/e1": b"1"}, payload={})
    monkeypatch.undo()
    assert storage.exists("data/e1")
    assert log.items() == []
    assert "e1" not in log


def test_objects_come_before_their_record(storage, monkeypatch):
    keys = []
    write = Storage.write

    def note(self, key, data):
        keys.append(key)
        write(self, key, data)

    monkeypatch.setattr(Storage, "write", note)
    CommitLog(storage).commit("e", objects={"a": b"", "b": b""}, payload={})
    assert keys == ["a", "b", "commits/e.json"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", json.dumps({"item": 1}).encode()])
def test_damaged_record_is_named(storage, content):
    storage.write("commits/e1.json", content)
    with pytest.raises(IntegrityError, match=r"commits/e1\.json: expected a commit record"):
        CommitLog(storage).read("e1")
