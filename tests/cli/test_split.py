import json

import pytest

from examwise.cli.main import main


@pytest.fixture
def store(make_store, tmp_path):
    return make_store(tmp_path / "store", n_exams=12, n_slices=2, matrix=8)


def test_parts_without_exams_are_told(store, capsys):
    words = ["split", store, "--fractions", "[0.5, 0, 0.5]"]
    assert main(words) == 0
    assert "Warning: no exam for validation: training needs" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["empty_parts"] == ["validation"]


@pytest.mark.parametrize("is_split", [False, True])
@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--finding", "foo", "expected labels of the finding foo, got findings any, "),
        ("--seed", "-1", "split, seed: expected a whole number, 0 or more, got -1"),
        ("--fractions", "[-0.5, 0.5, 1]", "three shares of train, validation and test that sum"),
        ("--fractions", "[.nan, 0.5, 0.5]", "three shares of train, validation and test that sum"),
    ],
)
def test_what_cannot_be_is_refused_by_name(store, capsys, is_split, option, value, said):
    if is_split:
        assert main(["split", store, "--quiet"]) == 0
    assert main(["split", store, option, value]) == 2
    assert said in capsys.readouterr().err
