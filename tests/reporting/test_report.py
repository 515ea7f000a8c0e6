from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from examwise.core.progress import SilentProgress
from examwise.reporting.report import write_report

HEADLINE = "To reach AUC 0.80, <b>slice</b> labels cost 1.9 times the hours & more."

VOID = frozenset({"meta", "img", "br", "hr", "input", "link", "col"})


@dataclass
class PageReader(HTMLParser):
    """Walks a page and fails where a tag is not closed in order."""

    open_tags: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._rows: list[list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"repeated attribute in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open_tags.append(tag)
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attrs).get("id") or "", [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows is not None:
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags, f"</{tag}> closes nothing"
        opened = self.open_tags.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"
        if tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        if {"script", "style"} & set(self.open_tags):
            return
        self.text += data
        if self._rows and self._rows[-1] and {"td", "th"} & set(self.open_tags):
            self._rows[-1][-1] += data.strip()

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def read_page() -> Callable[[Path], PageReader]:
    """Return a function that reads a page and checks that every tag is closed in order."""

    def read(path: Path) -> PageReader:
        reader = PageReader()
        reader.feed(path.read_text("utf-8"))
        reader.close()
        assert reader.open_tags == []
        return reader

    return read


@pytest.fixture(scope="module")
def path(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "page.html"
    return write_report(study, out, progress=SilentProgress())


@pytest.fixture(scope="module")
def page(path: Path, read_page: Callable) -> object:
    return read_page(path)


def test_default_place_is_in_the_study(make_study: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    written = write_report(str(study), progress=SilentProgress())
    assert written == study / "report.html"
    assert written.read_bytes().startswith(b"<!doctype html>")


def test_ids_are_unique_and_references_resolve(page) -> None:
    ids = Counter(found["id"] for _, found in page.elements if "id" in found)
    assert [name for name, number in ids.items() if number > 1] == []
    for _, found in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert all(word in ids for word in (found.get(name) or "").split())
        for name, value in found.items():
            if name == "href":
                assert (value or "")[:1] == "#"
                assert (value or "")[1:] in ids
            for used in re.findall(r"url\(#([^)]+)\)", value or ""):
                assert used in ids


def test_nothing_is_loaded_from_elsewhere(path: Path, page) -> None:
    text = path.read_text("utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert not any("src" in found for found in page.all("script"))
    assert page.all("link") == []
    assert all(
        (found["src"] or "").startswith("data:image/jpeg;base64,") for found in page.all("img")
    )
    assert all("url(#" in found for found in re.findall(r"url\([^)]*", text))


def test_everything_seen_has_words(page) -> None:
    images, figures, drawings = page.all("img"), page.all("figure"), page.all("svg")
    assert len(images) > 20
    assert all(len(found["alt"] or "") > 20 for found in images)
    assert len(figures) == len(drawings) == 4
    assert all(found["aria-labelledby"] for found in figures)
    assert all(found["role"] == "img" and found["aria-label"] for found in drawings)


def test_structure(page) -> None:
    tags = Counter(tag for tag, _ in page.elements)
    assert tags["h1"] == tags["main"] == tags["header"] == tags["footer"] == 1
    named = [found for found in page.all("table") if "id" in found]
    assert tags["caption"] == len(named)
    assert all(found.get("scope") in ("col", "row") for found in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


def test_headline_is_shown_and_escaped(path: Path, page) -> None:
    assert HEADLINE in page.text
    assert "<b>slice</b>" not in path.read_text("utf-8")


def test_numbers_are_the_tables_numbers(study: Path, page) -> None:
    curve = pl.read_parquet(study / "evaluation/budget_curve.parquet")
    expected = {
        (
            f"{row['budget']:,}",
            f"{row['mean_exams_opened']:,.0f}",
            f"{row['mean_reader_actions']:,.0f}",
            f"{row['mean_reader_hours']:.2f}",
            f"{row['n_repeats']}",
            f"{row['mean_auc']:.2f} [{row['auc_lower']:.2f}, {row['auc_upper']:.2f}]",
        )
        for row in curve.iter_rows(named=True)
    }
    head, *rows = page.tables["table-budgets"]
    assert len(head) == 7
    assert {tuple(row[1:]) for row in rows} == expected
    ratios = {row[0]: row[1:] for row in page.tables["table-ratios-spread"][1:]}
    assert list(ratios) == ["Reader hours", "Reader actions", "Labels"]
    assert ratios["Labels"] == ["152", "92", "1.64 [0.90 or more]"]
    runs = page.tables["table-runs"][1:]
    assert {row[0] for row in runs} == set(
        pl.read_parquet(study / "runs.parquet")["run_id"].to_list()
    )


def test_parts_are_counted(study: Path, page) -> None:
    splits = pl.read_parquet(study / "store/splits.parquet")
    for row in page.tables["table-parts"][1:]:
        exams = splits.filter(pl.col("split") == row[0])["exam_id"].to_list()
        positive = sum(int(exam[1:]) % 3 == 0 for exam in exams)
        assert row[2] == row[4] == str(len(exams))
        assert row[5] == str(positive)
        assert row[6] == f"{100 * positive / len(exams):.1f}%"


def test_slices_and_maps_are_told_and_drawn(
    explained_study: Path, read_page: Callable, tmp_path: Path
) -> None:
    page = read_page(write_report(explained_study, tmp_path / "page.html"))
    assert "its attention ranks all slices no better than their position alone" in page.text
    assert "Inside the slice" in page.text
    assert "these maps look much the same without anything learned" in page.text.lower()
    ids = Counter(found["id"] for _, found in page.elements if "id" in found)
    assert [name for name, number in ids.items() if number > 1] == []
    links = [found["href"] for found in page.all("a")]
    assert {"slices", "maps"} <= set(ids)
    assert all((link or "")[1:] in ids for link in links)
    maps = [found for found in page.all("img") if "Map of" in (found["alt"] or "")]
    assert len(maps) == 2 * 3 * 4
    assert all((found["src"] or "").startswith("data:image/png;base64,") for found in maps)
    assert all(len(found["alt"] or "") > 20 for found in page.all("img"))


def test_a_plain_study_speaks_of_one_archive(page) -> None:
    assert "nothing here says how the models do elsewhere" in page.text
    assert "table-full-budget" not in page.tables
    assert "outside" not in page.text
    assert "fine-tuned" not in page.text.lower()
    assert "Labels were bought from training and validation patients alone." in page.text


def test_a_full_study_speaks_of_every_archive(
    full_study: Path, read_page: Callable, tmp_path: Path
) -> None:
    page = read_page(write_report(full_study, tmp_path / "page.html", progress=SilentProgress()))
    ids = Counter(found["id"] for _, found in page.elements if "id" in found)
    assert [name for name, number in ids.items() if number > 1] == []
    assert "Inside and outside" in page.text
    assert "Labels come from “test” alone." in page.text
    assert "nothing here says how the models do elsewhere" not in page.text
    assert {"figure-auc-mean-reader-hours-external-1", "figure-ratios"} <= set(ids)
    assert page.text.count("There are few exams in elsewhere.") == 1
    assert page.text.count("Hours are assumed costs.") == 3
    assert "an encoder pretrained without labels" in page.text
    assert [row[0] for row in page.tables["table-files"][1:]] == ["test", "elsewhere", "far-away"]
    assert page.tables["table-parts"][-1][:3] == ["far-away (test only)", "9", "9"]
    at_threshold = {row[1]: row[9:12] for row in page.tables["table-runs"][1:]}
    assert at_threshold["no labels"] == ["–"] * 3
    assert "–" not in at_threshold["as configured"]
    assert "What was tried once has an interval over patients alone." in page.text


def test_headline_and_what_it_took_come_first(path: Path) -> None:
    text = path.read_text("utf-8")
    order = [text.index(found) for found in ('class="headline"', 'id="table-answer"', "Read with")]
    assert order == sorted(order)
    assert order[1] < text.index('id="figures"')


def test_same_study_same_bytes(study: Path, path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "elsewhere" / "study")
    again = write_report(copy, tmp_path / "again.html", progress=SilentProgress())
    assert again.read_bytes() == path.read_bytes()
    assert str(study) not in path.read_text("utf-8")


def test_provenance_times_do_not_show(study: Path, path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    provenance = copy / "provenance.json"
    text = re.sub(r'(_s": )[\d.]+', r"\g<1>1.5", provenance.read_text())
    assert text != provenance.read_text()
    provenance.write_text(text)
    again = write_report(copy, progress=SilentProgress())
    assert again.read_bytes() == path.read_bytes()


def test_not_reached(make_study: Callable, read_page: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", reached=False)
    page = read_page(write_report(study, progress=SilentProgress()))
    for row in page.tables["table-ratios-spread"][1:]:
        assert row[2:] == ["not reached", "not estimable"]


def test_without_costs(make_study: Callable, read_page: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", hours=False)
    page = read_page(write_report(study, progress=SilentProgress()))
    assert {row[4] for row in page.tables["table-budgets"][1:]} == {"not given"}
    assert [row[0] for row in page.tables["table-ratios-spread"][1:]] == [
        "Reader actions",
        "Labels",
    ]
    assert "No reading times were given" in page.text
    labels = " ".join(found["aria-label"] or "" for found in page.all("svg"))
    assert "against reader actions" in labels
    assert "hours" not in labels


def test_one_class_only(make_study: Callable, read_page: Callable, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", one_class=True)
    page = read_page(write_report(study, progress=SilentProgress()))
    roc = page.all("svg")[-1]["aria-label"] or ""
    assert "undefined (one class only)" in roc
    assert {row[8] for row in page.tables["table-runs"][1:]} == {"undefined (one class only)"}


def test_paths_of_a_configuration_are_left_out(
    make_study: Callable, read_page: Callable, tmp_path: Path
) -> None:
    study = make_study(tmp_path / "study", source={"kind": "raw", "folder": "/archive/DOE^JANE"})
    page = read_page(write_report(study, progress=SilentProgress()))
    assert "DOE" not in page.text
    assert "synthetic:" not in page.text
    assert ["source.folder", "(a path, left out)"] in page.tables["table-configuration"]


def test_one_learner_alone(
    study: Path, read_page: Callable, tmp_path: Path, record: Callable
) -> None:
    copy = shutil.copytree(study, tmp_path / "study")
    for name in ("budget_curve", "exam_metrics", "slice_metrics", "roc_points"):
        file = copy / f"evaluation/{name}.parquet"
        pl.read_parquet(file).filter(pl.col("learner") == "weak").write_parquet(file)
        record(file)
    ratios = copy / "evaluation/ratios.parquet"
    pl.read_parquet(ratios).clear().write_parquet(ratios)
    record(ratios)
    page = read_page(write_report(copy, progress=SilentProgress()))
    assert not [name for name in page.tables if name.startswith("table-ratios")]
    assert {row[0] for row in page.tables["table-budgets"][1:]} == {"Weak"}
    assert "Learners disagree" not in page.text
