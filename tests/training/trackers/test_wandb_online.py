"""What a W&B server is sent, seen by a server of our own."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("wandb")

CANARY = "Zqxjwvbk"
_SCRIPT = """
import json, sys
from examwise.training.trackers import make_trackers
from examwise.training.trackers.follow import follow_directory
from examwise.training.tracking_config import TrackingConfig

config = TrackingConfig(trackers=("wandb",), project="heads", wandb_mode="online")
trackers = make_trackers(config, folder=sys.argv[2])
follow_directory(trackers, sys.argv[1])
faults = {name: f"{type(fault).__name__}: {fault}" for name, fault in trackers.faults.items()}
print(json.dumps(faults))
"""


def answer(operation, variables, url):
    """Return what a server answers to a query, as far as a run with an artifact needs it."""
    if operation == "UpsertBucket":
        project = {"id": "p", "name": "heads", "entity": {"id": "e", "name": "team"}}
        bucket = {"id": "b", "name": variables["name"], "config": "{}", "project": project}
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}
    if operation == "Viewer":
        teams = {"edges": []}
        viewer = {"id": "v", "entity": "team", "username": "u", "flags": "{}", "teams": teams}
        return {"viewer": viewer}
    if operation == "CreateArtifact":
        sequence = {"id": "s", "latestArtifact": None}
        artifact = {"id": "a", "state": "PENDING", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": artifact}}
    if operation in ("CreateArtifactManifest", "UpdateArtifactManifest"):
        file = {"id": "f", "name": "m", "displayName": "m", "uploadHeaders": []}
        manifest = {"id": "m", "file": {**file, "uploadUrl": f"{url}/manifest"}}
        name = f"{operation[0].lower()}{operation[1:]}"
        return {name: {"artifactManifest": manifest}}
    if operation == "CreateArtifactFiles":
        nodes = [
            {
                "node": {
                    "id": file["name"],
                    "name": file["name"],
                    "displayName": file["name"],
                    "uploadUrl": f"{url}/artifact/{file['name']}",
                    "uploadHeaders": [],
                    "artifact": {"id": "a"},
                }
            }
            for file in variables["input"]["artifactFiles"]
        ]
        return {"createArtifactFiles": {"files": {"edges": nodes}}}
    if operation == "CommitArtifact":
        return {"commitArtifact": {"artifact": {"id": "a", "digest": "d"}}}
    if operation == "ArtifactType":
        kind = {
            "id": "t",
            "name": "model",
            "description": None,
            "createdAt": "2026-01-01T00:00:00Z",
        }
        kind["__typename"] = "ArtifactType"
        return {"project": {"artifact": None, "artifactType": kind}}
    if operation == "CreateRunFiles":
        files = [{"name": name, "uploadUrl": f"{url}/run/{name}"} for name in variables["files"]]
        return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
    return {}


@pytest.fixture
def server():
    """A server; what it is sent stands in ``received``, path to bodies."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def body(self):
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return gzip.decompress(data) if self.headers["Content-Encoding"] == "gzip" else data

        def reply(self, value):
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_PUT(self):
            self.server.received.setdefault(self.path, []).append(self.body())
            self.reply({})

        def do_POST(self):
            body = self.body()
            self.server.received.setdefault(self.path, []).append(body)
            if self.path != "/graphql":
                return self.reply({})
            asked = json.loads(body)
            operation = re.search(r"(?:query|mutation)\s+(\w+)", asked["query"]).group(1)
            variables = asked.get("variables") or {}
            return self.reply({"data": answer(operation, variables, self.server.url)})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.url = f"http://127.0.0.1:{server.server_port}"
        server.received = {}
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def follow(server, directory, folder, **environment):
    """Send a run in a process of its own, since W&B keeps server and account; return faults."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT, directory, str(folder)],
        env={**os.environ, "WANDB_BASE_URL": server.url, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_server_gets_the_run_and_nothing_of_man_or_machine(
    server, run_directory, tmp_path, identifying
):
    folder = tmp_path / "Zqxjwvbk tracking"
    names = dict.fromkeys(("USER", "LOGNAME", "HOSTNAME", "WANDB_USERNAME", "WANDB_HOST"), CANARY)
    assert follow(server, run_directory, folder, WANDB_API_KEY="a" * 40, **names) == {}
    assert server.received["/artifact/model.safetensors"] == [b"weights of the model" * 3]
    history = b"".join(server.received["/files/team/heads/weak-7f/file_stream"])
    assert b"training_loss" in history
    (manifest,) = server.received["/manifest"]
    assert b"model.safetensors" in manifest
    for path, bodies in server.received.items():
        for body in bodies:
            assert not [name for name in identifying if name in body], path
            assert str(tmp_path).encode() not in body, path
    # What was staged for sending is gone.
    assert not (folder / "wandb" / "artifacts").exists()
    for place in re.findall(rb'"local_path":"([^"]*)/artifacts/', manifest):
        assert re.fullmatch(rb".*/examwise-\w+", place)
        assert not Path(place.decode()).exists()


def test_without_an_account_it_is_said_and_training_would_go_on(server, run_directory, tmp_path):
    home = {"HOME": str(tmp_path), "NETRC": str(tmp_path / "netrc"), "WANDB_API_KEY": ""}
    faults = follow(server, run_directory, tmp_path / "tracking", **home)
    assert faults == {"wandb": "UsageError: No API key configured. Use `wandb login` to log in."}
    assert server.received == {}
