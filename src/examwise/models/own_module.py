"""Modules of the user's own: made by their class path, with their own options."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import nn

from examwise.core.class_paths import import_class
from examwise.core.errors import ExamwiseError, InputError
from examwise.data.bags import BagBatch
from examwise.models.exam_classifier import ExamOutput
from examwise.models.segments import segment_sum

_PACKAGE = Path(__file__).resolve().parents[1]
_WEIGHT_TOLERANCE = 1e-2
"""Weights of an exam sum to one within the rounding of half precision."""


def make_own_module(
    path: str,
    *,
    base: type,
    findings: Sequence[str],
    options: Mapping[str, Any],
    seed: int = 0,
) -> Any:
    """Make a module of the user's own.

    Args:
        path: ``package.module:Class``.
        base: What the class must be derived from.
        findings: Given to it as ``findings``, if it takes that.
        options: Its further arguments.
        seed: Seed of PyTorch's global generator while it is made; the generator is then as before.

    Raises:
        InputError: If there is no such class, it does not take the options, or making it fails.
    """
    made_by = import_class(path, base=base, where="learner")
    takes = inspect.signature(made_by).parameters
    if "findings" in options:
        raise InputError(
            where=f"learner {path}, option findings",
            expected="to be told by --model.findings",
            got="it among --learner-options",
            remedy="take it out there",
        )
    given = dict(options)
    if "findings" in takes:
        given["findings"] = tuple(findings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            inspect.signature(made_by).bind(**given)
        except TypeError as error:
            raise InputError(
                where=f"learner {path}",
                expected="options that it takes (" + (", ".join(takes) or "none") + ")",
                got=", ".join(options) or "none",
                remedy="give them with --learner-options '{name: value}'",
            ) from error
        with own_code(path):
            made: nn.Module = made_by(**given)
    return made


@contextmanager
def own_code(path: str) -> Iterator[None]:
    """Say of whatever a class of the user's own raises that it is the class that raised it.

    What the package itself says, or does wrong, and what the disk says, passes through. What the
    class prints goes to standard error: standard output is for results.

    Args:
        path: ``package.module:Class``.

    Raises:
        InputError: Names the error and the line.

    Example:
        >>> with own_code("my_package:MyModel"):
        ...     raise KeyError("width")
        Traceback (most recent call last):
            ...
        examwise.core.errors.InputError: learner my_package:MyModel: expected code that runs, ...
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (ExamwiseError, OSError):
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        module = path.replace(":", ".").rpartition(".")[0].rpartition(".")[2]
        own = [frame for frame in frames if Path(frame.filename).stem == module]
        if not own and _is_of_package(frames):
            raise
        last = (own or list(frames))[-1]
        raise InputError(
            where=f"learner {path}",
            expected="code that runs",
            got=f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {error}",
            remedy="correct the class; EXAMWISE_DEBUG=1 shows the traceback",
        ) from error


def _is_of_package(frames: Sequence[traceback.FrameSummary]) -> bool:
    """Tell whether others, such as Lightning, had called the package back when it happened."""
    inside = [_PACKAGE in Path(frame.filename).parents for frame in frames]
    return any(inside[inside.index(False) :]) if False in inside else True


def own_exam_output(module: Any, batch: BagBatch, *, path: str, n_findings: int) -> ExamOutput:
    """Return what a module of the user's own says of a batch, checked.

    Args:
        module: Has a method ``exam_output``.
        batch: B exams with N slices, on the module's device.
        path: The module's class path, for messages.
        n_findings: Columns that logits must have.

    Raises:
        InputError: If the method fails, or returns something else than an
            :class:`~examwise.models.exam_classifier.ExamOutput` of the right shapes, whose
            attention weights, where there are any, sum to one over each exam.
    """
    with own_code(path):
        output = module.exam_output(batch)
    where = f"learner {path}, exam_output"
    if not isinstance(output, ExamOutput):
        raise InputError(where=where, expected="an ExamOutput", got=type(output).__name__)
    n_slices = int(batch.bag_sizes.sum())
    wanted: dict[str, tuple[int, ...]] = {
        "exam_logits": (len(batch.bag_sizes), n_findings),
        "slice_logits": (n_slices, n_findings),
        "attention_logits": (n_slices,),
        "attention_weights": (n_slices,),
    }
    for name, shape in wanted.items():
        value = getattr(output, name)
        if value is None and name.startswith("attention"):
            continue
        if not isinstance(value, torch.Tensor) or tuple(value.shape) != shape:
            raise InputError(
                where=f"{where}, {name}",
                expected=f"a tensor of shape {shape}",
                got=tuple(getattr(value, "shape", ())) or type(value).__name__,
                remedy="correct the class",
            )
        if not torch.isfinite(value).all():
            raise InputError(
                where=f"{where}, {name}",
                expected="finite numbers",
                got="NaN or infinity",
                remedy="lower the learning rate, or correct the class",
            )
    if (output.attention_logits is None) != (output.attention_weights is None):
        raise InputError(
            where=where, expected="attention_logits and attention_weights, or neither", got="one"
        )
    if output.attention_weights is not None:
        weights = output.attention_weights.detach().float()
        off = (segment_sum(weights, batch.bag_sizes) - 1).abs()
        if not ((weights >= 0).all() and (off <= _WEIGHT_TOLERANCE).all()):
            raise InputError(
                where=f"{where}, attention_weights",
                expected="weights of at least 0 that sum to one over each exam",
                got="others",
                remedy="normalise attention logits, as with segments.segment_softmax",
            )
    return output
