"""Every sort of mimic, in the order in which they are drawn over each other."""

from __future__ import annotations

from examwise.phantom.mimics.calcifications import (
    sample_basal_ganglia,
    sample_choroid,
    sample_dentate,
    sample_pineal,
    sample_vessel_walls,
)
from examwise.phantom.mimics.dural_plaques import sample_falx_plaques, sample_tentorium_plaques
from examwise.phantom.mimics.earlier_contrast import sample_earlier_contrast
from examwise.phantom.mimics.fluid import sample_cysts, sample_hygroma, sample_old_subdural
from examwise.phantom.mimics.infarcts import sample_fresh_infarct, sample_old_infarct
from examwise.phantom.mimics.injuries import sample_injuries
from examwise.phantom.mimics.lacunes import sample_lacunes
from examwise.phantom.mimics.masses import sample_cavernoma, sample_meningioma, sample_tumour
from examwise.phantom.mimics.mimic import Sampler
from examwise.phantom.mimics.operations import sample_operation
from examwise.phantom.mimics.staining import sample_staining
from examwise.phantom.mimics.worn import sample_fillings, sample_worn

SAMPLERS: dict[str, Sampler] = {
    "earlier contrast": sample_earlier_contrast,
    "fresh infarct": sample_fresh_infarct,
    "old infarct": sample_old_infarct,
    "lacunes": sample_lacunes,
    "staining": sample_staining,
    "tumour": sample_tumour,
    "cavernoma": sample_cavernoma,
    "pineal": sample_pineal,
    "choroid": sample_choroid,
    "basal ganglia": sample_basal_ganglia,
    "dentate": sample_dentate,
    "vessel walls": sample_vessel_walls,
    "falx plaques": sample_falx_plaques,
    "tentorium plaques": sample_tentorium_plaques,
    "cysts": sample_cysts,
    "hygroma": sample_hygroma,
    "old subdural": sample_old_subdural,
    "meningioma": sample_meningioma,
    "injuries": sample_injuries,
    "operation": sample_operation,
    "fillings": sample_fillings,
    "worn": sample_worn,
}
"""Samplers by name; each has random streams of its own, which its name stands for."""
