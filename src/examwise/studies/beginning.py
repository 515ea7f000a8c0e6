"""Beginning a study's directory, going on with one, and what may still be added to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from examwise.core.digests import canonical_json, readable_json, sha256_hex
from examwise.core.manifest import BEGUN
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.studies.config import StudyConfig
from examwise.studies.plan_file import PLAN
from examwise.training.augmentations.choose import augmentation_digest, recorded_name

_NAME_HEX = 12
_ADDED_LATER = {
    "study": ("arms", "repeats", "grid", "label_free", "fine_tuning", "explain"),
    "source": ("external",),
}
"""What a study may be extended in; the plan sees that all it had is still there."""


def begin_study(out: Path, config: StudyConfig, *, source: dict[str, Any]) -> Stage:
    """Begin a study's directory, or go on with one.

    Until the plan is written, before the first run, a corrected configuration may take the place
    of the first one. After that it may only have more arms, budgets, repeats, references and
    external archives, and explain or fine-tune more.

    Args:
        out: The directory.
        config: The study.
        source: Where the exams come from, in plain values without paths.

    Raises:
        InputError: If the directory was begun by another study.
    """
    described = asdict(config)
    # Who follows the runs changes nothing in them.
    del described["tracking"]
    inputs = {}
    trainings = {"augmentation": (described["training"], config.training)}
    if config.fine_tuning is not None:
        of_tuning = described["fine_tuning"]["training"]
        trainings["fine_tuning/augmentation"] = (of_tuning, config.fine_tuning.training)
    for role, (plain, training) in trainings.items():
        plain["augmentation"] = recorded_name(training.augmentation)
        if digest := augmentation_digest(training.augmentation):
            inputs[role] = digest
    if config.model.weights:
        # Where weights lie may change, and may hold names; what they are may not change.
        from examwise.models.encoder_weights import find_weights

        described["model"]["weights"] = ""
        found = find_weights(config.model.weights, encoder=config.model.encoder)
        inputs["weights"] = found.digest
    configuration = {"study": described, "source": source}
    storage = Storage(out)
    is_planned = storage.exists(PLAN)
    begun = _begun(storage) if is_planned else None
    may_grow = begun is not None and _settled(begun) == _settled(_plain(configuration))
    if begun is not None and not may_grow:
        # What is refused is named, and not what may change.
        configuration = _with_growing_parts(configuration, begun)
    return Stage.begin(
        out,
        kind="study",
        configuration=configuration,
        inputs=inputs,
        seed=config.seed,
        renew=not is_planned or may_grow,
    )


def _begun(storage: Storage) -> dict[str, Any] | None:
    """Return the configuration on record, if it can be read."""
    try:
        found = json.loads(storage.read(BEGUN))["configuration"]
        return found if all(isinstance(found[part], dict) for part in _ADDED_LATER) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _plain(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(readable_json(configuration)))


def study_name(storage: Storage) -> str:
    """Return a name for a study that holds no path, and stays when the study is extended.

    Args:
        storage: Its directory, begun.
    """
    begun = _begun(storage)
    return f"study-{sha256_hex(canonical_json(_settled(begun) if begun else {}))[:_NAME_HEX]}"


def _settled(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {
        part: {key: value for key, value in configuration[part].items() if key not in keys}
        for part, keys in _ADDED_LATER.items()
    }


def _with_growing_parts(
    configuration: Mapping[str, Any], begun: Mapping[str, Any]
) -> dict[str, Any]:
    settled = _settled(configuration)
    return {
        part: settled[part] | {key: begun[part][key] for key in keys if key in begun[part]}
        for part, keys in _ADDED_LATER.items()
    }
