"""What a command writes: results on standard output, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from examwise.cli.parsing import Common
from examwise.core.errors import ExitStatus
from examwise.core.progress import ConsoleProgress, Progress, SilentProgress


class Output:
    """Writes results as lines for people, or as one JSON object.

    Args:
        common: The options ``--json`` and ``--quiet``.
    """

    def __init__(self, common: Common) -> None:
        self._common = common
        self.progress: Progress = (
            SilentProgress() if common.quiet or common.json else ConsoleProgress()
        )

    def result(
        self,
        values: Mapping[str, Any],
        text: str,
        *,
        status: ExitStatus = ExitStatus.DONE,
    ) -> ExitStatus:
        """Write the result and return its exit status.

        Args:
            values: The result for machines.
            text: The result for people.
            status: Done, or done with items set aside.
        """
        if self._common.json:
            line = {"status": status.name.lower(), **values}
            sys.stdout.write(json.dumps(line, sort_keys=True) + "\n")
        elif not self._common.quiet:
            sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
        return status
