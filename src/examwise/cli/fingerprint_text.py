"""A store's fingerprint in words, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NUMBERS = {
    "slices_per_exam": "Slices an exam",
    "slice_spacing_mm": "Slice spacing, mm",
    "thickness_mm": "Thickness, mm",
}
_MOST_VALUES = 6
_BAR_WIDTH = 40
_BAR_BINS = ((-1100, -900), (-900, -200), (-200, -10), (-10, 20), (20, 50), (50, 100),
             (100, 400), (400, 3100))  # fmt: skip


def verify_text(store: str, content: Mapping[str, Any]) -> str:
    """Say what a store holds and whether it is whole.

    Args:
        store: Name of the store.
        content: ``faults``, ``doubts``, ``decoded`` and ``fingerprint``.
    """
    faults, doubts = len(content["faults"]), len(content["doubts"])
    state = f"{faults:,} faults" if faults else "whole"
    lines = [f"{store}: {state}" + (f", {doubts:,} doubts" if doubts else "")]
    found = content["fingerprint"]
    if found is None:
        return "\n".join([*lines, "No fingerprint: the tables cannot be relied on"])
    lines += [
        f"Content {found['content'][:16]}: {found['exams']:,} exams of {found['patients']:,} "
        f"patients, {found['slices']:,} slices, {found['label_events']:,} label events, "
        f"{found['shard_bytes'] / 2**20:,.1f} MiB of pixels"
    ]
    lines += [
        f"  {part}: {own['exams']:,} exams of {own['patients']:,} patients"
        for part, own in found["parts"].items()
    ] or ["  not split"]
    lines += _prevalence(found)
    for name, title in _NUMBERS.items():
        own = found[name]
        missing = f", missing in {own['missing']:,}" if own["missing"] else ""
        lines.append(
            f"{title}: median {own['median']:g}, {own['minimum']:g} to {own['maximum']:g}{missing}"
            if own["known"]
            else f"{title}: not known"
        )
    for name, title in (("kernels", "Kernels"), ("scanner_groups", "Scanner groups")):
        shown = [f"{value} {count:,}" for value, count in list(found[name].items())[:_MOST_VALUES]]
        more = len(found[name]) - len(shown)
        lines.append(f"{title}: " + ", ".join(shown) + (f" and {more:,} more" if more else ""))
    lines.append(
        f"Exams unevenly spaced: {found['irregular']:,}; tilted: {found['tilted']:,}; "
        f"coded with loss: {found['lossy']:,}"
    )
    if found["hu"] is not None:
        lines += _hu_bars(found["hu"])
    return "\n".join(lines)


def _prevalence(found: Mapping[str, Any]) -> list[str]:
    if not found["prevalence"]:
        return ["No labels"]
    lines = ["Positive among labelled exams (slices):"]
    for finding in dict.fromkeys(row["finding"] for row in found["prevalence"]):
        parts = [
            f"{row['part']} {_share(row, 'exams')} ({_share(row, 'slices')})"
            for row in found["prevalence"]
            if row["finding"] == finding
        ]
        lines.append(f"  {finding}: " + ", ".join(parts))
    return lines


def _share(row: Mapping[str, Any], kind: str) -> str:
    known = row[f"{kind}_labelled"]
    return f"{100 * row[f'{kind}_positive'] / known:.1f}%" if known else "–"


def _hu_bars(hu: Mapping[str, Any]) -> list[str]:
    first, width, counts = hu["first_edge_hu"], hu["bin_width_hu"], hu["counts"]
    total = sum(counts)
    lines = [f"HU from {hu['lowest_hu']} to {hu['highest_hu']}:"]
    for low, high in _BAR_BINS:
        share = sum(counts[(low - first) // width : (high - first) // width]) / total
        bar = "█" * round(_BAR_WIDTH * share)
        lines.append(f"  {low:>5} to {high:>4}  {100 * share:5.1f}%  {bar}".rstrip())
    return lines
