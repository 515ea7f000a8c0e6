from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examwise.core.progress import SilentProgress
from examwise.reporting.report import write_report

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PAPER = {"width": 688, "height": 1000}
"""What A4 leaves between the margins of the style sheet."""

# Relative luminance and contrast as WCAG 2 defines them, over all text that is seen.
CONTRAST = """() => {
  const linear = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
  const luminance = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const solid = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour;
    }
  };
  let least = 99;
  const text = 'p, li, h1, h2, h3, td, th, caption, summary, a, .source';
  for (const e of document.querySelectorAll(text)) {
    if (!e.innerText || e.classList.contains('skip')) continue;
    const [a, b] = [luminance(getComputedStyle(e).color), luminance(solid(e))];
    least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return least;
}"""

CUT_OFF = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1 ||
      box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  }).map(text => text.textContent);
})"""

NAMES = ("plain", "full", "explained", "curved")

OPEN_ALL = "document.querySelectorAll('details').forEach(part => { part.open = true })"


@pytest.fixture(scope="module")
def addresses(
    study: Path,
    full_study: Path,
    explained_study: Path,
    curved_study: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    out = tmp_path_factory.mktemp("browser")
    return {
        name: write_report(found, out / f"{name}.html", progress=SilentProgress()).as_uri()
        for name, found in zip(
            NAMES, (study, full_study, explained_study, curved_study), strict=True
        )
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_opens_and_fits(
    browser: Any, addresses: dict[str, str], name: str, size: dict[str, int], scheme: str
) -> None:
    address = addresses[name]
    said: list[str] = []
    requested: list[str] = []
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(address)
    assert said == []
    assert [url for url in requested if not url.startswith("data:")] == [address]
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(CONTRAST) >= 4.5
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    boxes = page.evaluate(
        "[...document.querySelectorAll('figure svg, .slices img, .maps img')]"
        ".map(e => e.getBoundingClientRect()).map(b => [b.width, b.height])"
    )
    assert len(boxes) > 20
    assert all(width > 40 and height > 40 for width, height in boxes)
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert page.evaluate(CONTRAST) >= 4.5
    page.close()


@pytest.mark.parametrize("name", NAMES)
def test_words_of_drawings_are_not_cut_off(
    browser: Any, addresses: dict[str, str], name: str
) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(addresses[name])
    page.evaluate(OPEN_ALL)
    assert page.evaluate(CUT_OFF) == []
    page.close()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wider_than_paper(browser: Any, addresses: dict[str, str], name: str) -> None:
    page = browser.new_page(viewport=PAPER)
    page.emulate_media(media="print")
    page.goto(addresses[name])
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    page.close()


def test_headline_and_what_it_took_stand_on_the_first_screen(
    browser: Any, addresses: dict[str, str]
) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(addresses["full"])
    box = page.locator("#table-answer").bounding_box()
    assert box["y"] + box["height"] < DESKTOP["height"]
    page.close()


def test_keyboard_reaches_content_and_strips(browser: Any, addresses: dict[str, str]) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto(addresses["plain"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    page.evaluate(OPEN_ALL)
    strip = page.locator(".strip .scroll").first
    strip.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.strip .scroll').scrollLeft > 0")
    page.close()
