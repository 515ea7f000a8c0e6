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


@pytest.mark.parametrize("wrong", [["--margin", 0.6], ["--margin", 0.03, "--correlation", 0.99999]])
def test_what_any_test_set_would_show_is_refused(wrong, capsys):
    assert power("--positive", 36, "--negative", 39, "--auc", 0.9, *wrong) == 2
    assert f"examwise: {wrong[-2]}: expected" in capsys.readouterr().err


def test_margins_out_of_reach_spoil_no_other_row(capsys):
    size = ("--positive", 1, "--negative", 1_000_000)
    assert power(*size, "--auc", 0.9, "--margin", 0.1, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["needed_for_80"] > 1_000_000
    assert found["margins"][0]["needed_for_90"] is None
    assert power(*size, "--auc", 0.9, "--margin", 0.02) == 0
    assert "exams, for 90% more than a billion." in capsys.readouterr().out
