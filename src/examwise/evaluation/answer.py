"""The answer of a study: what a fair reading says, then each archive by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from examwise.core.digests import readable_json
from examwise.core.errors import SchemaError
from examwise.core.schemas.study import BUDGETED, FINE_TUNED

ANSWER = "answer.json"

Row = Mapping[str, Any]

Arm = Literal["strong", "weak"]

UNITS = ("hours", "actions", "labels")
"""Units of cost, the most telling first."""


@dataclass(frozen=True)
class Reading:
    """What one archive says where slice labels were drawn one way.

    Attributes:
        acquisition: How slice labels were drawn: ``spread``, ``whole_exam`` or ``exam_first``.
        sentence: What both ways of labelling took, and which was cheaper.
        cheaper: Unit (``hours`` where costs are given, ``actions``, ``labels``; the leading one
            first) to the arm that was cheaper, ``strong`` or ``weak``; None where the data do
            not tell.
        mode: ``budgeted``: the first answer, of learners whose encoder stays as it is where the
            study trains it on as well; ``fine_tuned``: the full answer, of those.
    """

    acquisition: str
    sentence: str
    cheaper: Mapping[str, Arm | None]
    mode: str = BUDGETED

    @classmethod
    def from_dict(cls, found: Row) -> Reading:
        """Build from what :func:`dataclasses.asdict` makes of one."""
        cheaper: dict[str, Arm | None] = {}
        # JSON's keys are sorted.
        for unit in sorted(found["cheaper"], key=UNITS.index):
            arm = found["cheaper"][unit]
            if arm not in ("strong", "weak", None):
                raise ValueError(f"cheaper in {unit}: {arm}")
            cheaper[unit] = arm
        mode = str(found.get("mode", BUDGETED))
        if mode not in (BUDGETED, FINE_TUNED):
            raise ValueError(f"mode: {mode}")
        return cls(str(found["acquisition"]), str(found["sentence"]), cheaper, mode)


@dataclass(frozen=True)
class ArchiveAnswer:
    """What the test exams of one archive say.

    Attributes:
        archive: Its name; of several internal archives their joint name.
        is_external: Whether no label was bought there.
        n_exams: Labelled test exams.
        n_positive: Positive ones.
        n_patients: Their patients.
        readings: One for each way in which slice labels were drawn, the first answer's before
            those of the full one; none where a study lacks one of both arms.
        table: A row for each learner, mode, way of drawing and budget: ``learner``, ``mode``,
            ``acquisition``, ``label_kind``, ``labels``, ``exams_opened``, ``actions``, ``hours``
            (None without costs), ``repeats``, ``auc``, ``auc_lower`` and ``auc_upper`` (None where
            undefined).
        cautions: Sentences, each computed from the study, the weightiest first.
    """

    archive: str
    is_external: bool
    n_exams: int
    n_positive: int
    n_patients: int
    readings: tuple[Reading, ...]
    table: tuple[Row, ...]
    cautions: tuple[str, ...]

    def readings_of(self, mode: str) -> tuple[Reading, ...]:
        """Return the readings of one mode."""
        return tuple(reading for reading in self.readings if reading.mode == mode)

    @classmethod
    def from_dict(cls, found: Row) -> ArchiveAnswer:
        """Build from what :func:`dataclasses.asdict` makes of one."""
        return cls(
            archive=str(found["archive"]),
            is_external=bool(found["is_external"]),
            n_exams=int(found["n_exams"]),
            n_positive=int(found["n_positive"]),
            n_patients=int(found["n_patients"]),
            readings=tuple(Reading.from_dict(reading) for reading in found["readings"]),
            table=tuple({**row} for row in found["table"]),
            cautions=tuple(str(caution) for caution in found["cautions"]),
        )


@dataclass(frozen=True)
class Answer:
    """What a study found.

    Attributes:
        headline: What a fair reading of all archives says.
        finding: What was to be found.
        target_auc: AUC to reach, set before the study.
        archives: The internal one first, external ones as they were given.
        full_headline: The same of learners whose encoder was trained on as well, where the study
            has enough of them to say so; else None.
    """

    headline: str
    finding: str
    target_auc: float
    archives: tuple[ArchiveAnswer, ...]
    full_headline: str | None = None

    @property
    def internal(self) -> ArchiveAnswer:
        """Where the labels were bought."""
        return self.archives[0]

    @property
    def external(self) -> tuple[ArchiveAnswer, ...]:
        """Archives that were tested on only."""
        return self.archives[1:]

    def to_json(self) -> str:
        """Return readable JSON, the same text for the same answer."""
        return readable_json(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = ANSWER) -> Answer:
        """Build from :meth:`to_json`'s text.

        Raises:
            SchemaError: If the text is no answer.

        Example:
            >>> here = ArchiveAnswer("here", False, 9, 4, 9, (), (), ())
            >>> answer = Answer("It depends.", "any", 0.8, (here,))
            >>> Answer.from_json(answer.to_json()) == answer
            True
        """
        try:
            found = json.loads(text)
            full = found.get("full_headline")
            answer = cls(
                headline=str(found["headline"]),
                finding=str(found["finding"]),
                target_auc=float(found["target_auc"]),
                archives=tuple(ArchiveAnswer.from_dict(archive) for archive in found["archives"]),
                full_headline=None if full is None else str(full),
            )
            if [archive.is_external for archive in answer.archives] != [
                number > 0 for number in range(max(1, len(answer.archives)))
            ]:
                raise ValueError("one internal archive must come first")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SchemaError(
                where=where,
                expected="an answer in JSON",
                got=f"{type(error).__name__}: {error}",
                remedy="evaluate the study again",
            ) from error
        return answer
