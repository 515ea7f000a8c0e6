"""Published weights, from a folder and over a network that is a server of this machine."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from examwise.core.errors import InputError, IntegrityError
from examwise.models import imagenet
from examwise.models.encoders import ENCODERS
from examwise.models.imagenet import (
    PUBLISHED,
    published_weights,
    read_published,
    require_named_digest,
    weights_folder,
)

CONTENT = b"weights of a test"
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:8]
NAME = f"resnet18-{DIGEST}.pth"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EXAMWISE_WEIGHTS", str(tmp_path / "weights"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "weights"


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            if self.server.status != 200:
                self.send_error(self.server.status)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(self.server.content)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status, server.content = [], 200, CONTENT
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def weights(server, monkeypatch):
    url = f"http://127.0.0.1:{server.server_port}/models/{NAME}"
    found = replace(PUBLISHED["resnet18"], url=url)
    monkeypatch.setitem(imagenet.PUBLISHED, "resnet18", found)
    return found


def test_every_published_file_is_of_an_encoder_and_says_its_terms():
    assert set(PUBLISHED) < set(ENCODERS)
    for weights in PUBLISHED.values():
        assert weights.url.startswith("https://")
        assert weights.file_name.endswith(".pth")
        assert "ImageNet" in weights.description
        assert "non-commercial" in weights.licence
    assert PUBLISHED["resnet18"].url == "https://download.pytorch.org/models/resnet18-f37072fd.pth"


def test_weights_are_fetched_once_and_kept(folder, server, weights):
    assert weights_folder() == folder
    assert read_published(weights) == CONTENT
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert read_published(weights) == CONTENT
    assert server.asked == [f"/models/{NAME}"]


def test_a_damaged_file_is_refused_wherever_it_comes_from(folder, server, weights):
    server.content = CONTENT[::-1]
    with pytest.raises(IntegrityError, match=f"127.0.0.1.* begins with {DIGEST}"):
        read_published(weights)
    assert not folder.exists()
    folder.mkdir()
    (folder / NAME).write_bytes(CONTENT[:-1])
    with pytest.raises(IntegrityError, match=rf"weights/{NAME}: .*delete it"):
        read_published(weights)


@pytest.mark.parametrize("fault", ["missing", "cut short", "nobody there"])
def test_without_a_network_it_is_said_where_to_put_the_file(folder, server, weights, fault):
    if fault == "missing":
        server.status = 404
    elif fault == "cut short":
        server.content = CONTENT[:5]
    else:
        weights = replace(weights, url=f"http://127.0.0.1:1/models/{NAME}")
    with pytest.raises(InputError) as refusal:
        read_published(weights)
    message = str(refusal.value)
    assert str(folder / NAME) in message
    assert weights.url in message
    assert "EXAMWISE_WEIGHTS" in message
    assert "\n" not in message
    assert not folder.exists()


def test_encoders_without_published_weights_are_told_which_have_some():
    for encoder in ("resnet10", "slim_resnet18", "timm:resnet18d", "a.b:C"):
        with pytest.raises(InputError, match=r"resnet18, resnet34, .*by its path"):
            published_weights(encoder)


def test_only_published_names_are_taken_for_digests():
    require_named_digest("encoder-20250101.pth", CONTENT, where="here")
    require_named_digest("efficientnet-b0-355c32eb.pth", CONTENT, where="here")
    with pytest.raises(IntegrityError):
        require_named_digest("resnet18-f37072fd.pth", CONTENT, where="here")
