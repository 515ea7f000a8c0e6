import json
import uuid

import pytest

from examwise import __version__
from examwise.core.command_line import describe_command
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.manifest import begun_kind, read_manifest
from examwise.core.schemas.manifest import SCHEMA_VERSIONS
from examwise.core.stage import Stage
from examwise.core.storage import Storage


@pytest.fixture(params=["local", "memory"])
def url(request, tmp_path):
    return str(tmp_path / "d") if request.param == "local" else f"memory://{uuid.uuid4().hex}"


def begin(url, **changes):
    options = {
        "kind": "run",
        "configuration": {"model": {"width": 8}, "steps": 3},
        "inputs": {"store": "abc"},
        "seed": 1,
    }
    return Stage.begin(url, **{**options, **changes})


def test_finished_stage_has_a_manifest_that_says_what_it_was_made_from(url):
    stage = begin(url)
    assert not stage.finished
    stage.finish()
    assert stage.finished
    manifest = read_manifest(url, kind="run")
    assert manifest.configuration == {"model": {"width": 8}, "steps": 3}
    assert (manifest.kind, manifest.seed, manifest.tool_version) == ("run", 1, __version__)


def test_manifests_of_equal_runs_are_equal_bytes(tmp_path):
    for name in ("a", "b"):
        begin(tmp_path / name).finish()
    assert (tmp_path / "a/manifest.json").read_bytes() == (
        tmp_path / "b/manifest.json"
    ).read_bytes()


def test_what_changes_from_run_to_run_stays_in_provenance(tmp_path):
    begin(tmp_path / "a").finish()
    provenance = json.loads((tmp_path / "a/provenance.json").read_text())
    assert set(provenance) == {"command", "finished_s", "started_s", "platform", "python"}


def test_unfinished_stage_goes_on_with_the_same_options(url):
    begin(url).storage.write("half", b"1")
    assert begin(url).storage.read("half") == b"1"


def test_other_options_are_refused_and_named(url):
    begin(url)
    with pytest.raises(InputError, match=r"to go on with configuration\.model\.width = 8, got 16"):
        begin(url, configuration={"model": {"width": 16}, "steps": 3})


def test_changed_input_is_named(url):
    begin(url)
    with pytest.raises(
        InputError, match=r"the input with which it was begun \(store\), got another"
    ):
        begin(url, inputs={"store": "xyz"})


def test_directory_of_another_kind_is_not_begun(url):
    begin(url)
    with pytest.raises(
        InputError, match="a new directory, or one of kind study, got one of kind run"
    ):
        begin(url, kind="study")


def test_unfinished_stage_is_not_gone_on_with_by_another_version(url):
    storage = begin(url).storage
    begun = json.loads(storage.read("stage.json"))
    storage.write("stage.json", json.dumps({**begun, "tool_version": "0.0.1"}).encode())
    with pytest.raises(InputError, match=r"go on with tool_version = 0\.0\.1"):
        begin(url)
    storage.write("manifest.json", b"{}")
    assert begin(url).finished


def test_outputs_are_vouched_for(url):
    stage = begin(url)
    stage.storage.write("model.json", b"{}")
    stage.finish(outputs=["model.json"])
    manifest = read_manifest(url, kind="run")
    assert manifest.read_output(stage.storage, "model.json") == b"{}"
    stage.storage.write("model.json", b"[]")
    with pytest.raises(IntegrityError, match=r"model\.json: expected the file once written"):
        manifest.read_output(stage.storage, "model.json")
    stage.storage.delete("model.json")
    with pytest.raises(
        InputError, match=r"model\.json: expected a file of this directory, got none"
    ):
        manifest.read_output(stage.storage, "model.json")


def test_kind_of_a_begun_directory(url):
    assert begun_kind(url) is None
    begin(url)
    assert begun_kind(url) == "run"
    Storage(url).write("stage.json", b"[")
    assert begun_kind(url) is None


def test_beginning_can_be_renewed_by_its_own_kind_only(url):
    begin(url)
    begin(url, seed=2, renew=True).finish()
    assert read_manifest(url, kind="run").seed == 2
    with pytest.raises(InputError, match="one of kind run"):
        begin(url, kind="study", renew=True)


def test_foreign_directory_is_refused_untouched(url):
    Storage(url).write("thesis.tex", b"precious")
    with pytest.raises(InputError, match="1 files that this stage did not write"):
        begin(url)
    assert Storage(url).list() == ["thesis.tex"]


def test_unfinished_directory_is_not_read(url):
    begin(url)
    with pytest.raises(InputError, match="got an unfinished one; run the command"):
        read_manifest(url, kind="run")


def test_absent_directory_is_not_read(url):
    with pytest.raises(
        InputError, match=r"expected a finished run directory, got no manifest\.json"
    ):
        read_manifest(url, kind="run")


def test_directory_of_another_kind_is_refused(url):
    begin(url).finish()
    with pytest.raises(
        InputError, match="expected a directory of kind exam-store, got one of kind run"
    ):
        read_manifest(url, kind="exam-store")


def test_directory_of_another_schema_version_is_refused(url):
    begin(url).finish()
    storage = Storage(url)
    manifest = json.loads(storage.read("manifest.json"))
    storage.write("manifest.json", json.dumps({**manifest, "schema_version": 99}).encode())
    with pytest.raises(
        SchemaError, match=f"version {SCHEMA_VERSIONS['run']}, got 99; make the directory"
    ):
        read_manifest(url, kind="run")


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"kind": "run"}'])
def test_damaged_manifest_is_refused(url, content):
    begin(url).finish()
    Storage(url).write("manifest.json", content)
    with pytest.raises(SchemaError, match=r"manifest\.json"):
        read_manifest(url, kind="run")


def test_damaged_beginning_is_refused(url):
    begin(url)
    Storage(url).write("stage.json", b"{")
    with pytest.raises(SchemaError, match=r"stage\.json"):
        begin(url)


def test_command_lines_are_kept_without_paths(tmp_path, monkeypatch):
    (tmp_path / "DOE").mkdir()
    monkeypatch.chdir(tmp_path)
    words = [
        "/opt/examwise",
        "ingest",
        "rsna",
        "DOE",
        "x/DOE.csv",
        "--labels=/DOE^J",
        "--seed",
        "3",
    ]
    assert describe_command(words) == [
        "examwise", "ingest", "rsna", "<path>", "<path>", "--labels=<path>", "--seed", "3",
    ]  # fmt: skip
