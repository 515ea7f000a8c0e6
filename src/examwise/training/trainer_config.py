"""Where and in what arithmetic a model is trained; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from examwise.core.errors import InputError

_Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
_Accelerator = Literal["auto", "cpu", "gpu", "cuda", "mps"]
_Strategy = Literal["auto", "ddp", "ddp_find_unused_parameters_true"]

_TAKEN = (
    "callbacks",
    "default_root_dir",
    "enable_checkpointing",
    "logger",
    "max_epochs",
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "use_distributed_sampler",
)
"""Arguments of Lightning's Trainer that this package sets itself."""
_ENDING = (
    "barebones",
    "fast_dev_run",
    "limit_train_batches",
    "max_time",
    "min_epochs",
    "min_steps",
    "overfit_batches",
)
"""Those by which training ends otherwise than by its steps, sees other labels or keeps nothing."""


@dataclass(frozen=True)
class TrainerConfig:
    """Options of Lightning's Trainer.

    Attributes:
        accelerator: As Lightning names it: ``"auto"``, ``"cpu"``, ``"gpu"`` (of either kind),
            ``"cuda"`` or ``"mps"``.
        devices: Devices on each node; a step's labels are divided among all of them.
        num_nodes: Nodes.
        strategy: How processes work together, as Lightning names it; each has the whole model.
        precision: Of the arithmetic, as Lightning names it; ``"auto"`` takes bfloat16 where the
            hardware has it, and which it was is on record with the run.
        options: Any other argument of the Trainer.

    Raises:
        InputError: On a value out of range, or an argument that has an option of its own.

    Example:
        >>> TrainerConfig(devices=2, num_nodes=4).n_processes
        8
    """

    accelerator: _Accelerator = "auto"
    devices: int = 1
    num_nodes: int = 1
    strategy: _Strategy = "auto"
    precision: _Precision = "32-true"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("devices", "num_nodes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise _refusal(name, "a whole number, at least 1", value)
        for name, kind in (
            ("accelerator", _Accelerator),
            ("precision", _Precision),
            ("strategy", _Strategy),
        ):
            if getattr(self, name) not in (known := get_args(kind)):
                raise _refusal(name, "one of " + ", ".join(known), getattr(self, name))
        for name in self.options:
            if name in _TAKEN or name in self.__dataclass_fields__:
                raise _refusal(f"options.{name}", "an argument without an option of its own", name)
            if name in _ENDING:
                raise _refusal(f"options.{name}", "arguments that leave all steps to be done", name)

    @property
    def n_processes(self) -> int:
        """Processes in all."""
        return self.devices * self.num_nodes


RUNNING_TRAINER_OPTIONS = ("accelerator", "devices", "num_nodes", "strategy")
"""Options that say where, not what, is computed; a run may be resumed with others."""


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"trainer option {name}", expected=expected, got=got)
