"""``reads.csv`` of CQ500: a row a study, fourteen columns for each of three readers.

Source: the file's header (Chilamkurthy et al., 2018). There is no column for a consensus.
"""

from __future__ import annotations

from collections.abc import Iterable

from examwise.core.randomness import generator
from examwise.phantom.layouts.csv_text import csv_bytes
from examwise.phantom.layouts.protocol import LabelledExam, Row
from examwise.phantom.layouts.readers import N_READERS, Read, sample_reads

READS_FILE = "reads.csv"

_KIND_COLUMNS = {
    "IPH": "intraparenchymal",
    "IVH": "intraventricular",
    "SDH": "subdural",
    "EDH": "epidural",
    "SAH": "subarachnoid",
}
_COLUMNS = (
    "ICH",
    *_KIND_COLUMNS,
    "BleedLocation-Left",
    "BleedLocation-Right",
    "ChronicBleed",
    "Fracture",
    "CalvarialFracture",
    "OtherFracture",
    "MassEffect",
    "MidlineShift",
)
HEADER = (
    "name",
    "Category",
    *(f"R{reader}:{column}" for reader in range(1, N_READERS + 1) for column in _COLUMNS),
)
_BATCHES = ("B1", "B2")
_OF_FIRST_BATCH = 214 / 491


def reads_row(item: LabelledExam) -> Row:
    """Return a study's row.

    Example:
        >>> len(HEADER), HEADER[:4]
        (44, ('name', 'Category', 'R1:ICH', 'R1:IPH'))
    """
    random = generator(item.seed, "batch")
    batch = _BATCHES[int(random.uniform() >= _OF_FIRST_BATCH)]
    answers = [answer for read in sample_reads(item) for answer in _answers(read)]
    return item.identifiers.patient, batch, *answers


def reads_file(rows: Iterable[Row]) -> bytes:
    """Return the file of all studies' rows, sorted by name as text: 10 before 2."""
    return csv_bytes(HEADER, sorted(rows, key=lambda row: str(row[0])))


def _answers(read: Read) -> list[int]:
    fractures = ("vault_fracture" in read.others, "other_fracture" in read.others)
    found = [
        bool(read.kinds),
        *(kind in read.kinds for kind in _KIND_COLUMNS.values()),
        "left" in read.sides,
        "right" in read.sides,
        "chronic" in read.others,
        any(fractures),
        *fractures,
        "mass_effect" in read.others,
        "midline_shift" in read.others,
    ]
    return [int(answer) for answer in found]
