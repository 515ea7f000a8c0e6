import io

import pytest
from rich.console import Console

from examwise.core.progress import ConsoleProgress, SilentProgress


@pytest.mark.parametrize("terminal", [True, False])
def test_console_shows_title_and_count(terminal):
    text = io.StringIO()
    progress = ConsoleProgress(
        Console(file=text, force_terminal=terminal, width=100, highlight=False)
    )
    progress.say("Hello [not markup]")
    with progress.track("Reading", 2) as advance:
        advance()
        advance()
    assert "Hello [not markup]" in text.getvalue()
    assert "Reading" in text.getvalue()
    assert "2/2" in text.getvalue()


def test_silence(capsys):
    progress = SilentProgress()
    progress.say("x")
    with progress.track("y", 1) as advance:
        advance()
    assert capsys.readouterr() == ("", "")


def test_lines_tell_the_time_left(monkeypatch):
    clock = iter([0.0, 600.0, 605.0, 1800.0])
    monkeypatch.setattr("examwise.core.progress.time.monotonic", lambda: next(clock))
    text = io.StringIO()
    progress = ConsoleProgress(Console(file=text, force_terminal=False, width=100))
    with progress.track("Training", 3) as advance:
        for _ in range(3):
            advance()
    assert text.getvalue().splitlines() == [
        "Training: 3",
        "Training: 1/3, about 20 min left",
        "Training: 3/3",
    ]
