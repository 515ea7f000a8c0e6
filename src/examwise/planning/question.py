"""What a plan is asked."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.core.errors import InputError


@dataclass(frozen=True)
class Reports:
    """Labels taken from reports.

    Attributes:
        sensitivity: Share of positive exams whose report says so.
        specificity: Share of negative exams whose report says so.
        seconds: For one exam; 0 where a program reads them.
    """

    sensitivity: float
    specificity: float
    seconds: float = 0.0

    def __post_init__(self) -> None:
        for name in ("sensitivity", "specificity"):
            if not 0.5 < getattr(self, name) <= 1:
                raise InputError(
                    where=f"--report-{name}", expected="above 0.5, up to 1", got=getattr(self, name)
                )
        if not self.seconds >= 0:
            raise InputError(where="--report-seconds", expected="0 or more", got=self.seconds)

    @property
    def worth(self) -> float:
        """How many true labels one of them is worth, in learning.

        Flipped at random, labels carry ``(sensitivity + specificity - 1) ** 2`` of the
        information (Natarajan et al., 2013, for the rate of learning); errors that gather in
        small findings may cost more there.

        Example:
            >>> round(Reports(0.9, 0.9).worth, 2)
            0.64
        """
        return (self.sensitivity + self.specificity - 1) ** 2


@dataclass(frozen=True)
class PublicModel:
    """A model of somebody else's, as it is.

    Attributes:
        auc: On exams of one's own, or of an archive like it.
        lower: Lower 95% limit.
        upper: Upper 95% limit.
    """

    auc: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Question:
    """What a plan is asked.

    Attributes:
        hours: Reader hours that there are.
        prevalence: Share of positive exams that is expected.
        margin: AUC by which exam labels may do worse and still count as no worse.
        goal: Exam AUC to reach; the highest expected one counts if None.
        archive_exams: Exams that there are to label; without end if None.
        exams_labelled: Of these labelled already, for training.
        test_labelled: Test exams labelled already.
        power: Wanted chance of the test set.
        correlation: Of both learners' errors.
        readers: Who read each test exam.
        double_reading: Share of the training labels that is read twice.
        precision: How well reading times are to be known.
        is_local: Whether the study is of this very archive.
        reports: Labels from reports; not compared if None.
        public: A model of somebody else's; not compared if None.
    """

    hours: float
    prevalence: float
    margin: float
    goal: float | None = None
    archive_exams: int | None = None
    exams_labelled: int = 0
    test_labelled: int = 0
    power: float = 0.8
    correlation: float = 0.5
    readers: int = 2
    double_reading: float = 0.1
    precision: float = 0.1
    is_local: bool = False
    reports: Reports | None = None
    public: PublicModel | None = None

    def __post_init__(self) -> None:
        checks = (
            ("--hours", "more than 0", self.hours, self.hours > 0),
            ("--prevalence", "above 0 and below 1", self.prevalence, 0 < self.prevalence < 1),
            ("--goal", "between 0.5 and 1", self.goal, self.goal is None or 0.5 < self.goal < 1),
            ("--readers", "1 or more", self.readers, self.readers >= 1),
            ("--power", "between 0.5 and 1", self.power, 0.5 <= self.power < 1),
            (
                "--double-reading",
                "from 0 to 1",
                self.double_reading,
                0 <= self.double_reading <= 1,
            ),
            ("--precision", "above 0 and below 1", self.precision, 0 < self.precision < 1),
            (
                "--archive-exams",
                "1 or more",
                self.archive_exams,
                self.archive_exams is None or self.archive_exams >= 1,
            ),
        )
        for where, expected, got, right in checks:
            if not right:
                raise InputError(where=where, expected=expected, got=got)
