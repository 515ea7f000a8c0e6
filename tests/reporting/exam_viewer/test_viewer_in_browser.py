"""The viewer in a report, as a reader uses it: wheel, keys, pointer, touch, overlays, lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examwise.reporting.report import write_report

PAINTED = "document.querySelector('[data-viewer]').dataset.painted"
PICTURE = "document.querySelector('[data-picture]').toDataURL()"


@pytest.fixture(scope="module")
def address(explained_study: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    page = write_report(explained_study, tmp_path_factory.mktemp("viewer") / "report.html")
    assert page.stat().st_size < 15 * 1024**2
    return page.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    opened = context.new_page()
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on(
        "request", lambda request: said.append(request.url) if "http" in request.url else None
    )
    opened.goto(address)
    opened.wait_for_selector("[data-viewer][data-painted]")
    opened.locator("[data-stage]").scroll_into_view_if_needed()
    yield opened
    context.close()
    assert said == []


def painted(page: Any) -> tuple[str, int]:
    exam, number = page.evaluate(PAINTED).split("/")
    return exam, int(number)


def until(page: Any, condition: str) -> None:
    page.wait_for_function(condition, timeout=5000)


def test_wheel_and_keys_go_through_the_slices(page: Any) -> None:
    exam, _ = painted(page)
    page.focus("[data-stage]")
    page.keyboard.press("Home")
    until(page, f"{PAINTED} === '{exam}/1'")
    page.keyboard.press("ArrowUp")
    until(page, f"{PAINTED} === '{exam}/2'")
    page.keyboard.press("ArrowDown")
    until(page, f"{PAINTED} === '{exam}/1'")
    page.locator("[data-stage]").hover()
    page.mouse.wheel(0, 120)
    until(page, f"{PAINTED} !== '{exam}/1'")
    page.keyboard.press("End")
    last = page.get_attribute(".viewer-chart", "aria-valuemax")
    until(page, f"{PAINTED} === '{exam}/{last}'")
    assert "Slice" in page.get_attribute("[data-picture]", "aria-label")


def test_windows_change_the_picture_and_its_words(page: Any) -> None:
    page.focus("[data-stage]")
    page.wait_for_timeout(300)  # until the stage has its size
    before = page.evaluate(PICTURE)
    page.keyboard.press("5")
    until(page, f"{PICTURE} !== `{before}`")
    assert page.input_value("[data-width]") == "2800"
    page.fill("[data-width]", "80")
    page.fill("[data-center]", "40")
    page.keyboard.press("Tab")
    until(page, f"{PICTURE} === `{before}`")
    box = page.locator("[data-stage]").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 60, steps=4)
    page.mouse.up()
    until(page, "document.querySelector('[data-width]').value !== '80'")


def test_maps_of_both_learners_and_the_truth_lie_over_the_slice(page: Any) -> None:
    names = page.locator("[data-exams] [role=option]")
    for place in range(names.count()):
        names.nth(place).click()
        page.wait_for_timeout(50)
        if page.locator("[data-map] option").count() > 2:
            break
    options = page.locator("[data-map] option").all_inner_texts()
    assert any("strong" in name.lower() for name in options)
    assert any("weak" in name.lower() for name in options)
    without = page.evaluate(PICTURE)
    page.focus("[data-stage]")
    page.keyboard.press("l")
    until(page, "document.querySelector('[data-map]').value !== ''")
    until(page, "document.querySelector('[data-readout]').textContent.includes('map of')")
    page.select_option("[data-map]", "")
    until(page, f"{PICTURE} === `{without}`")
    for button in ("masks", "boxes"):
        if page.is_enabled(f"[data-{button}]"):
            pressed = page.get_attribute(f"[data-{button}]", "aria-pressed")
            page.focus("[data-stage]")
            page.keyboard.press(button[0])
            assert page.get_attribute(f"[data-{button}]", "aria-pressed") != pressed


def test_the_list_is_sorted_filtered_and_gone_through_by_keys(page: Any) -> None:
    first, _ = painted(page)
    page.focus("[data-stage]")
    page.keyboard.press("n")
    until(page, f"!{PAINTED}.startsWith('{first}/')")
    page.keyboard.press("p")
    until(page, f"{PAINTED}.startsWith('{first}/')")
    total = page.inner_text("[data-count]")
    kinds = page.locator("[data-kind] option")
    assert kinds.count() > 2
    page.select_option("[data-kind]", index=kinds.count() - 1)
    assert page.inner_text("[data-count]") != total
    assert page.locator("[data-exams] [role=option][tabindex='0']").count() <= 1


def test_a_finger_goes_through_the_slices(page: Any) -> None:
    exam, _ = painted(page)
    page.focus("[data-stage]")
    page.keyboard.press("Home")
    until(page, f"{PAINTED} === '{exam}/1'")
    box = page.locator("[data-stage]").bounding_box()
    client = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2

    def touch(kind: str, x: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", box["x"] + 40)
    for step in range(1, 9):
        touch("touchMove", box["x"] + 40 + 30 * step)
    touch("touchEnd", 0)
    until(page, f"{PAINTED} !== '{exam}/1'")


def test_a_bar_is_pressed_to_go_to_its_slice(page: Any) -> None:
    exam, _ = painted(page)
    page.focus("[data-stage]")
    page.keyboard.press("Home")
    until(page, f"{PAINTED} === '{exam}/1'")
    box = page.locator(".viewer-chart").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    last = page.get_attribute(".viewer-chart", "aria-valuemax")
    until(page, f"{PAINTED} === '{exam}/{last}'")


def test_a_phone_shows_all_of_it(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    opened = context.new_page()
    opened.goto(address)
    opened.wait_for_selector("[data-viewer][data-painted]")
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
