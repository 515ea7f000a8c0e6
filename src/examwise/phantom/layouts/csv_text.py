"""Label files as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from examwise.phantom.layouts.protocol import Row

BYTE_ORDER_MARK = "\ufeff"


def csv_bytes(header: Row, rows: Iterable[Row], *, start: str = "", line_end: str = "\n") -> bytes:
    r"""Return a table as UTF-8 text with commas.

    Args:
        header: Column names.
        rows: The rows.
        start: What stands before the header.
        line_end: What ends a line.

    Example:
        >>> csv_bytes(("a", "b"), [(1, "x,y")])
        b'a,b\n1,"x,y"\n'
    """
    text = io.StringIO()
    text.write(start)
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
