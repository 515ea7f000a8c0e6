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
