"""Mixes into a head what is dense or dark and no acute bleed."""

from __future__ import annotations

from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.grid import FloatArray
from examwise.phantom.head.fields import HeadFields
from examwise.phantom.head.parameters import HeadParameters
from examwise.phantom.mimics.parameters import MimicParameters
from examwise.phantom.mimics.scene import InsideScene, OutsideScene


def apply_mimics(
    mimics: MimicParameters, fields: BrainFields, hu: FloatArray, *, edge_mm: float
) -> None:
    """Change densities in the cranial cavity in place.

    Args:
        mimics: What there is.
        fields: The brain's distances.
        hu: Densities of the brain, float32, of the fields' shape.
        edge_mm: Width over which tissues merge; about the size of a voxel.
    """
    scene = InsideScene(fields, hu, edge_mm=edge_mm)
    for mimic in mimics.found:
        for part in mimic.inside:
            part.draw(scene)


def apply_outside(
    mimics: MimicParameters,
    head: HeadParameters,
    fields: HeadFields,
    hu: FloatArray,
    *,
    edge_mm: float,
) -> None:
    """Change densities outside the cranial cavity in place: scalp, skull, teeth.

    Args:
        mimics: What there is.
        head: The patient's head.
        fields: Its distances, over whole slices.
        hu: Densities, float32, of the fields' shape.
        edge_mm: Width over which tissues merge; about the size of a voxel.
    """
    scene = OutsideScene(head, fields, hu, edge_mm=edge_mm)
    for mimic in mimics.found:
        for part in mimic.outside:
            part.draw(scene)
