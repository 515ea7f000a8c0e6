from __future__ import annotations

import pytest

from examwise.reporting.checklists.claim import CLAIM
from examwise.reporting.checklists.items import TO_FILL_IN, Checklist, Fact, count_filled, filled
from examwise.reporting.checklists.stard import STARD


def test_guidelines_have_all_their_items() -> None:
    assert [item.number for item in CLAIM.items] == [str(number) for number in range(1, 45)]
    halves = {10, 12, 13, 21}
    expected = [
        f"{number}{half}"
        for number in range(1, 31)
        for half in (("a", "b") if number in halves else ("",))
    ]
    assert [item.number for item in STARD.items] == expected


@pytest.mark.parametrize("checklist", [CLAIM, STARD], ids=lambda checklist: checklist.name)
def test_what_is_not_known_is_left_to_the_authors(checklist: Checklist) -> None:
    facts = {"performance": Fact("AUC 0.9.", "there")}
    rows = filled(checklist, facts)
    known = [row for row in rows if row[2] != TO_FILL_IN]
    assert len(known) == count_filled(checklist, facts) == 1
    assert known[0][2:] == ("AUC 0.9.", "there")
