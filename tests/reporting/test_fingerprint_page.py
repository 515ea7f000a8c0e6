from __future__ import annotations

from dataclasses import asdict
from html.parser import HTMLParser

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.core.progress import SilentProgress
from examwise.core.schemas.fingerprint import FINGERPRINT, PAGE
from examwise.imaging.store_check import check_store
from examwise.imaging.store_fingerprint import fingerprint
from examwise.reporting.fingerprint_page import begin_fingerprint, write_fingerprint


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("page") / "s", n_exams=5, matrix=16)


@pytest.fixture(scope="module")
def content(store):
    check = check_store(store, executor=make_executor(1), progress=SilentProgress())
    return {
        "faults": [],
        "doubts": [asdict(doubt) for doubt in check.doubts],
        "decoded": True,
        "fingerprint": fingerprint(store, check),
    }


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.words, self.links = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("src", "href", "xlink:href") if name in found]

    def handle_data(self, data):
        self.words.append(data)


def write(out, store, content):
    return write_fingerprint(begin_fingerprint(out, store, decode=True), content)


def test_the_page_stands_alone_and_holds_everything(store, content, tmp_path):
    assert write(tmp_path / "f", store, content)
    text = (tmp_path / "f" / PAGE).read_text()
    page = _Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") for link in page.links)
    figures = ["prevalence", "hu-brain", "hu-all", "slices-per-exam", "slice-spacing-mm",
               "thickness-mm", "gantry-tilt-degree"]  # fmt: skip
    assert all(f"figure-{name}" in page.ids for name in figures)
    assert "table-doubts" in page.ids
    assert "table-faults" not in page.ids
    assert str(tmp_path) not in text
    assert store not in text


def test_the_same_store_gives_the_same_bytes(store, content, tmp_path):
    for name in ("a", "b", "a"):
        assert write(tmp_path / name, store, content)
    for file in (FINGERPRINT, PAGE, "manifest.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_finished_directory_of_another_state_is_left_as_it_is(store, content, tmp_path):
    assert write(tmp_path / "f", store, content)
    before = (tmp_path / "f" / FINGERPRINT).read_bytes()
    assert not write(tmp_path / "f", store, {**content, "doubts": []})
    assert (tmp_path / "f" / FINGERPRINT).read_bytes() == before
    with pytest.raises(InputError, match=r"configuration\.decode = True"):
        begin_fingerprint(tmp_path / "f", store, decode=False)


def test_faults_are_escaped_and_shown_without_a_fingerprint(store, content, tmp_path):
    fault = {"where": "<b>", "expected": "x", "got": "y", "remedy": "z"}
    found = {**content, "faults": [fault], "fingerprint": None}
    assert write(tmp_path / "f", store, found)
    text = (tmp_path / "f" / PAGE).read_text()
    assert "The store has 1 faults" in text
    assert "&lt;b&gt;" in text
    assert "<svg" not in text
