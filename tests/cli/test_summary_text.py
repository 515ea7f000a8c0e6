from dataclasses import replace

from examwise.cli.summary_text import ingest_text, split_text
from examwise.data.splits import SplitSummary
from examwise.imaging.reasons import REASONS
from examwise.ingest.summary import IngestSummary

SUMMARY = IngestSummary(
    n_exams=3, n_slices=1200, n_patients=2, n_files=1210, n_used=1200, n_labels=18
)


def test_plain_ingest():
    assert ingest_text(SUMMARY, "store").splitlines() == [
        "store: 3 exams of 2 patients, 1,200 slices, from 1,200 of 1,210 files",
        "Labels: 18 events; 0 exams without any",
    ]


def test_everything_that_did_not_come_in_is_said_with_its_reason():
    summary = IngestSummary(
        **{
            **vars(SUMMARY),
            "left_out": {"localizer": 4},
            "set_aside": {"truncated": 6},
            "n_labels_without_file": 5,
        }
    )
    lines = ingest_text(summary, "store").splitlines()
    assert "Not matched: 5 labelled images without a file" in lines
    assert f"Left out: 4 (localizer) {REASONS['localizer']}" in lines
    assert f"Set aside: 6 (truncated) {REASONS['truncated']}" in lines
    assert lines[-1].startswith("Which files these are stands in the crosswalk")


def test_splits():
    summary = SplitSummary(
        n_patients={"train": 6, "test": 2},
        n_exams={"train": 7, "test": 2},
        n_positive_exams={"train": 3, "test": 1},
    )
    assert split_text(summary).splitlines() == [
        "train: 7 exams of 6 patients, 3 positive",
        "test: 2 exams of 2 patients, 1 positive",
    ]
    with_none = replace(summary, empty_parts=("validation",))
    assert split_text(with_none).splitlines()[-1].startswith("Warning: no exam for validation:")
