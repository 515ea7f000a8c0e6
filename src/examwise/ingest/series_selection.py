"""Which series of a study is the exam: plain, of soft tissue, axial, a whole head, thick.

By headers and descriptions alone. Images that are no axial CT slices (scouts, captures, maps,
reformats of other planes) have been refused, each for itself, before a series is judged.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from examwise.imaging.geometry import group_by_position
from examwise.ingest.config import SeriesSelectionConfig
from examwise.ingest.image_traits import ImageTraits
from examwise.ingest.scan import ScannedFile

_NO_CONTRAST = re.compile(
    r"\b(?<!\bW )(?<!\bWITH )(?<!\bW AND )(?<!\bWITH AND )(?:NON?|WITHOUT|W ?O|PRE|BEFORE|UN) ?"
    r"(?:(?:IV|ORAL|OR|AND) )*"
    r"(?:(?:CONTRAST|CONT|CON|ENHANCED|CE|IV|ORAL)\b|\+? ?C\b(?: ?\+)?)"
)
_CONTRAST = re.compile(
    r"\b(?:(?:POST)?CONTRAST|CONT|ENHANCED|CECT|CE|CTA|CTV|ANGIO\w*|ARTERIAL|DELAYED|IV|ORAL)\b"
    r"|\bVENO|\bC\+|(?:\+|\bWITH) ?C\b(?! ?SP)|\bPOST\b(?!\.? ?(?:FOSSA|OP|TRAUMA))|\d *CC\b"
)
_PLAIN = re.compile(r"\b(?:PLAIN|NCCT|NECT|WITHOUT|W ?O)\b|\bPRE\b(?! ?OP)")
_FINE = re.compile(r"\bDETAIL|\bHI(?:GH)? ?RES")
_BONE = re.compile(r"\bBONE")
_PROJECTION = re.compile(r"\b(?:MIP|MINIP|VRT|PROJECTION)\b")
# Sharp kernels by maker: GE's names; Siemens' numbers from 60 on; Toshiba's FC30s and FC80s.
_BONE_KERNEL = re.compile(r".*BONE.*|EDGE|LUNG|[HBJ][RFVN]?[6-9]\d[A-Z]*|FC[38]\d")
_NO_AGENT = frozenset(
    {
        *("", "NO", "NON", "NONE", "NIL", "N", "NA", "N A", "0", "NONE GIVEN", "NOT GIVEN"),
        *("NOT APPLICABLE", "UNKNOWN", "PLAIN", "WITHOUT", "W O", "WO"),
    }
)
# Of the widest plain series of the study, along the normal; one of head and neck is no measure.
_SMALLEST_COVERAGE = 0.8
_LONGEST_HEAD_MM = 180.0


@dataclass(frozen=True)
class _Series:
    files: tuple[ScannedFile, ...]
    traits: ImageTraits
    n_positions: int
    extent_mm: float | None


def select_series(
    files: Sequence[ScannedFile],
    config: SeriesSelectionConfig,
    *,
    study_of: Callable[[ScannedFile], str],
) -> list[ScannedFile]:
    """Keep one series of each study, and give the files of all others their reason.

    A series with contrast medium, for bone, of projections, or of too few positions is none, nor
    is one that covers much less of the patient than the widest of the others. Among what is left
    those of high resolution come last; thick series come before thin ones and before those of
    unknown thickness; then what is said to be plain before what is not; of the thick the one
    nearest to the wanted thickness, of the thin the thickest; then original before derived, more
    positions before fewer, and the first by path.

    Args:
        files: All scanned files; those with a reason stay as they are.
        config: The rule's numbers.
        study_of: The study of a file, by whatever the layout names it.

    Returns:
        The files in the same order.
    """
    studies: dict[str, dict[tuple[str, str], list[ScannedFile]]] = defaultdict(dict)
    for file in files:
        if file.kind == "dicom" and not file.reason:
            studies[study_of(file)].setdefault((file.study, file.series), []).append(file)
    reasons: dict[str, str] = {}
    for groups in studies.values():
        candidates = []
        for group in groups.values():
            series = _series(group)
            if reason := refusal(series.traits, series.n_positions, _folders(group), config):
                reasons |= {file.path: reason for file in group}
            else:
                candidates.append(series)
        widest = max((series.extent_mm or 0.0 for series in candidates), default=0.0)
        short = [series for series in candidates if not _covers(series, widest)]
        reasons |= {file.path: "too_few_slices" for series in short for file in series.files}
        candidates = [series for series in candidates if _covers(series, widest)]
        candidates.sort(key=lambda series: _rank(series, config))
        for other in candidates[1:]:
            reasons |= {file.path: "another_series_of_the_study" for file in other.files}
    return [file._replace(reason=reasons.get(file.path, file.reason)) for file in files]


def refusal(
    traits: ImageTraits, n_positions: int, folders: Iterable[str], config: SeriesSelectionConfig
) -> str:
    """Return why a series cannot be the exam; empty if it can.

    Args:
        traits: What its headers say.
        n_positions: Different positions of its slices.
        folders: Names of the folders that its files lie in, which may describe it too.
        config: The rule's numbers.

    Example:
        >>> config = SeriesSelectionConfig()
        >>> refusal(ImageTraits("Thin Bone"), 200, [], config)
        'bone_kernel'
        >>> refusal(ImageTraits("5mm W/O CONTRAST"), 30, ["CT 5mm WO CONTRAST"], config)
        ''
    """
    texts = _texts(traits, folders)
    agent = _NO_CONTRAST.sub(" ", _words(traits.contrast_agent)).strip()
    if agent not in _NO_AGENT or any(_CONTRAST.search(_NO_CONTRAST.sub(" ", t)) for t in texts):
        return "contrast"
    kernels = traits.kernel.upper().split("\\")
    if any(_BONE_KERNEL.fullmatch(kernel.strip()) for kernel in kernels):
        return "bone_kernel"
    if any(_BONE.search(text) for text in texts):
        return "bone_kernel"
    types = (_words(word) for word in traits.image_type)
    if any(_PROJECTION.search(text) for text in (*texts, *types)):
        return "projection"
    return "too_few_slices" if n_positions < config.min_slices else ""


def _words(text: str) -> str:
    """Return text in upper case, with a space for each sign that may part words."""
    return re.sub(r"[^A-Z0-9.+]+", " ", text.upper()).strip()


def _texts(traits: ImageTraits, folders: Iterable[str]) -> list[str]:
    return [_words(text) for text in (traits.description, *folders)]


def _series(group: Sequence[ScannedFile]) -> _Series:
    # What most images say; the first among equals.
    traits = Counter(file.traits or ImageTraits() for file in group).most_common(1)[0][0]
    positions = [file.position_mm for file in group if file.position_mm is not None]
    extent = max(positions) - min(positions) if positions else None
    return _Series(tuple(group), traits, len(group_by_position(positions)), extent)


def _covers(series: _Series, widest_mm: float) -> bool:
    return series.extent_mm is None or series.extent_mm >= _SMALLEST_COVERAGE * min(
        widest_mm, _LONGEST_HEAD_MM
    )


def _folders(group: Sequence[ScannedFile]) -> set[str]:
    return {file.path.rpartition("/")[0].rpartition("/")[2] for file in group}


def _rank(
    series: _Series, config: SeriesSelectionConfig
) -> tuple[bool, int, bool, float, bool, int, str]:
    texts = _texts(series.traits, _folders(series.files))
    fine = any(_FINE.search(text) for text in texts)
    silent = not any(_PLAIN.search(text) or _NO_CONTRAST.search(text) for text in texts)
    thickness = series.traits.thickness_mm
    derived = "DERIVED" in series.traits.image_type
    rest = (derived, -series.n_positions, series.files[0].path)
    if thickness is None:
        return fine, 2, silent, 0.0, *rest
    if thickness < config.min_thick_mm:
        return fine, 1, silent, -thickness, *rest
    return fine, 0, silent, round(abs(thickness - config.wanted_thickness_mm), 3), *rest
