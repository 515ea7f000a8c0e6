from __future__ import annotations

import csv
import io

import numpy as np

from examwise.phantom.layouts.cq500 import Cq500Layout
from examwise.phantom.layouts.cq500_reads import reads_file, reads_row

HEADER = (
    "name,Category,"
    "R1:ICH,R1:IPH,R1:IVH,R1:SDH,R1:EDH,R1:SAH,R1:BleedLocation-Left,R1:BleedLocation-Right,"
    "R1:ChronicBleed,R1:Fracture,R1:CalvarialFracture,R1:OtherFracture,R1:MassEffect,"
    "R1:MidlineShift,"
    "R2:ICH,R2:IPH,R2:IVH,R2:SDH,R2:EDH,R2:SAH,R2:BleedLocation-Left,R2:BleedLocation-Right,"
    "R2:ChronicBleed,R2:Fracture,R2:CalvarialFracture,R2:OtherFracture,R2:MassEffect,"
    "R2:MidlineShift,"
    "R3:ICH,R3:IPH,R3:IVH,R3:SDH,R3:EDH,R3:SAH,R3:BleedLocation-Left,R3:BleedLocation-Right,"
    "R3:ChronicBleed,R3:Fracture,R3:CalvarialFracture,R3:OtherFracture,R3:MassEffect,"
    "R3:MidlineShift"
)
LAYOUT = Cq500Layout()


def _row(build, number: int, exam) -> dict[str, str]:
    text = reads_file([reads_row(build.labelled(LAYOUT, exam, seed=number))]).decode()
    assert text.splitlines()[0] == HEADER
    (row,) = csv.DictReader(io.StringIO(text))
    return row


def test_a_plain_large_bleed(build) -> None:
    everywhere = [(slice(2, 14), slice(2, 14))]
    blood = {("subdural", index): everywhere for index in range(3)}
    exam = build.exam(
        build.rendered(build.scan(3), bleeding=blood), bleeds=[build.bleed("subdural", -1)]
    )
    rows = [_row(build, number, exam) for number in range(60)]
    for row in rows:
        assert row["name"] == "CQ500-CT-0"
        assert row["Category"] in ("B1", "B2")
        assert set(row.values()) <= {"CQ500-CT-0", "B1", "B2", "0", "1"}
        votes = [int(row[f"R{reader}:ICH"]) for reader in (1, 2, 3)]
        assert sum(votes) >= 2
        for reader, saw in zip((1, 2, 3), votes, strict=True):
            assert int(row[f"R{reader}:SDH"]) == saw
            assert int(row[f"R{reader}:BleedLocation-Right"]) == saw
            broken = [int(row[f"R{reader}:{what}Fracture"]) for what in ("Calvarial", "Other")]
            assert int(row[f"R{reader}:Fracture"]) == max(broken)
    assert {row["Category"] for row in rows} == {"B1", "B2"}
    all_three = np.mean([all(row[f"R{r}:ICH"] == "1" for r in (1, 2, 3)) for row in rows])
    assert all_three > 0.7


def test_rows_are_sorted_as_text() -> None:
    rows = [[f"CQ500-CT-{number}", "B1", *[0] * 42] for number in (2, 10, 0, 1, 100)]
    lines = reads_file(rows).decode().splitlines()[1:]
    names = [line.partition(",")[0] for line in lines]
    assert names == [f"CQ500-CT-{number}" for number in (0, 1, 10, 100, 2)]
