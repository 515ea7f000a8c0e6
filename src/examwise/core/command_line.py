"""A command line as it may be recorded: without anything that could be a path."""

from __future__ import annotations

from pathlib import Path


def describe_command(argv: list[str]) -> list[str]:
    """Return a command line with everything that may be a path taken out.

    Folder names may hold patients' names, so only options and plain words are kept.

    Example:
        >>> describe_command(["/usr/bin/examwise", "ingest", "rsna", "/data/DOE^JOHN", "--seed=1"])
        ['examwise', 'ingest', 'rsna', '<path>', '--seed=1']
    """
    words = [Path(argv[0]).name if argv else ""]
    for word in argv[1:]:
        option, equals, value = word.partition("=")
        named = equals and option.startswith("-")
        text = value if named else word
        # A plain word (a command's or a choice's name, a number) has none of these.
        if (
            not text.replace("-", "").replace("_", "").replace(".", "").isalnum()
            or Path(text).exists()
        ):
            text = "<path>" if not word.startswith("-") or named else word
        words.append(f"{option}={text}" if named else text)
    return words
