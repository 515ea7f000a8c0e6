"""What a run leaves when its model is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from examwise.core.digests import readable_json
from examwise.core.schemas.predictions import POSITION_HISTOGRAM, THRESHOLDS
from examwise.core.schemas.run import METRICS
from examwise.core.storage import Storage
from examwise.imaging.stored_task import stored_task
from examwise.models.files import save_model
from examwise.training.calibration import fit_temperatures
from examwise.training.find_learner import is_own
from examwise.training.fit import Fitted
from examwise.training.position import training_position_histograms
from examwise.training.run_plan import RunPlan
from examwise.training.thresholds import fit_thresholds


def describe_run(plan: RunPlan, fitted: Fitted, *, run_id: str) -> dict[str, Any]:
    """Return what ``model.json`` says of a run beside its model's architecture.

    Thresholds and temperatures are fitted here, on the validation labels that were bought.
    """
    findings, minimum = plan.model.findings, plan.training.validation_minimum
    exams = fitted.exams
    thresholds = fit_thresholds(
        findings,
        exams=exams,
        slices=fitted.validation if plan.label_set.kind == "slice" else None,
        minimum=minimum,
    )
    calibrated_on = exams if exams is not None and exams.complete else None
    terms = {*plan.exams["data_terms"].to_list(), *plan.beginnings.data_terms}
    own = {"own_class": plan.learner} if is_own(plan.learner) else {}
    return {
        **own,
        "run_id": run_id,
        "learner": plan.learner,
        "learner_options": dict(plan.learner_options),
        "label_kind": plan.label_set.kind,
        "findings": list(findings),
        "matrix": list(plan.matrix),
        "data_terms": sorted(terms),
        "key_id": plan.stored.key_id,
        "task": asdict(stored_task(plan.stored.stores[0].manifest)),
        "labelled_exams": plan.labelled_exams,
        "begins_from": plan.beginnings.provenance,
        "recipe": dict(plan.recipe),
        "thresholds": thresholds,
        "temperature": fit_temperatures(findings, calibrated_on, minimum=minimum),
        "steps": fitted.steps,
        "best_step": fitted.best_step,
        "n_training_labels": plan.train.n_labels,
        "n_validation_labels": plan.validation.n_labels,
        "n_positive_labels": plan.train.n_positive + plan.validation.n_positive,
        "notes": plan.notes,
    }


def write_run(
    storage: Storage, plan: RunPlan, fitted: Fitted, description: Mapping[str, Any]
) -> None:
    """Write the files of a finished run; its manifest comes after them.

    Args:
        storage: The run directory.
        plan: The run.
        fitted: Its model.
        description: From :func:`describe_run`.
    """
    METRICS.write(storage, METRICS.frame(fitted.rows))
    storage.write(THRESHOLDS, readable_json(description["thresholds"]))
    trained_on = sorted(set(plan.train.exam_ids))
    histograms = training_position_histograms(plan.stored, trained_on, plan.model.findings)
    storage.write(POSITION_HISTOGRAM, readable_json(histograms))
    save_model(storage, fitted.saved, plan.model, description)
