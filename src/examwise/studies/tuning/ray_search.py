"""What Ray Tune asks: which trial is next, and whether all is to end.

Ray has to be set up before this module is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune import Stopper
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.search import Searcher


class Asking(Searcher):
    """Answers which trial is next, and hears what became of each.

    Args:
        next_trial: Returns a trial's number, or None when there are no more.
        advance: Called after each trial.
    """

    def __init__(self, next_trial: Callable[[], int | None], advance: Callable[[], None]) -> None:
        super().__init__()
        self.fault: Exception | None = None
        """What a trial raised first."""
        self.n_lost = 0
        """Trials whose processes were lost."""
        self._next_trial = next_trial
        self._advance = advance

    def set_search_properties(self, *_arguments: Any, **_options: Any) -> bool:
        """Take note of nothing: what is searched, and what for, is known elsewhere."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """Return the next trial's number."""
        del trial_id
        number = self._next_trial() if self.fault is None and not self.n_lost else None
        return Searcher.FINISHED if number is None else {"number": number}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Hear that a trial is over."""
        del trial_id
        if error or result is None:
            self.n_lost += 1
            return
        self.hear(result)
        self._advance()

    def hear(self, result: dict[str, Any]) -> None:
        """Hear what a trial reports."""
        self.fault = self.fault or result.get("fault")

    def __deepcopy__(self, memo: dict[int, Any]) -> Asking:
        """Stay the one that is heard of: Ray asks a copy otherwise."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave everything out of the files that Ray writes, and nobody reads."""
        return Searcher, ()

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: it is in the tuning directory."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing, for the same reason."""


class EndsAtFault(Stopper):
    """Ends all trials after one has raised.

    Args:
        asking: Is told of it.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Hear what a trial reports, which is then over."""
        del trial_id
        self._asking.hear(result)
        return False

    def stop_all(self) -> bool:
        """Tell whether a trial has raised."""
        return self._asking.fault is not None


class Silence(TrialProgressCallback):
    """Takes the place of what says on standard output how trials go."""

    def on_trial_result(self, *_arguments: Any, **_options: Any) -> None:
        """Say nothing."""

    def on_trial_error(self, *_arguments: Any, **_options: Any) -> None:
        """Say nothing."""

    def on_trial_complete(self, *_arguments: Any, **_options: Any) -> None:
        """Say nothing."""
