"""What a fair reading of a whole study says; every word follows from the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.evaluation.answer import ArchiveAnswer, Arm
from examwise.evaluation.verdict import reached_neither
from examwise.evaluation.wording import (
    ARM_NAMES,
    TRAINED_ON,
    UNIT_NOUNS,
    at_bound,
    drawn,
    goal,
    interval,
    listed,
    number,
    score_without_labels,
    sentence,
)

Row = Mapping[str, Any]

Ratios = Mapping[str, Mapping[str, Row]]
"""How slice labels were drawn to unit to row of ``RATIOS``, the leading unit first."""

_WEAK_SUPERVISION = "weak supervision (learning from exam labels alone)"


def compose_headline(
    archives: Sequence[ArchiveAnswer],
    ratios: Ratios,
    *,
    target_auc: float,
    finding: str,
    once: bool,
) -> str:
    """Return what the study says: inside, in which unit, and whether outside archives agree.

    Args:
        archives: The internal one first.
        ratios: Of the internal archive.
        target_auc: AUC to reach.
        finding: What is to be found.
        once: Whether every budget of the arms that are compared was tried once.
    """
    internal, *external = (
        replace(archive, readings=archive.readings_of(BUDGETED)) for archive in archives
    )
    aim = goal(target_auc, finding)
    if not ratios:
        kinds = {row["label_kind"] for row in internal.table if row["mode"] == BUDGETED}
        names = {"slice": ARM_NAMES["strong"], "exam": ARM_NAMES["weak"]}
        missing = [name for kind, name in names.items() if kind not in kinds]
        which = f"runs with {' or '.join(missing)}" if missing else "two learners to compare"
        return f"This study has no {which}, so it compares nothing for {aim}."
    parts = [
        _inside(internal, ratios, aim, once=once),
        *_other_units(ratios, internal),
        _outside(internal, external),
        *_without_labels(internal, target_auc),
    ]
    return " ".join(sentence(part) for part in parts)


def compose_full_headline(
    archives: Sequence[ArchiveAnswer],
    ratios: Ratios,
    *,
    target_auc: float,
    finding: str,
    once: bool,
) -> str | None:
    """Return the same of learners whose encoder was trained on as well: the full answer.

    Args:
        archives: The internal one first, with their readings of that mode.
        ratios: Of the internal archive and that mode.
        target_auc: AUC to reach.
        finding: What is to be found.
        once: Whether each of their budgets was tried once.

    Returns:
        None where nothing is compared that way.
    """
    if not ratios:
        return None
    internal, *external = (
        replace(archive, readings=archive.readings_of(FINE_TUNED)) for archive in archives
    )
    inside = _inside(internal, ratios, goal(target_auc, finding), once=once)
    parts = [f"{TRAINED_ON}, {inside}", *_other_units(ratios, internal)]
    if external:
        parts.append(_outside(internal, external))
    return " ".join(sentence(part) for part in parts)


def _verdicts(archive: ArchiveAnswer, unit: str) -> dict[str, Arm | None]:
    return {reading.acquisition: reading.cheaper[unit] for reading in archive.readings}


def _inside(internal: ArchiveAnswer, ratios: Ratios, aim: str, *, once: bool) -> str:
    unit = _lead(ratios)
    noun = UNIT_NOUNS[unit]
    rows = {acquisition: by_unit[unit] for acquisition, by_unit in ratios.items()}
    place = f"{aim} on '{internal.archive}'"
    if all(map(reached_neither, rows.values())):
        return (
            f"neither slice labels nor exam labels reached {place} with the budgets tried, so "
            "these data do not tell which are cheaper"
        )
    verdicts = _verdicts(internal, unit)
    tried = " in the one draw of labels that was tried" if once else ""
    found = set(verdicts.values())
    close = _weak_supervision(found)
    if len(found) > 1:
        ways = [
            f"with slices drawn {drawn(acquisition)}, {_said(arm)} ({_times(rows[acquisition])})"
            for acquisition, arm in verdicts.items()
        ]
        turns = ", the answer turns on how slices are drawn" if None not in found else ""
        return f"in {noun}, for reaching {place}{tried}{turns}: {'; '.join(ways)}{close}"
    ways = [f"{drawn(acquisition)} ({_times(row)})" for acquisition, row in rows.items()]
    how = f"with slices drawn {ways[0]}"
    if len(ways) > 1:
        how = f"whether slices were drawn {' or '.join(ways)}"
    (arm,) = found
    if arm is None:
        return (
            f"in {noun}, these data do not tell whether slice labels or exam labels are cheaper "
            f"for reaching {place}, {how}{close}"
        )
    dearer = ARM_NAMES["strong" if arm == "weak" else "weak"]
    return (
        f"in {noun}, {ARM_NAMES[arm]} were cheaper than {dearer} for reaching {place}{tried}, "
        f"{how}{close}"
    )


def _weak_supervision(found: set[Arm | None]) -> str:
    if "weak" in found:
        return ""
    does = "does not win" if "strong" in found else "is not shown to win"
    return f"; {_WEAK_SUPERVISION} {does} here"


def _said(arm: Arm | None) -> str:
    return "these data do not tell" if arm is None else f"{ARM_NAMES[arm]} were cheaper"


def _times(row: Row, *, with_interval: bool = True) -> str:
    """Say how much more slice labels took, or why there is no number."""
    if row["ratio"] is not None:
        times = f"slice labels took {at_bound(row)}{number(row['ratio'])} times as many"
        return f"{times}, {interval(row)}" if with_interval else times
    if reached_neither(row):
        return "neither reached it"
    if row["strong"] is not None and row["weak"] is not None:
        return "both reached it with their smallest budgets already"
    missed = "strong" if row["strong"] is None else "weak"
    return f"{ARM_NAMES[missed]} did not reach it with their largest budget"


def _other_units(ratios: Ratios, internal: ArchiveAnswer) -> Iterator[str]:
    """Say where counting in another unit gives another answer."""
    lead = _lead(ratios)
    if all(reached_neither(by_unit[lead]) for by_unit in ratios.values()):
        return
    ours = _verdicts(internal, lead)
    others = [unit for unit in next(iter(ratios.values())) if unit != lead]
    same = [unit for unit in others if _verdicts(internal, unit) == ours]
    for unit in others:
        if unit not in same:
            said = _by_drawing(_verdicts(internal, unit), ratios, unit)
            yield f"counted in {UNIT_NOUNS[unit]}, however, {said}"
    if same:
        nouns = listed([UNIT_NOUNS[unit] for unit in same])
        if set(ours.values()) == {None}:
            yield f"counted in {nouns} they do not tell either"
        else:
            yield f"counted in {nouns} the answer is the same"


def _by_drawing(verdicts: Mapping[str, Arm | None], ratios: Ratios, unit: str) -> str:
    times = {
        acquisition: _times(by_unit[unit], with_interval=False)
        for acquisition, by_unit in ratios.items()
    }
    if len(set(verdicts.values())) == 1:
        (arm,) = set(verdicts.values())
        ways = [f"{drawn(acquisition)}, {text}" for acquisition, text in times.items()]
        return f"{_said(arm)} (drawn {'; '.join(ways)})"
    return "; ".join(
        f"with slices drawn {drawn(acquisition)}, {_said(arm)} ({times[acquisition]})"
        for acquisition, arm in verdicts.items()
    )


def _outside(internal: ArchiveAnswer, external: Sequence[ArchiveAnswer]) -> str:
    if not external:
        return "no other archive was tested, so whether this holds elsewhere is not known"
    unit = next(iter(internal.readings[0].cheaper))
    inside = _verdicts(internal, unit)
    names: dict[str, list[str]] = {}
    for other in external:
        clause = _elsewhere(inside, _verdicts(other, unit))
        names.setdefault(clause, []).append(f"'{other.archive}'")
    clauses = [f"on {listed(archives)} {clause}" for clause, archives in names.items()]
    alone = ", each archive for itself" if len(external) > 1 else ""
    return f"outside{alone}, in {UNIT_NOUNS[unit]}: {'; '.join(clauses)}"


def _elsewhere(inside: Mapping[str, Arm | None], outside: Mapping[str, Arm | None]) -> str:
    if not outside:
        return "nothing can be judged"
    arms = set(outside.values())
    if arms == {None}:
        return "the data do not tell" + (" either" if set(inside.values()) == {None} else "")
    if outside == inside:
        return "the answer is the same"
    if len(arms) == 1:
        (arm,) = arms
        opposite = None not in inside.values() and arm not in inside.values()
        return ("the answer is the opposite: " if opposite else "") + _said(arm)
    return " and ".join(
        f"{_said(arm).replace('these data', 'the data')} with slices drawn {drawn(acquisition)}"
        for acquisition, arm in outside.items()
    )


def _without_labels(internal: ArchiveAnswer, target_auc: float) -> Iterator[str]:
    reached = [
        f"{score_without_labels(row['learner'])} has an AUC of {row['auc']:.3f}"
        for row in internal.table
        if row["mode"] == LABEL_FREE and row["auc"] >= target_auc
    ]
    if reached:
        yield (
            "but the target says little about labels, since it is reached without any: "
            f"{listed(reached)}"
        )


def _lead(ratios: Ratios) -> str:
    return next(iter(next(iter(ratios.values()))))
