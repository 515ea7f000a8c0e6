import errno
import hashlib
import hmac
import os
import pickle
import shutil
import stat

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.identity import Identity, default_folder
from examwise.core.schemas.store import CROSSWALK


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def crosswalk():
    return CROSSWALK.frame(
        [
            {
                "path_digest": "f1",
                "path": "DOE/1.dcm",
                "exam_id": "e1",
                "slice_index": 0,
                "patient_id": "DOE",
                "study_instance_uid": "1.2",
                "series_instance_uid": "1.2.3",
                "sop_instance_uid": "1.2.3.4",
                "accession_number": None,
            }
        ]
    )


def test_key_is_made_once_and_private(tmp_path):
    first = Identity(tmp_path / "id")
    again = Identity(tmp_path / "id")
    assert first.patient_key("x") == again.patient_key("x")
    assert mode(tmp_path / "id") == 0o700
    assert mode(tmp_path / "id/key") == 0o600


def test_nothing_is_written_before_the_key_is_needed(tmp_path):
    identity = Identity(tmp_path / "id")
    assert not (tmp_path / "id").exists()
    assert identity.key_id
    assert (tmp_path / "id/key").exists()


def test_pseudonyms_depend_on_the_key(tmp_path):
    assert Identity(tmp_path / "a").patient_key("x") != Identity(tmp_path / "b").patient_key("x")


def test_pseudonym_is_the_start_of_an_hmac(tmp_path):
    identity = Identity(tmp_path, key=bytes(32))
    full = hmac.new(bytes(32), b"patient\0JOHN", hashlib.sha256).hexdigest()
    assert identity.patient_key("JOHN") == "p" + full[:20]


def test_purposes_do_not_collide(tmp_path):
    identity = Identity(tmp_path)
    digests = {identity.patient_key("a")[1:], identity.path_digest("a")[1:], identity.key_id[1:]}
    assert len(digests) == 3
    assert identity.exam_id("a", "b") != identity.exam_id("ab", "")


def test_crosswalk_is_private_and_comes_back(tmp_path, crosswalk):
    identity = Identity(tmp_path)
    path = identity.write_crosswalk("t1", crosswalk)
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert identity.read_crosswalk("t1").equals(crosswalk)


def test_absent_crosswalk_is_named(tmp_path):
    with pytest.raises(InputError, match="the crosswalk of this store, got none"):
        Identity(tmp_path).read_crosswalk("t1")


@pytest.mark.parametrize("content", [b"", b"zz", b"00ff", b"\xff\xfe"])
def test_damaged_key_is_refused_and_kept(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(InputError, match="restore it from your backup"):
        _ = Identity(tmp_path).key_id
    assert (tmp_path / "key").read_bytes() == content


def test_another_key_than_the_wanted_one_is_refused(tmp_path):
    assert Identity(tmp_path, key=bytes(32)).key_id
    with pytest.raises(InputError, match="choose another identity folder"):
        _ = Identity(tmp_path, key=b"1" * 32).key_id


def test_default_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("EXAMWISE_IDENTITY", str(tmp_path / "x"))
    assert default_folder() == tmp_path / "x"
    monkeypatch.delenv("EXAMWISE_IDENTITY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "examwise" / "identity"


def test_crosswalk_schema_is_checked(tmp_path):
    with pytest.raises(InputError, match=r"crosswalk\.parquet"):
        Identity(tmp_path).write_crosswalk("t", pl.DataFrame({"a": [1]}))


def test_folder_that_cannot_be_made_is_named_with_a_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/id: .*--identity or EXAMWISE_IDENTITY"):
        _ = Identity(tmp_path / "file" / "id").key_id


def test_user_without_a_home(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("EXAMWISE_IDENTITY", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", nowhere)
    with pytest.raises(InputError, match="--identity or EXAMWISE_IDENTITY"):
        default_folder()


def test_disk_without_links(tmp_path, monkeypatch):
    def refuse(self, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    key_id = Identity(tmp_path).key_id
    assert Identity(tmp_path).key_id == key_id
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert mode(tmp_path / "key") == 0o600


def test_failed_write_leaves_no_identifiers_lying_about(tmp_path, crosswalk, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    identity = Identity(tmp_path)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match=f"^{tmp_path / 't1'}: expected room to write, got a full"):
        identity.write_crosswalk("t1", crosswalk)
    assert not identity.has_crosswalk("t1")
    assert list((tmp_path / "t1").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "expected room to write, got a full disk; make room there"),
        (errno.EROFS, "expected a folder in which the key can be made and read, got Read-only"),
        (errno.EACCES, "expected a folder in which the key can be made and read, got Permission"),
    ],
)
def test_a_key_that_cannot_be_written_names_its_folder(tmp_path, monkeypatch, number, said):
    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(InputError, match=f"^{tmp_path}: {said}"):
        _ = Identity(tmp_path).key_id
    assert list(tmp_path.iterdir()) == []


def test_worker_has_the_key_and_makes_none(tmp_path):
    folder = tmp_path / "identity"
    sent = pickle.dumps(Identity(folder).for_import(2))
    known = Identity(folder).for_import(2).path_digest("a")
    shutil.rmtree(folder)
    assert pickle.loads(sent).path_digest("a") == known
    assert not folder.exists()
