from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examwise.core.progress import SilentProgress
from examwise.reporting.report import write_report

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
FIGURE = "#figure-auc-budget"

SHOWN = """figure => ({
  ticks: [...figure.querySelectorAll('.overlay text')].map(e => e.textContent),
  values: [...figure.querySelectorAll('.overlay .value')].map(e => e.getAttribute('aria-label')),
  still: getComputedStyle(figure.querySelector('[data-part="xtick"]')).visibility,
})"""

# Each value of the overlay beside the nearest marker of the still drawing, in CSS pixels.
FARTHEST = """figure => {
  const middle = e => {
    const b = e.getBoundingClientRect();
    return [b.left + b.width / 2, b.top + b.height / 2];
  };
  const markers = [...figure.querySelectorAll('.drawing > svg:first-child use')].map(middle);
  const distances = [...figure.querySelectorAll('.overlay .value')].map(middle).map(
    ([x, y]) => Math.min(...markers.map(([a, b]) => Math.hypot(a - x, b - y))));
  return Math.max(...distances);
}"""


@pytest.fixture(scope="module")
def address(curved_study: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("figures") / "page.html"
    return write_report(curved_study, out, progress=SilentProgress()).as_uri()


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    opened: list[Any] = []
    errors: list[str] = []

    def open_one(size: dict[str, int] = DESKTOP, where: str = "", **options: Any) -> Any:
        page = browser.new_page(viewport=size, **options)
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + where)
        opened.append(page)
        return page

    yield open_one
    for page in opened:
        page.close()
    assert errors == []


def shown(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.locator(FIGURE).evaluate(SHOWN)
    return found


def middle(page: Any, number: int) -> tuple[float, float]:
    box = page.locator(f"{FIGURE} .value").nth(number).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_values_lie_on_the_markers(open_page: Callable, size: dict[str, int]) -> None:
    page = open_page(size)
    for figure in page.locator("#figures figure[data-chart]").all():
        if figure.locator(".value").count():
            assert figure.evaluate(FARTHEST) < 2.5


def test_a_value_is_told_where_the_pointer_is(open_page: Callable) -> None:
    page = open_page()
    page.locator(FIGURE).scroll_into_view_if_needed()
    tip = page.locator(f"{FIGURE} .tip")
    assert tip.is_hidden()
    x, y = middle(page, 0)
    page.mouse.move(x + 3, y + 2)
    assert tip.inner_text() == "Strong, spread: 0.71 [0.64, 0.76] at 30 labels"
    page.mouse.move(5, 5)
    assert tip.is_hidden()


def test_a_tap_tells_a_value(open_page: Callable) -> None:
    page = open_page(PHONE, has_touch=True)
    page.locator(FIGURE).scroll_into_view_if_needed()
    page.touchscreen.tap(*middle(page, 2))
    tip = page.locator(f"{FIGURE} .tip")
    assert "at 480 labels" in tip.inner_text()
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]


def test_keys_go_from_value_to_value(open_page: Callable) -> None:
    page = open_page()
    # One stop for the whole figure.
    assert page.locator(f"{FIGURE} .value[tabindex='0']").count() == 1
    page.locator(f"{FIGURE} .value[tabindex='0']").focus()

    def press(key: str) -> str:
        page.keyboard.press(key)
        said = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert page.locator(f"{FIGURE} .tip").inner_text() == said
        return str(said)

    assert press("ArrowRight").startswith("Strong, spread: 0.79")
    assert press("End").endswith("at 480 labels")
    assert press("ArrowRight").endswith("at 480 labels")
    assert press("Home").endswith("at 30 labels")
    assert press("ArrowDown").startswith("Strong, spread, fine-tuned: ")
    assert press("ArrowUp").startswith("Strong, spread: ")
    page.keyboard.press("Escape")
    assert page.locator(f"{FIGURE} .tip").is_hidden()


def test_dragging_zooms_and_a_button_shows_all_again(open_page: Callable) -> None:
    page = open_page()
    page.locator(FIGURE).scroll_into_view_if_needed()
    before = shown(page)
    assert (before["ticks"], before["still"]) == ([], "visible")
    x, y = middle(page, 0)
    page.mouse.move(x - 12, y - 12)
    page.mouse.down()
    page.mouse.move(x + 20, y + 14, steps=3)
    page.mouse.up()
    zoomed = shown(page)
    assert zoomed["still"] == "hidden"
    assert len(zoomed["ticks"]) > 4
    assert before["values"][0] in zoomed["values"]
    assert len(zoomed["values"]) < len(before["values"])
    page.locator(f"{FIGURE} .figure-tools button").last.click()
    assert shown(page) == before


def test_keys_and_wheel_zoom(open_page: Callable) -> None:
    page = open_page()
    page.locator(FIGURE).scroll_into_view_if_needed()
    page.locator(f"{FIGURE} .value[tabindex='0']").focus()
    page.keyboard.press("+")
    assert shown(page)["still"] == "hidden"
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.endswith("at 30 labels")
    page.keyboard.press("0")
    assert shown(page)["still"] == "visible"
    page.mouse.move(*middle(page, 1))
    top = page.evaluate("scrollY")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function(f"document.querySelector('{FIGURE}').classList.contains('zoomed')")
    assert page.evaluate("scrollY") == top
    page.locator(f"{FIGURE} .overlay").dblclick(position={"x": 60, "y": 150})
    assert shown(page)["still"] == "visible"


def test_a_ratio_tells_its_value_and_does_not_zoom(open_page: Callable) -> None:
    page = open_page()
    ratios = page.locator("#figure-ratios")
    assert ratios.locator(".figure-tools").count() == 0
    ratios.locator(".value").first.focus()
    assert "1.65 [0.90 or more]" in ratios.locator(".tip").inner_text()


def test_parts_are_folded_and_open_by_their_address(open_page: Callable) -> None:
    page = open_page()
    assert page.locator("details.fold[open]").count() == 0
    assert page.evaluate("document.documentElement.scrollHeight") < 8000
    page = open_page(where="#forecast")
    assert page.locator("#curves > details").evaluate("part => part.open")
    assert page.locator("#forecast").bounding_box()["y"] < DESKTOP["height"]
    page.locator("[data-open-all]").click()
    assert page.locator("details.fold:not([open])").count() == 0
    page.locator("[data-open-all]").click()
    assert page.locator("details.fold[open]").count() == 0


def test_paper_shows_everything(open_page: Callable) -> None:
    page = open_page()
    page.locator(f"{FIGURE} .figure-tools button").first.click()
    page.emulate_media(media="print")
    assert shown(page)["still"] == "visible"
    assert page.locator(f"{FIGURE} .overlay").is_hidden()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("#table-plan").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.fold[open]").count() == 0


def test_without_script_every_number_is_there(open_page: Callable) -> None:
    page = open_page(java_script_enabled=False)
    assert page.locator(f"{FIGURE} svg").count() == 1
    assert page.locator("#table-answer").is_visible()
    page.locator("#curves > details > summary").click()
    assert page.locator("#table-ratio-claims").is_visible()
