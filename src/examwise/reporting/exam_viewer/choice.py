"""Which exams are interesting, by a rule and never by eye.

How wrong a learner is of an exam goes from 0, at its threshold, to 1, at the far end: of a
positive exam that it misses ``(threshold - probability) / threshold``, of a negative one that it
calls positive ``(probability - threshold) / (1 - threshold)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from examwise.reporting.exam_viewer.payload import ExamEntry, LearnerEntry
from examwise.reporting.words import within_sentence

DISAGREE, HIT, CORRECT_NEGATIVE = "disagree", "hit", "correct-negative"
NOT_LABELLED, NOT_PREDICTED = "not-labelled", "not-predicted"
_MAPPED = "maps"

INTEREST_RULE = (
    "The most interesting exams come first: those with the largest sum of how wrong each learner "
    "is (0 at its threshold, 1 at the far end) and, where they call the exam differently, of how "
    "far their probabilities are apart. Equals go by pseudonym."
)
PACKING_RULE = (
    "Archives take turns, and within an archive the kinds: missed by each learner, false alarms of "
    "each, learners disagree, exams with maps, hits, correct negatives, no label; of each kind the "
    "most interesting exam that is not there yet"
)


def kind_words(learners: Sequence[LearnerEntry]) -> dict[str, str]:
    """Return the kinds of exams and how they are called, the most interesting first."""
    names = [within_sentence(learner["name"]) for learner in learners]
    words = {f"missed-{place}": f"Missed by {name}" for place, name in enumerate(names)}
    words |= {f"false-alarm-{place}": f"False alarm of {name}" for place, name in enumerate(names)}
    if len(names) > 1:
        words[DISAGREE] = "Learners disagree"
    if names:
        words |= {HIT: "Hit", CORRECT_NEGATIVE: "Correct negative"}
        words[NOT_PREDICTED] = "Not predicted"
    return words | {NOT_LABELLED: "No label"}


def kinds_of(
    truth: int | None, probabilities: Sequence[float | None], thresholds: Sequence[float]
) -> list[str]:
    """Return the codes of an exam's kinds, the leading one first.

    Example:
        >>> kinds_of(1, [0.9, 0.2], [0.5, 0.5])
        ['missed-1', 'disagree']
        >>> kinds_of(None, [], [])
        ['not-labelled']
    """
    called = [
        None if probability is None else probability >= threshold
        for probability, threshold in zip(probabilities, thresholds, strict=True)
    ]
    kinds = []
    if truth is not None:
        name, wrong = ("missed", False) if truth else ("false-alarm", True)
        kinds = [f"{name}-{place}" for place, call in enumerate(called) if call is wrong]
        if not kinds and True in called:
            kinds.append(HIT)
        elif not kinds and False in called:
            kinds.append(CORRECT_NEGATIVE)
    if True in called and False in called:
        kinds.append(DISAGREE)
    if thresholds and called == [None] * len(called):
        kinds.append(NOT_PREDICTED)
    return kinds if truth is not None else [*kinds, NOT_LABELLED]


def interest(
    truth: int | None, probabilities: Sequence[float | None], thresholds: Sequence[float]
) -> float:
    """Return how interesting an exam is, by :data:`INTEREST_RULE`.

    Example:
        >>> interest(1, [0.75, 0.25], [0.5, 0.5])
        1.0
        >>> interest(0, [0.1, 0.2], [0.5, 0.5])
        0.0
    """
    known = [
        (probability, threshold)
        for probability, threshold in zip(probabilities, thresholds, strict=True)
        if probability is not None
    ]
    total = 0.0
    if truth is not None:
        total = sum(_wrongness(truth, probability, limit) for probability, limit in known)
    if len({probability >= threshold for probability, threshold in known}) > 1:
        values = [probability for probability, _ in known]
        total += max(values) - min(values)
    return total


def _wrongness(truth: int, probability: float, threshold: float) -> float:
    if truth and probability < threshold:
        return (threshold - probability) / threshold
    if not truth and probability >= threshold:
        return (probability - threshold) / (1 - threshold) if threshold < 1 else 1.0
    return 0.0


def by_interest(exams: Iterable[ExamEntry]) -> list[ExamEntry]:
    """Sort exams, the most interesting first; those that were not predicted last."""

    def rank(exam: ExamEntry) -> tuple[bool, float, str, str]:
        return NOT_PREDICTED in exam["kinds"], -exam["interest"], exam["exam_id"], exam["id"]

    return sorted(exams, key=rank)


def packing_order(exams: Sequence[ExamEntry], kinds: Mapping[str, str]) -> list[ExamEntry]:
    """Return exams in the order of :data:`PACKING_RULE`.

    Args:
        exams: From :func:`by_interest`.
        kinds: From :func:`kind_words`.
    """
    after = (HIT, CORRECT_NEGATIVE, NOT_LABELLED, NOT_PREDICTED)
    order = [*(kind for kind in kinds if kind not in after), _MAPPED, *after]
    archives = dict.fromkeys(sorted(exam["archive"] for exam in exams))
    queues = [_in_turns(exams, order, archive) for archive in archives]
    rounds = zip_longest(*queues)
    return [exam for turn in rounds for exam in turn if exam is not None]


def _in_turns(exams: Sequence[ExamEntry], order: Sequence[str], archive: str) -> list[ExamEntry]:
    own = [exam for exam in exams if exam["archive"] == archive]
    waiting = [[exam for exam in own if _is_of(exam, kind)] for kind in order]
    taken: dict[str, ExamEntry] = {}
    while any(waiting):
        for queue in waiting:
            while queue and queue[0]["id"] in taken:
                queue.pop(0)
            if queue:
                exam = queue.pop(0)
                taken[exam["id"]] = exam
    return list(taken.values())


def _is_of(exam: ExamEntry, kind: str) -> bool:
    return kind in exam["overlays"] if kind == _MAPPED else kind in exam["kinds"]
