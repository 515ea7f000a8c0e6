import json
import subprocess
import sys

import pytest

from examwise import __version__
from examwise.cli.main import COMMANDS, main

HEAVY = ("torch", "lightning", "monai", "matplotlib", "zarr", "nibabel", "pydicom", "scipy")


def loaded_by(words):
    """Return which heavy packages a fresh process has imported after a command's words."""
    script = (
        "import json, sys\n"
        "from examwise.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "sys.stderr.write(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )
    modules = json.loads(done.stderr.splitlines()[-1])
    return done.stdout, [name for name in (*HEAVY, "jsonargparse", "polars") if name in modules]


def test_help_lists_every_command_and_imports_nothing_heavy():
    text, heavy = loaded_by(["--help"])
    assert all(f"  {name}" in text for name in COMMANDS)
    assert heavy == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help_imports_nothing_heavy(command):
    text, heavy = loaded_by([command, "--help"])
    assert text.startswith(f"usage: examwise {command}")
    assert "--json" in text
    assert set(heavy) <= {"jsonargparse", "polars"}


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"examwise {__version__}\n"


def test_no_command_is_wrong_usage(capsys):
    assert main([]) == 2
    assert "usage: examwise COMMAND" in capsys.readouterr().out


def test_unknown_command_is_one_line(capsys):
    assert main(["frobnicate"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "got 'frobnicate'" in error


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_flag_is_one_line_with_status_2(command, capsys):
    assert main([command, "--no-such-flag"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"examwise {command}: expected options as in its --help" in captured.err


def test_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "examwise", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"examwise {__version__}\n"
