"""The entry point: dispatches on the first word before anything heavy is imported."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from examwise import __version__

COMMANDS = {
    "phantom": "write a synthetic head-CT archive",
    "ingest": "turn an archive's files into an exam store",
    "verify": "read a store again: is it whole, and what does it hold",
    "remove": "take withdrawn exams out of a store",
    "migrate": "bring a store of an older schema to the present one",
    "split": "divide a store's patients into train, validation and test",
    "pretrain": "train an encoder on slices, without labels",
    "train": "train a strong or a weak learner",
    "crossval": "train on all folds of patients but one, for each of them",
    "tune": "search options for those that do best on the validation labels",
    "predict": "apply a trained run to a store or to raw files",
    "explain": "show where a run saw what it says, in maps and scores",
    "evaluate": "turn predictions into tables, figures and a checklist",
    "plan": "say what to label next, and what to expect of it",
    "power": "say what a planned test set can show",
    "study": "run a label-budget study, from raw files to the answer",
    "track": "send a finished directory to experiment trackers",
    "report": "write a study's report.html",
    "view": "look at the exams of a store or a study in a browser",
}
"""Command to what it does; each lives in ``examwise.cli.commands.<command>``."""

USAGE_STATUS = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        argv: Words after the program's name; the process's own if None.

    Example:
        >>> main(["--version"])
        examwise 0.1.0
        0
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_help())
        return 0 if words else USAGE_STATUS
    if words[0] == "--version":
        sys.stdout.write(f"examwise {__version__}\n")
        return 0
    command, *rest = words
    if command not in COMMANDS:
        sys.stderr.write(
            f"examwise: expected a command ({', '.join(COMMANDS)}), got {command[:40]!r}; "
            "see examwise --help\n"
        )
        return USAGE_STATUS
    from examwise.cli.guard import guarded

    module = importlib.import_module(f"examwise.cli.commands.{command}")
    return guarded(module.run, rest)


def entry() -> None:
    """Run as a program: exit with the command's status, quietly when a pipe is closed."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            # Started with a closed stream: libraries, and processes started later, expect one.
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            os.set_inheritable(descriptor, True)  # the opened one may have been this very number
            setattr(sys, name, os.fdopen(descriptor, "w"))
    try:
        status = main()
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        # Whoever read the output has gone; what Python still flushes at its end must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    return (
        "usage: examwise COMMAND [options]\n\n"
        "Should experts label individual images, or entire examinations?\n\n"
        f"commands:\n{lines}\n\n"
        "examwise COMMAND --help explains one; examwise --version says which this is.\n"
        "Exit status: 0 done, 1 a fault of ours, 2 wrong input or usage, "
        "3 done with items set aside.\n"
    )
