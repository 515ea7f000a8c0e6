from __future__ import annotations

import pytest

from examwise.reporting.contents import Table


@pytest.mark.parametrize(
    ("cells", "is_numeric"),
    [
        (("1,234", "–", "not given"), True),
        (("at most 3.50", "not reached", "-0.2"), True),
        (("at least 2.00 [1.00 or more]", "[3.00 or more]", "not estimable"), True),
        (("not estimable: both reach it with their smallest budget", "2"), False),
        (("not told", "1"), False),
        ((), False),
    ],
)
def test_columns_of_numbers(cells: tuple[str, ...], is_numeric: bool) -> None:
    rows = tuple(("row", cell) for cell in cells)
    table = Table(id="t", caption="T", columns=("Name", "Value"), rows=rows, source="s")
    assert table.is_numeric == (False, is_numeric)
