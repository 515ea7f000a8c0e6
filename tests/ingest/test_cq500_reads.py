from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.task import default_task
from examwise.ingest.archive_labels import denied_kind
from examwise.ingest.cq500_reads import consensus as consensus_by_rule
from examwise.ingest.cq500_reads import read_reads
from examwise.ingest.exam_label_rule import ExamLabelRule

SUFFIXES = (
    *("ICH", "IPH", "IVH", "SDH", "EDH", "SAH", "BleedLocation-Left", "BleedLocation-Right"),
    *("ChronicBleed", "Fracture", "CalvarialFracture", "OtherFracture", "MassEffect"),
    "MidlineShift",
)
HEADER = ["name", "Category", *(f"R{n}:{suffix}" for n in (1, 2, 3) for suffix in SUFFIXES)]


def line(number: int, **reads: str) -> str:
    """A row of zeros apart from the values given, such as ``R1_ICH="1"``."""
    values = dict.fromkeys(HEADER[2:], "0")
    values |= {name.replace("_", ":"): value for name, value in reads.items()}
    return ",".join([f"CQ500-CT-{number}", "B1", *values.values()])


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([",".join(HEADER), *lines]) + "\n")
    return path


def test_the_layout_has_44_columns() -> None:
    assert len(HEADER) == 44
    assert len(line(0).split(",")) == 44


def test_reads_in_the_order_of_findings(tmp_path: Path) -> None:
    path = write(
        tmp_path / "reads.csv",
        line(7, R1_ICH="1", R1_SDH="1", R2_ICH="1", R2_IPH="1", R3_EDH="", R3_SAH="1"),
        line(0),
    )
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    reads = read_reads(path)
    assert list(reads) == [7, 0]
    assert reads[7].by_reader == (
        (1, 0, 0, 0, 0, 1),
        (1, 0, 1, 0, 0, 0),
        (0, None, 0, 0, 1, 0),
    )
    assert (reads[7].row, reads[0].row) == (2, 3)
    assert reads[0].by_reader == ((0,) * 6,) * 3


def test_repeated_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "reads.csv", line(1, R1_ICH=""), line(2), line(1, R1_ICH="1"))
    assert read_reads(path)[1].by_reader[0][0] == 1
    write(path, line(2, R2_SDH="1"), line(1), line(2))
    with pytest.raises(InputError, match=r"row 4, column R2:SDH: .* row 2"):
        read_reads(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "empty below its header row"),
        ([line(0), line(1, R3_SAH="2")], "row 3, column R3:SAH: expected 0, 1 or nothing"),
        ([line(0, R1_ICH="yes")], "row 2, column R1:ICH"),
        ([line(0).replace("CQ500-CT-0", "Jane")], "row 2, column name: expected CQ500-CT-"),
        ([line(0).replace("CQ500-CT-0", "")], "row 2, column name"),
        ([line(0) + ",1,2"], "row 2: .*, got 46 values"),
    ],
)
def test_wrong_files(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_reads(write(tmp_path / "reads.csv", *lines))
    assert "Jane" not in str(caught.value)


def test_missing_column(tmp_path: Path) -> None:
    path = write(tmp_path / "reads.csv", line(0))
    path.write_text(path.read_text().replace("R2:IVH", "R2:VH"))
    with pytest.raises(InputError, match="a column R2:IVH"):
        read_reads(path)


def consensus(reads, rule: str):
    return consensus_by_rule(reads, ExamLabelRule.parse(rule))


N, P = (0,) * 6, (1, 0, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("reads", "majority", "some", "every"),
    [
        ((N, N, N), N, N, N),
        ((P, N, N), N, P, N),
        ((P, P, N), P, P, N),
        ((P, P, P), P, P, P),
    ],
)
def test_rules(reads, majority, some, every) -> None:
    found = [consensus(reads, rule) for rule in ("majority", "any", "all")]
    assert found == [(majority, False), (some, False), (every, False)]


def test_readers_who_agree_on_haemorrhage_but_not_on_its_kind() -> None:
    reads = [(1, 1, 0, 0, 0, 0), (1, 0, 1, 0, 0, 0), (1, 0, 0, 1, 0, 0)]
    assert consensus(reads, "majority") == ((1, 0, 0, 0, 0, 0), False)


def test_kind_without_haemorrhage_is_a_conflict() -> None:
    torn = (0, 0, 0, 0, 0, 1)
    assert consensus([torn, torn, N], "majority") == (P, True)
    assert consensus([torn, P, N], "majority") == (P, True)
    assert consensus([torn, P, P], "majority") == (P, False)
    assert consensus([torn, P, P], "all") == (P, True)
    missing = (None, 0, 0, 0, 0, 1)
    assert consensus([missing, missing, N], "majority") == (P, False)


def reference(column, rule):
    """All that missing reads could be."""
    outcomes = set()
    n_missing = column.count(None)
    known = [value for value in column if value is not None]
    for bits in range(2**n_missing):
        full = [*known, *(bits >> place & 1 for place in range(n_missing))]
        outcomes.add({"majority": sum(full) >= 2, "any": any(full), "all": all(full)}[rule])
    return int(outcomes.pop()) if len(outcomes) == 1 else None


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(*[st.sampled_from([0, 1, None])] * 6), min_size=3, max_size=3),
    st.sampled_from(["majority", "any", "all"]),
)
def test_missing_reads_never_decide(reads, rule) -> None:
    values, conflict = consensus(reads, rule)
    by_finding = [reference(list(column), rule) for column in zip(*reads, strict=True)]
    assert list(values[1:]) == by_finding[1:]
    assert values[0] == (1 if 1 in by_finding[1:] else by_finding[0])
    assert conflict == (1 in by_finding[1:] and by_finding[0] == 0)
    assert denied_kind(values, default_task()) is None
    assert len(values) == len(FINDINGS)


STRICTNESS = ["any", "majority", "all"]
read_values = st.tuples(*[st.sampled_from([0, 1, None])] * 6)


@settings(deadline=None, max_examples=50)
@given(st.lists(read_values, min_size=3, max_size=3), st.integers(0, 2), st.integers(0, 5))
def test_one_more_positive_read_never_makes_a_label_less_positive(reads, reader, finding) -> None:
    more = [list(values) for values in reads]
    more[reader][finding] = 1
    for rule in (*STRICTNESS, "2", "all,epidural=any"):
        before, after = consensus(reads, rule)[0], consensus([tuple(row) for row in more], rule)[0]
        for old, new in zip(before, after, strict=True):
            assert new == 1 or (old != 1 and (new is None or old == new or old is None))


@settings(deadline=None, max_examples=50)
@given(st.lists(read_values, min_size=3, max_size=3))
def test_a_stricter_rule_never_finds_more(reads) -> None:
    found = [consensus(reads, rule)[0] for rule in ("any", "2", "all")]
    for loose, strict in pairwise(found):
        assert all(one == 1 for one, other in zip(loose, strict, strict=True) if other == 1)
        assert all(other == 0 for one, other in zip(loose, strict, strict=True) if one == 0)
    assert found[1] == consensus(reads, "majority")[0]
    assert [found[0], found[2]] == [consensus(reads, rule)[0] for rule in ("1", "3")]


def test_a_rule_for_one_finding() -> None:
    reads = [(1, 1, 0, 0, 0, 1), (1, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0)]
    assert consensus(reads, "majority")[0] == (1, 0, 0, 0, 0, 1)
    assert consensus(reads, "majority,epidural=any")[0] == (1, 1, 0, 0, 0, 1)
    assert consensus(reads, "majority, subdural=3 ,any = all")[0] == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "text",
    ["", "most", "majority,", "majority,epidural", "0", "any,any=1,any=2", "2,=1", 2, "all=1"],
)
def test_what_is_no_rule(text) -> None:
    with pytest.raises(InputError, match="option exam_label: expected majority, any, all"):
        ExamLabelRule.parse(text)


def test_rules_must_fit_the_archive() -> None:
    with pytest.raises(InputError, match=r"findings among .*got fracture"):
        ExamLabelRule.parse("majority,fracture=any").require(FINDINGS, 3)
    with pytest.raises(InputError, match="3 readers at most, got 4"):
        ExamLabelRule.parse("any,epidural=4").require(FINDINGS, 3)


def test_readers_who_contradict_themselves_are_counted(tmp_path: Path) -> None:
    reads = read_reads(write(tmp_path / "reads.csv", line(1, R1_IPH="1", R2_IPH="1", R2_ICH="1")))
    assert reads[1].n_torn_readers == 1
