import json

import pytest

from examwise.cli.main import main

PLANNED = ["--auc", "0.93", "--margin", "0.03"]


def power(*words):
    return main(["power", *map(str, words)])


def test_75_exams_show_little_at_a_margin_of_3_hundredths(capsys):
    assert power("--positive", 36, "--negative", 39, *PLANNED, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert 0.17 <= found["power"] <= 0.26
    assert 75 < found["needed_for_80"] < found["needed_for_90"]
    assert [row["margin"] for row in found["margins"]] == sorted(
        row["margin"] for row in found["margins"]
    )
    powers = [row["power"] for row in found["margins"]]
    assert powers == sorted(powers)


def test_a_prevalence_says_the_same_as_numbers(capsys):
    told = []
    for size in (("--exams", 75, "--prevalence", 0.48), ("--positive", 36, "--negative", 39)):
        assert power(*size, *PLANNED) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "75 exams, 36 of them positive: " in told[0]
    assert "margin  power  exams for 80%  for 90%" in told[0]


def test_as_many_exams_as_are_needed_have_the_power(capsys):
    assert power("--positive", 50, "--negative", 50, *PLANNED, "--json") == 0
    n = json.loads(capsys.readouterr().out)["needed_for_80"]
    assert power("--exams", n, "--prevalence", 0.5, *PLANNED, "--json") == 0
    assert json.loads(capsys.readouterr().out)["power"] == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize(
    "size",
    [[], ["--positive", 3], ["--exams", 30], ["--positive", 3, "--negative", 3, "--exams", 6],
     ["--positive", 3, "--negative", 3, "--exams", 6, "--prevalence", 0.5],
     ["--positive", 0, "--negative", 9], ["--exams", 9, "--prevalence", 0.01],
     ["--exams", 9, "--prevalence", 1.5]],
)  # fmt: skip
def test_sizes_that_are_none_are_refused(size, capsys):
    assert power(*size, *PLANNED) == 2
    assert "examwise: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [["--auc", 1.0, "--margin", 0.03], ["--auc", 0.9, "--margin", 0], ["--auc", 0.9],
     ["--margin", 0.03], [*PLANNED, "--correlation", 1]],
)  # fmt: skip
def test_values_that_are_none_are_refused(wrong, capsys):
    assert power("--positive", 30, "--negative", 30, *wrong) == 2
    assert capsys.readouterr().out == ""
