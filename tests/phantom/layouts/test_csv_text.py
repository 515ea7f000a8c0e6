from __future__ import annotations

import csv
import io

from examwise.phantom.layouts.csv_text import BYTE_ORDER_MARK, csv_bytes


def test_comes_back_from_a_reader() -> None:
    rows = [("a,b", 'say "no"', 1), ("line\nbreak", "", 0)]
    text = csv_bytes(("x", "y", "z"), rows).decode()
    found = list(csv.reader(io.StringIO(text)))
    assert found == [["x", "y", "z"], ["a,b", 'say "no"', "1"], ["line\nbreak", "", "0"]]


def test_start_and_line_end() -> None:
    data = csv_bytes(("a",), [(1,)], start=BYTE_ORDER_MARK, line_end="\r\n")
    assert data == b"\xef\xbb\xbfa\r\n1\r\n"
