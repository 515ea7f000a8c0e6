"""Which series of a study is the exam: plain, of soft tissue, axial, a whole head, thick.

By headers and descriptions; what the pixels say is asked when a series is read
(:mod:`examwise.imaging.head_check`), and another one tried where they refuse it. Images that are
no axial CT slices (scouts, captures, maps, reformats of other planes) have been refused, each for
itself, before a series is judged.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from examwise.imaging.geometry import group_by_position
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.config import SeriesSelectionConfig
from examwise.ingest.image_traits import ImageTraits
from examwise.ingest.scan import ScannedFile

_NO_CONTRAST = re.compile(
    r"\b(?<!\bW )(?<!\bWITH )(?<!\bW AND )(?<!\bWITH AND )"
    r"(?:NON?|WITHOUT|W ?O|PRE|BEFORE|UN|OHNE) ?"
    r"(?:(?:IV|ORAL|OR|AND) )*"
    r"(?:(?:CONTRAST|CONT|CON|ENHANCED|CE|IV|ORAL|KM)\b|\+? ?C\b(?: ?\+)?)"
)
_CONTRAST = re.compile(
    r"\b(?:(?:POST)?CONTRAST|CONT|ENHANCED|CECT|CE|CTA|CTV|ANGIO\w*|ARTERIAL|DELAYED|IV|ORAL)\b"
    r"|\bVENO|\bC\+|(?:\+|\bWITH) ?C\b(?! ?SP)|\d *CC\b|\bKM\b"
    # Alone, or before a plane, a place or a size; not before what was done to the patient.
    r"|\bPOST\b(?= ?(?:$|\d|C\b|AX|COR|SAG|TRA\b|TRANS|HEAD|BRAIN|THIN|THICK|SOFT|STD|HELICAL))"
)
_PLAIN = re.compile(r"\b(?:PLAIN|NCCT|NECT|WITHOUT|W ?O)\b|\bPRE\b(?! ?OP)")
_FINE = re.compile(r"\bDETAIL|\bHI(?:GH)? ?RES")
_BONE = re.compile(r"\bBONE")
_PROJECTION = re.compile(r"\b(?:MIP|MINIP|VRT|PROJECTION)\b")
# Sharp kernels by maker: GE's names; Siemens' numbers from 60 on; Toshiba's FC30s and FC80s.
_BONE_KERNEL = re.compile(r".*BONE.*|EDGE|LUNG|[HBJ][RFVN]?[6-9]\d[A-Z]*|FC[38]\d")
# Philips has single letters that say nothing elsewhere: A smooth and B standard, C sharper, D for
# bone, E for the inner ear, L for lung; of the Y filters YC and YD are the sharp ones; UA to UC
# are for brain. From its scanners' filter lists as commonly known, no document of its own at hand.
_PHILIPS_SHARP = re.compile(r"[DEL]|Y[CD]|E[CD]")
_NO_AGENT = frozenset(
    {
        *("", "NO", "NON", "NONE", "NIL", "N", "NA", "N A", "0", "NONE GIVEN", "NOT GIVEN"),
        *("NOT APPLICABLE", "UNKNOWN", "PLAIN", "WITHOUT", "W O", "WO"),
    }
)
# Of the widest plain series of the study, along the normal; one of head and neck is no measure.
_SMALLEST_COVERAGE = 0.8
_LONGEST_HEAD_MM = 180.0

SeriesKey = tuple[str, str]
"""Study and series, as a scanned file has them."""

_ANOTHER = "another_series_of_the_study"


@dataclass(frozen=True)
class _Series:
    files: tuple[ScannedFile, ...]
    traits: ImageTraits
    n_positions: int
    extent_mm: float | None
    folders: frozenset[str]
    """Names of the folders that its files lie in, where they describe it."""


def select_series(
    files: Sequence[ScannedFile],
    config: SeriesSelectionConfig,
    *,
    study_of: Callable[[ScannedFile], str],
    folders_describe: bool = False,
    named: Collection[SeriesKey] = (),
) -> list[ScannedFile]:
    """Rank the series of each study, and give files of all but the best their reason.

    A series with contrast medium, of the wrong kernel, of projections, or of too few positions is
    none, nor is one that covers much less of the patient than the widest of the others. Among
    what is left those of high resolution come last; thick series come before thin ones and before
    those of unknown thickness; then what is said to be plain before what is not; of the thick the
    one nearest to the wanted thickness, of the thin the thickest; then original before derived,
    more positions before fewer, and the first by path.

    Args:
        files: All scanned files; those with a reason stay as they are.
        config: The rule.
        study_of: The study of a file, by whatever the layout names it.
        folders_describe: Whether folders are named after series, as descriptions are; else they
            speak only where the headers describe nothing.
        named: Series that the user has chosen by naming them: each is an exam, whatever the rule
            says, and no other series of its study is.

    Returns:
        The files in the same order. Those of a study's best series have a ``choice`` and no
        reason; those of its others that can be the exam have the same choice, their rank, and the
        reason that another was taken.
    """
    if config.select == "every":
        return list(files)
    studies: dict[str, dict[SeriesKey, list[ScannedFile]]] = defaultdict(dict)
    for file in files:
        if file.kind == "dicom" and not file.reason:
            studies[study_of(file)].setdefault((file.study, file.series), []).append(file)
    settled: dict[str, ScannedFile] = {}
    for study, groups in studies.items():
        for file in _settled(study, groups, config, folders_describe, named):
            settled[file.path] = file
    return [settled.get(file.path, file) for file in files]


def _settled(
    study: str,
    groups: Mapping[SeriesKey, Sequence[ScannedFile]],
    config: SeriesSelectionConfig,
    folders_describe: bool,
    named: Collection[SeriesKey],
) -> Iterator[ScannedFile]:
    """Yield all files of a study, with what becomes of their series."""
    chosen = [key for key in groups if key in named]
    if chosen:
        for key, group in groups.items():
            reason = "" if key in named else _ANOTHER
            yield from (file._replace(reason=reason) for file in group)
        return
    candidates = []
    for group in groups.values():
        series = _series(group, folders_describe)
        if reason := refusal(series.traits, series.n_positions, series.folders, config):
            yield from (file._replace(reason=reason) for file in group)
        else:
            candidates.append(series)
    widest = max((series.extent_mm or 0.0 for series in candidates), default=0.0)
    for series in candidates:
        if not _covers(series, widest):
            yield from (file._replace(reason="too_few_slices") for file in series.files)
    whole = [series for series in candidates if _covers(series, widest)]
    for rank, series in enumerate(sorted(whole, key=lambda series: _rank(series, config))):
        reason = _ANOTHER if rank else ""
        for file in series.files:
            yield file._replace(reason=reason, choice=study, rank=rank)


def named_series(files: Sequence[ScannedFile], labels: ArchiveLabels) -> set[SeriesKey]:
    """Return the series that a label file names, and so chooses as exams.

    By one of its files, or by a folder in which it is the only series.

    Args:
        files: All scanned files.
        labels: What the label file says.
    """
    found: set[SeriesKey] = set()
    within: dict[str, set[SeriesKey]] = defaultdict(set)
    for file in files:
        if file.kind in ("dicom", "nifti") and not file.reason:
            key = file.study, file.series
            if file.path in labels.files:
                found.add(key)
            for folder in labels.above(file.path):
                within[folder].add(key)
    return found.union(*(keys for keys in within.values() if len(keys) == 1))


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
    for_bone = is_sharp(traits) or any(_BONE.search(text) for text in texts)
    if for_bone and config.kernel == "soft":
        return "bone_kernel"
    if config.kernel == "bone" and not for_bone:
        return "soft_kernel"
    types = (_words(word) for word in traits.image_type)
    if any(_PROJECTION.search(text) for text in (*texts, *types)):
        return "projection"
    return "too_few_slices" if n_positions < config.min_slices else ""


def is_sharp(traits: ImageTraits) -> bool:
    """Tell whether a kernel is one for bone or lung by its name, which differs by maker.

    Example:
        >>> is_sharp(ImageTraits(kernel="D", manufacturer="Philips"))
        True
        >>> is_sharp(ImageTraits(kernel="D")), is_sharp(ImageTraits(kernel="H70h"))
        (False, True)
    """
    kernels = [kernel.strip() for kernel in traits.kernel.upper().split("\\")]
    of_philips = "PHILIPS" in traits.manufacturer.upper()
    return any(
        _BONE_KERNEL.fullmatch(kernel) or (of_philips and _PHILIPS_SHARP.fullmatch(kernel))
        for kernel in kernels
    )


def _words(text: str) -> str:
    """Return text in upper case, with a space for each sign that may part words."""
    return re.sub(r"[^A-Z0-9.+]+", " ", text.upper()).strip()


def _texts(traits: ImageTraits, folders: Iterable[str]) -> list[str]:
    return [_words(text) for text in (traits.description, *folders)]


def _series(group: Sequence[ScannedFile], folders_describe: bool) -> _Series:
    # What most images say; the first among equals.
    traits = Counter(file.traits or ImageTraits() for file in group).most_common(1)[0][0]
    positions = [
        position
        for file in group
        for position in file.frame_positions_mm or (file.position_mm,)
        if position is not None
    ]
    extent = max(positions) - min(positions) if positions else None
    silent = not _words(traits.description)
    folders = _folders(group) if folders_describe or silent else frozenset()
    return _Series(tuple(group), traits, len(group_by_position(positions)), extent, folders)


def _covers(series: _Series, widest_mm: float) -> bool:
    return series.extent_mm is None or series.extent_mm >= _SMALLEST_COVERAGE * min(
        widest_mm, _LONGEST_HEAD_MM
    )


def _folders(group: Sequence[ScannedFile]) -> frozenset[str]:
    return frozenset(file.path.rpartition("/")[0].rpartition("/")[2] for file in group)


def _rank(
    series: _Series, config: SeriesSelectionConfig
) -> tuple[bool, int, bool, float, bool, int, str]:
    texts = _texts(series.traits, series.folders)
    fine = config.kernel != "bone" and any(_FINE.search(text) for text in texts)
    silent = not any(_PLAIN.search(text) or _NO_CONTRAST.search(text) for text in texts)
    thickness = series.traits.thickness_mm
    derived = "DERIVED" in series.traits.image_type
    rest = (derived, -series.n_positions, series.files[0].path)
    if thickness is None:
        return fine, 2, silent, 0.0, *rest
    if thickness < config.min_thick_mm:
        return fine, 1, silent, -thickness, *rest
    return fine, 0, silent, round(abs(thickness - config.wanted_thickness_mm), 3), *rest
