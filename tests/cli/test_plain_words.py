import re

import pytest

from examwise.cli.main import COMMANDS, main
from examwise.cli.plain_words import plain_text, type_words, wrong_type
from examwise.models.encoders import ENCODERS
from examwise.models.poolings import POOLINGS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_in_plain_words(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert not re.search(r"<class|``|:\w+:`|type: |\| null|typing|Union\[", text)


def test_help_names_encoders_and_poolings(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"One of {', '.join(ENCODERS)}" in text
    assert f"One of {', '.join(POOLINGS)}." in text
    assert "new folder for the run (required, a path)" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["split", "s", "--seed", "x"], "examwise split --seed: expected a whole number, got x;"),
        (["split", "s", "--seed", "1.5"], "--seed: expected a whole number, got 1.5;"),
        (["split", "s", "--fractions", "[1,2]"], "expected a list of 3 numbers, got [1, 2];"),
        (["ingest", "folder", "a", "s", "--workers", "x"], "expected a whole number, got x;"),
        (
            ["ingest", "folder", "a", "s", "--ingest.series.average_thin_to_mm", "thin"],
            "--ingest.series.average_thin_to_mm: expected a number, got thin;",
        ),
        (
            ["ingest", "folder", "a", "s", "--ingest.series.kernel", "x"],
            "--ingest.series.kernel: expected one of soft, bone, any, got x;",
        ),
    ],
)
def test_values_of_a_wrong_type(words, said, capsys):
    assert main(words) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert said in line


def test_types_and_texts():
    assert type_words("Optional[list[str]]") == "a list of texts"
    assert type_words("Union[str, tuple[int, ...], None]") == "a text, or a list of whole numbers"
    assert type_words("int | Literal['all']") == "a whole number, or all"
    assert type_words("some.Other") == "some.Other"
    assert plain_text("See :func:`~a.b.fit`, ``x``.") == "See fit, x."
    assert type_words("FineTuningConfig | null") == "keys and values"
    assert wrong_type("unrecognized arguments: --x") is None
    assert wrong_type('Parser key "a": something else') is None
