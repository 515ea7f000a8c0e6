"""Whose numbers they are, where patients have numbers for names."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from examwise.core.manifest import BEGUN, begun_kind
from examwise.core.storage import Storage
from examwise.ingest.scan import ScannedFile

_SYNTHETIC = "phantom-archive"
_DISTINGUISHING = ("hospital",)


def numbering_of(source: Path) -> str:
    """Return what tells a source's numbers of patients from another source's; mostly nothing.

    In some layouts a patient is a number, and a NIfTI file's name may be one. A published archive
    has its numbers once and for all: patient 7 of one copy is patient 7 of every other, and must
    be found again. A synthetic archive counts from the same number whatever it was made from; its
    patients are those of its seed and hospital, however many of them it holds.

    Args:
        source: The archive's folder.
    """
    if begun_kind(source) != _SYNTHETIC:
        return ""
    begun = json.loads(Storage(source).read(BEGUN))
    chosen = {name: begun["configuration"].get(name) for name in _DISTINGUISHING}
    return json.dumps({"seed": begun["seed"], **chosen}, sort_keys=True)


def numbered_within(
    files: Sequence[ScannedFile], numbering: str, patient_of: Callable[[str], str]
) -> list[ScannedFile]:
    """Return files whose patients, and volumes, are known within their source alone as such.

    Args:
        files: Files of a source.
        numbering: From :func:`numbering_of`; with nothing, files stay as they are.
        patient_of: The patient that a path names; empty where the header says whose it is.
    """
    if not numbering:
        return list(files)
    return [
        file._replace(
            numbering=numbering,
            study=f"{numbering}\x1f{file.study}",
            series=f"{numbering}\x1f{file.series}",
        )
        if file.kind == "nifti"
        else file._replace(numbering=numbering)
        if file.kind == "dicom" and patient_of(file.path)
        else file
        for file in files
    ]
