"""The exam viewer over HTTP: who is let in, what is given, and what a browser makes of it."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from urllib.parse import urlsplit

import numpy as np
import pytest

from examwise.core.errors import InputError
from examwise.imaging.stored_exams import StoredExams
from examwise.service.exam_server.answers import ExamAnswers
from examwise.service.exam_server.server import ExamServer
from examwise.service.exam_server.shelves import open_shelves


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("view") / "store", n_exams=6, matrix=16)


@pytest.fixture(scope="module")
def server(store):
    server = ExamServer(ExamAnswers(open_shelves(store)))
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server
    server.stop()
    thread.join()
    server.close()


def ask(server, path, *, method="GET", token=None, **headers):
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    if token:
        headers["X-Examwise-Token"] = token
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.fixture
def token(server):
    return urlsplit(server.url).path.removeprefix("/")


def test_it_listens_on_this_machine_alone(server):
    assert urlsplit(server.url).hostname == "127.0.0.1"
    assert len(urlsplit(server.url).path) > 30


def test_exams_and_slices_are_those_of_the_store(server, store, token):
    stored = StoredExams(store)
    answer, body = ask(server, "/api/exams", token=token)
    assert answer.status == 200
    listed = json.loads(body)
    assert sorted(exam["exam_id"] for exam in listed["exams"]) == sorted(stored.exams["exam_id"])
    exam = listed["exams"][0]
    _, body = ask(server, f"/api/exams/{exam['id']}", token=token)
    record = json.loads(body)
    assert (record["pixels"], record["n_slices"]) == (None, exam["n_slices"])
    for index in (0, exam["n_slices"] - 1):
        _, body = ask(server, f"/api/exams/{exam['id']}/slices/{index}", token=token)
        pixels = np.frombuffer(body, "<i2").reshape(record["rows"], record["columns"])
        assert np.array_equal(pixels, stored.read_slices(exam["exam_id"], [index])[0])


@pytest.mark.parametrize("path", ["/", "/wrong", "/api/exams", "/api/exams/0-e0000/slices/0"])
def test_nobody_is_let_in_without_the_token(server, path, token):
    for headers in ({}, {"token": "x" * len(token)}, {"Cookie": f"token={token}"}):
        answer, body = ask(server, path, **headers)
        assert (answer.status, body) == (403, b"not allowed")


def test_another_name_for_this_machine_is_refused(server, token):
    for host in ("evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1"):
        answer, _ = ask(server, "/api/exams", token=token, Host=host)
        assert answer.status == 403
    place = urlsplit(server.url)
    answer, _ = ask(server, "/api/exams", token=token, Host=f"localhost:{place.port}")
    assert answer.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/exams/0-nobody",
        "/api/exams/9-e0000",
        "/api/exams/0-e0000/slices/999",
        "/api/exams/0-e0000/slices/-1",
        "/api/exams/..%2f..%2fetc/passwd",
        "/api/../../etc/passwd",
    ],
)
def test_what_is_not_there_is_not_given(server, token, path):
    answer, body = ask(server, path, token=token)
    assert answer.status in (403, 404)
    assert body in (b"not allowed", b"no such thing")


def test_nothing_can_be_changed(server, token):
    answer, _ = ask(server, "/api/exams", method="POST", token=token)
    assert answer.status == 405
    answer, body = ask(server, "/api/exams", method="HEAD", token=token)
    assert (answer.status, body) == (200, b"")


def test_the_page_asks_nobody_else(server, token):
    answer, body = ask(server, f"/{token}")
    policy = answer.getheader("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert answer.getheader("Referrer-Policy") == "no-referrer"
    assert answer.getheader("Cache-Control") == "no-store"
    assert b"http://" not in body.replace(b"http://www.w3.org/2000/svg", b"")


def test_other_directories_are_refused(tmp_path, store):
    with pytest.raises(InputError, match="expected an exam store, or a finished study, got none"):
        open_shelves(str(tmp_path))
    (tmp_path / "manifest.json").write_text('{"kind": "run"}')
    with pytest.raises(InputError, match="got a directory of kind run"):
        open_shelves(str(tmp_path))
    with pytest.raises(InputError, match="nosuch"):
        open_shelves(store, finding="nosuch")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_a_browser_scrolls_through_an_exam(server):
    from playwright.sync_api import sync_playwright

    said = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.url)
        page.wait_for_selector("[data-viewer][data-painted]")
        first = page.get_attribute("[data-viewer]", "data-painted")
        page.focus("[data-stage]")
        page.keyboard.press("End")
        page.wait_for_function(
            "before => document.querySelector('[data-viewer]').dataset.painted !== before",
            arg=first,
        )
        page.keyboard.press("n")
        exam = first.split("/")[0]
        page.wait_for_function(
            "before => !document.querySelector('[data-viewer]').dataset.painted.startsWith(before)",
            arg=exam,
        )
        browser.close()
    assert said == []
    assert all(url.startswith(server.url.rsplit("/", 1)[0]) for url in asked)
