"""A public model by its evaluation on exams of one's own."""

from __future__ import annotations

from examwise.core.errors import InputError
from examwise.core.manifest import read_manifest
from examwise.core.schemas.evaluation import EXAM_METRICS
from examwise.core.storage import Storage
from examwise.planning.question import PublicModel


def read_public_model(url: str) -> PublicModel:
    """Read the exam AUC of the one run of an evaluation.

    Args:
        url: An evaluation directory.

    Raises:
        InputError: If it has no AUC with an interval, or several of them.
    """
    storage = Storage(url)
    manifest = read_manifest(url, kind="evaluation")
    manifest.read_output(storage, EXAM_METRICS.file)
    found = EXAM_METRICS.read(storage).drop_nulls(["auc", "auc_lower", "auc_upper"])
    if found.height != 1:
        raise InputError(
            where=url,
            expected="the evaluation of one run on one archive, for one finding, with an AUC",
            got=f"{found.height} of them",
            remedy="evaluate the model's predictions of your exams alone",
        )
    return PublicModel(*found.select("auc", "auc_lower", "auc_upper").row(0))
