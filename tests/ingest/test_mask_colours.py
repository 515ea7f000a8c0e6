from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.task import Task, default_task
from examwise.ingest.mask_colours import MaskColours, read_mask_colours

GOOD = 'colours: {"#ff0000": any, "#000000": background}\n'


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "colours.yaml"
    path.write_text(GOOD)
    found = read_mask_colours(path, default_task())
    assert found == MaskColours({(255, 0, 0): "any", (0, 0, 0): None})
    assert found.findings == ("any",)
    path.write_text(
        'colours: {"#FF0000": subdural, "#00ff00": ignore, "#0000ff": subdural}\n'
        'match: file_name\npattern: "(.+)_mask"\ntolerance: 100\nlargest_unlisted_share: 0.5\n'
    )
    found = read_mask_colours(path, default_task())
    assert found.findings == ("subdural",)
    assert (found.match, found.pattern, found.tolerance) == ("file_name", "(.+)_mask", 100)
    path.write_text(GOOD + "match: list\nlist: masks.csv\n")
    assert read_mask_colours(path, default_task()).list_file == tmp_path / "masks.csv"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a key colours"),
        ("colours: [", "expected YAML"),
        ("- colours", "a key colours"),
        ("colours: {}", "colours: expected lines like"),
        ('colours: {"red": any}', 'expected colours as "#rrggbb", in quotation marks, got red'),
        ("colours: {255: any}", 'expected colours as "#rrggbb"'),
        ('colours: {"#ff0000": bleed}', "colours, #ff0000: expected one of any, epidural.*bleed"),
        ('colours: {"#ff0000": [any]}', "colours, #ff0000: expected one of any"),
        ('colours: {"#ff0000": ignore}', "a colour that stands for a finding, got none"),
        ('colours: {"#ff0000": any, "#FF0000": any}', "different colours, got #FF0000 twice"),
        (GOOD + "tolerance: 128", "tolerance: expected a whole number, 0 to 100"),
        (GOOD + "tolerance: true", "tolerance: expected a whole number"),
        (
            'colours: {"#ff0000": any, "#f00000": ignore}\ntolerance: 8',
            "less than half the difference of any two colours, got 8, where two are 15 apart",
        ),
        (GOOD + "largest_unlisted_share: .nan", "a number from 0 to below 1"),
        (GOOD + "match: order", "match: expected one of sop_instance_uid, file_name, list"),
        (GOOD + "match: [list]", "match: expected one of"),
        (GOOD + "match: list", "list: expected a CSV file where match is list"),
        (GOOD + "list: a.csv", "list: expected a CSV file where match is list, else nothing"),
        (GOOD + "pattern: '.+'", "pattern: expected a regular expression with one group"),
        (GOOD + "pattern: '(('", "pattern: expected a regular expression with one group"),
        (GOOD + "tolerence: 3", "only keys among colours, .*got tolerence"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "colours.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_mask_colours(path, default_task())


def test_findings_are_the_tasks(tmp_path: Path) -> None:
    path = tmp_path / "colours.yaml"
    path.write_text('colours: {"#ff0000": fracture}')
    task = Task("t", ("fracture",), 0, 1)
    assert read_mask_colours(path, task).findings == ("fracture",)
    many = Task("t", tuple(f"f{number}" for number in range(9)), 0, 1)
    with pytest.raises(InputError, match="8 findings at most where there are masks, got 9"):
        read_mask_colours(path, many)
    with pytest.raises(InputError, match="expected a YAML file, got No such file"):
        read_mask_colours(tmp_path / "none.yaml", task)
