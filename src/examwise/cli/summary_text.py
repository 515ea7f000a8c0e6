"""Summaries of stages in words, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from examwise.data.splits import SplitSummary
from examwise.imaging.reasons import REASONS
from examwise.ingest.join_counts import HEADINGS, JOIN_COUNTS
from examwise.ingest.summary import IngestSummary

_NEEDED = "training needs exams for train and validation, evaluating exams for test"


def ingest_text(summary: IngestSummary, store: str) -> str:
    """Say what came into a store, what did not, and why."""
    lines = [
        f"{store}: {summary.n_exams:,} exams of {summary.n_patients:,} patients, "
        f"{summary.n_slices:,} slices, from {summary.n_used:,} of {summary.n_files:,} files",
        f"Labels: {summary.n_labels:,} events; {summary.n_unlabelled_exams:,} exams without any",
    ]
    unmatched = {
        "labelled images without a file": summary.n_labels_without_file,
        "files without a label": summary.n_files_without_label,
        "labelled files in no exam": summary.n_labels_in_no_exam,
    }
    lines += [f"Not matched: {count:,} {what}" for what, count in unmatched.items() if count]
    lines += _joined(summary)
    lines += _reasons("Left out", summary.left_out)
    lines += _reasons("Set aside", summary.set_aside)
    if summary.set_aside:
        lines.append("Which files these are stands in the crosswalk beside your key")
    return "\n".join(lines)


def _joined(summary: IngestSummary) -> list[str]:
    lines = []
    for code, count in summary.joined.items():
        examples = summary.examples.get(code)
        such = f" (such as {', '.join(examples)})" if examples else ""
        lines.append(f"{HEADINGS[code]}: {count:,} {JOIN_COUNTS[code]}{such}")
    return lines


def _reasons(title: str, counts: Mapping[str, int]) -> list[str]:
    return [f"{title}: {count:,} ({reason}) {REASONS[reason]}" for reason, count in counts.items()]


def set_aside_text(set_aside: Mapping[str, Mapping[str, int]]) -> str:
    """Say for each archive what was set aside, and why; nothing where nothing was."""
    lines = [
        f"Set aside in {archive}: {count:,} ({reason}) {REASONS.get(reason) or JOIN_COUNTS[reason]}"
        for archive, counts in set_aside.items()
        for reason, count in counts.items()
    ]
    return "\n".join(lines)


def split_text(summary: SplitSummary) -> str:
    """Say how large each part is."""
    lines = [
        f"{part}: {summary.n_exams[part]:,} exams of {patients:,} patients, "
        f"{summary.n_positive_exams[part]:,} positive"
        for part, patients in summary.n_patients.items()
    ]
    if summary.empty_parts:
        parts = " and ".join(summary.empty_parts)
        lines.append(f"Warning: no exam for {parts}: {_NEEDED}")
    return "\n".join(lines)
