from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.ingest.bhx import parse_box, read_box_file

HEADER = ",SOPInstanceUID,SeriesInstanceUID,StudyInstanceUID,data,labelName,labelType\n"
GOOD = "{'x': 1.5, 'y': 2, 'width': 3.25, 'height': 4}"


def row(number: int, image: str, label: str, data: str = GOOD) -> str:
    return f'{number},{image},9.9,9,"{data}",{label},Bounding Box\n'


def test_rows_become_boxes(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    text = (
        row(0, "1.1", "Subdural")
        + row(1, "1.1", "Chronic")
        + row(2, "1.2", "Epidural", GOOD.replace("1.5", "100.75"))
        + row(3, " 1.1 ", "Subdural", GOOD.replace("4}", "5}"))
        + row(4, "1.3", "Intraparenchymal")
        + row(5, "1.3", "Intraventricular")
        + row(6, "1.3", "Subarachnoid")
    )
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + text).encode())
    found = read_box_file(path)
    assert [(box.finding, box.chronic, *box.box) for box in found.images["1.1"]] == [
        ("subdural", False, 1.5, 2.0, 3.25, 4.0),
        ("subdural", True, 1.5, 2.0, 3.25, 4.0),
        ("subdural", False, 1.5, 2.0, 3.25, 5.0),
    ]
    assert found.image_rows["1.1"] == (2, 3, 5)
    assert found.images["1.2"][0].box.x == 100.75
    assert [box.finding for box in found.images["1.3"]] == [
        *("intraparenchymal", "intraventricular", "subarachnoid")
    ]
    assert (found.n_rows, found.refused, found.doubtful) == (7, {}, frozenset())


MALFORMED = [
    "",
    "nothing",
    "[1, 2, 3, 4]",
    "{'x': 1, 'y': 2, 'width': 3}",
    "{'x': 1, 'y': 2, 'width': 3, 'height': 4, 'z': 5}",
    "{'x': 1, 'y': 2, 'width': 3, 'height': 4, 'x': 1}",
    "{'x': 1, 'y': 2, 'width': 3, 'width': 4}",
    "{'x': 1, 'y': 2, 'width': -3, 'height': 4}",
    "{'x': 1, 'y': 2, 'width': 3, 'height': 0}",
    "{'x': True, 'y': 2, 'width': 3, 'height': 4}",
    "{'x': '1', 'y': 2, 'width': 3, 'height': 4}",
    "{'x': 1j, 'y': 2, 'width': 3, 'height': 4}",
    "{'x': None, 'y': 2, 'width': 3, 'height': 4}",
    "{'x': 1e999, 'y': 2, 'width': 3, 'height': 4}",
    "{'x': 1e308, 'y': 1e308, 'width': 3, 'height': 4}",
    "{'x': nan, 'y': 2, 'width': 3, 'height': 4}",
    "{'x': [1], 'y': 2, 'width': 3, 'height': 4}",
    "{**{'x': 1}, 'y': 2, 'width': 3, 'height': 4}",
    "{'x': 1, 'y': 2, 'width': 3, 'height': 4}; 1",
    "dict(x=1, y=2, width=3, height=4)",
    "__import__('os').system('touch hacked')",
    "{'x': __import__('os').getpid(), 'y': 2, 'width': 3, 'height': 4}",
    "(" * 100,
    "\\d",
    "'\\d'",
    "{'x': 1, 'y': 2, 'width': 3, 'height': 4" + " " * 300 + "}",
    "\0",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_box_literal(text: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_box(text) is None
    assert not list(tmp_path.iterdir())


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="{}'xywidthegh:,.0123456789+-e()*[] \\\n", max_size=80))
def test_any_text_is_a_box_or_none(text: str) -> None:
    box = parse_box(text)
    assert box is None or (box.width > 0 and box.height > 0)


@settings(deadline=None, max_examples=50)
@given(st.tuples(*[st.floats(-1e6, 1e6)] * 2, *[st.floats(1e-3, 1e6)] * 2))
def test_what_python_writes_is_read(numbers: tuple[float, ...]) -> None:
    text = str(dict(zip(("x", "y", "width", "height"), numbers, strict=True)))
    assert parse_box(text) == numbers


def test_strange_rows_are_set_aside_by_number(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(
        HEADER
        + row(0, "1.1", "Subdural", "eval('1')")
        + row(1, "1.2", "Fracture")
        + row(2, "", "Subdural")
        + row(3, "1.3", "Subdural")
        + row(4, "1.3", "Subdural")
        + "\n"
        + row(5, "1.3", "Epidural", "{'x': 1, 'y': 2, 'width': -3, 'height': 4}")
    )
    found = read_box_file(path)
    assert found.refused == {
        "boxes_malformed": (2, 8),
        "boxes_of_unknown_kind": (3,),
        "boxes_on_no_image": (4,),
        "boxes_repeated": (6,),
    }
    assert found.doubtful == {"1.1", "1.2", "1.3"}
    assert list(found.images) == ["1.3"]
    assert found.n_rows == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "an empty file"), ("a,b\n1,2\n", "a column SOPInstanceUID"), (HEADER[1:12], "column")],
)
def test_files_that_are_no_box_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_box_file(tmp_path / "boxes.csv")
    with pytest.raises(InputError, match="none"):
        read_box_file(tmp_path / "none.csv")
