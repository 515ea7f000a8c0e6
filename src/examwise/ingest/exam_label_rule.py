"""How many of several readers make a finding of an exam positive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from examwise.core.errors import InputError

_WORDS = ("majority", "any", "all")
_RULE = re.compile(rf"{'|'.join(_WORDS)}|[1-9]\d?")
_EXPECTED = (
    f"{', '.join(_WORDS)} or a number of readers, then, if need be, ,FINDING= and such a rule "
    "(majority,epidural=any)"
)


@dataclass(frozen=True)
class ExamLabelRule:
    """How many readers make a finding positive: ``majority``, ``any``, ``all`` or a number.

    Attributes:
        of_all: The rule of every finding that has none of its own.
        of_finding: Finding to its own rule.

    Example:
        >>> rule = ExamLabelRule.parse("majority,epidural=any,subdural=3")
        >>> [rule.n_needed(name, 3) for name in ("any", "epidural", "subdural")]
        [2, 1, 3]
    """

    of_all: str
    of_finding: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> ExamLabelRule:
        """Read a rule as the user writes it.

        Raises:
            InputError: If it is none.
        """
        first, *others = text.split(",") if isinstance(text, str) else ("",)
        of_finding: dict[str, str] = {}
        for part in others:
            finding, _, rule = part.partition("=")
            if not finding.strip() or finding.strip() in of_finding:
                raise _no_rule(text)
            of_finding[finding.strip()] = rule.strip()
        if not all(_RULE.fullmatch(rule) for rule in (first.strip(), *of_finding.values())):
            raise _no_rule(text)
        return cls(first.strip(), of_finding)

    def require(self, findings: tuple[str, ...], n_readers: int) -> None:
        """Refuse a rule for findings or numbers of readers that an archive does not have.

        Raises:
            InputError: If it has such.
        """
        if strange := [name for name in self.of_finding if name not in findings]:
            raise InputError(
                where="option exam_label",
                expected=f"rules for findings among {', '.join(findings)}",
                got=strange[0],
            )
        for rule in (self.of_all, *self.of_finding.values()):
            if rule.isdecimal() and int(rule) > n_readers:
                raise InputError(
                    where="option exam_label",
                    expected=f"{n_readers} readers at most",
                    got=rule,
                )

    def n_needed(self, finding: str, n_readers: int) -> int:
        """Return how many readers make a finding positive."""
        rule = self.of_finding.get(finding, self.of_all)
        words = {"majority": n_readers // 2 + 1, "any": 1, "all": n_readers}
        return words.get(rule) or int(rule)

    @property
    def name(self) -> str:
        """The rule as part of the name of a source of labels.

        Example:
            >>> ExamLabelRule.parse("majority, epidural=any").name
            'majority_epidural_any'
        """
        parts = [self.of_all, *(f"{name}_{rule}" for name, rule in sorted(self.of_finding.items()))]
        return "_".join(parts)


def _no_rule(text: object) -> InputError:
    return InputError(where="option exam_label", expected=_EXPECTED, got=text)
