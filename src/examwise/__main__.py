"""``python -m examwise``."""

from examwise.cli.main import entry

if __name__ == "__main__":
    entry()
