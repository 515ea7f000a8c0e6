"""Going on from the model of a finished run."""

from __future__ import annotations

import json

from safetensors.torch import load as load_tensors
from torch import nn

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.run import MODEL, WEIGHTS
from examwise.core.storage import Storage
from examwise.models.exam_classifier import ExamClassifier

_OWN_PARTS = ("classifier.", "pooling.")
"""What two models of one encoder may have each for itself: other findings, another learner."""


def take_weights_of_run(module: nn.Module, run_url: str) -> None:
    """Put the weights of a finished run's model into a module.

    Everything must fit, but for a classifier of other findings and a pooling that only one of
    them has: these stay as they are.

    Args:
        module: The module.
        run_url: The run directory.

    Raises:
        InputError: If there is no finished run, or its model is of another architecture.
        IntegrityError: If its file is not the one once written.
    """
    manifest = read_manifest(run_url, kind="run")
    found = load_tensors(manifest.read_output(Storage(run_url), WEIGHTS))
    wanted = module.state_dict()
    for name in sorted(wanted.keys() | found.keys()):
        fits = name in wanted and name in found and wanted[name].shape == found[name].shape
        if fits or name.startswith(_OWN_PARTS):
            continue
        raise InputError(
            where=f"{run_url}, tensor {name}",
            expected="the weights of a model of the same architecture",
            got="none such" if name not in found else "one that does not fit",
            remedy="train with the model options of that run",
        )
    described = json.loads(manifest.read_output(Storage(run_url), MODEL))
    theirs = tuple(described["findings"])
    same_findings = not isinstance(module, ExamClassifier) or module.config.findings == theirs
    taken = {
        name: value
        for name, value in found.items()
        if name in wanted and wanted[name].shape == value.shape
    }
    fits = all(name in taken for name in wanted if name.startswith("classifier."))
    if not (fits and same_findings):
        taken = {n: value for n, value in taken.items() if not n.startswith("classifier.")}
    module.load_state_dict({**wanted, **taken})
