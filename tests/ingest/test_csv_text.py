from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.ingest.csv_text import ROW, collect_csv_text, scan_csv_text


def read(path: Path):
    return collect_csv_text(scan_csv_text(path), path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text('path, any\n"a,b",1\n\nÄ,\n', encoding)
    assert read(path).rows() == [(2, "a,b", "1"), (4, "Ä", None)]
    assert read(path).columns == [ROW, "path", "any"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "header", ["path,any,any", "any,path, any", '"any","path",any', "\nany,any"]
)
def test_a_column_that_stands_twice_is_named(tmp_path: Path, encoding: str, header: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"{header}\na,1,0\n", encoding)
    with pytest.raises(InputError, match="different names, got column any twice; correct the hea"):
        read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"path,any\na,1\n\nM\xfcller,1\n", r"row 4: .*got bytes that are no UTF-8 \(saved as Lat"),
        (b"path,any\na,1\nb,1,Jane,3\n", "row 3: .*got 4 values, where the header has 2 columns"),
        (b'path,any\n"a\nb",1\nJane,1,2\n', "row 3: .*got 3 values"),
    ],
)
def test_the_first_wrong_row_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read(path)
    assert "Error" not in str(caught.value)
    assert "Jane" not in str(caught.value)
