"""Time and memory of the embedded default study, and each stage's share of the time.

Run: make bench (or python benchmarks/study.py [--out DIR] [--workers N]). Linux only: memory is
the proportional set size of the whole process tree, sampled twice a second.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STAGES = {
    "phantom": "archive/manifest.json",
    "ingest": "store/manifest.json",
    "external archives": "external/2/store/manifest.json",
    "split": "store/splits.parquet",
    "runs": "manifest.json",
    "evaluation": "evaluation/manifest.json",
    "report": "report.html",
}
SECONDS_BETWEEN_SAMPLES = 0.5
MIB = 1024


def tree(root: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for process in found:
        found.extend(children.get(process, []))
    return found


def memory_mib(processes: list[int]) -> float:
    """Return the memory that processes hold, shared pages counted once."""
    total = 0
    for process in processes:
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / MIB


def main() -> None:
    """Run the study twice, the second time finished, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="new folder; a temporary one if left out")
    parser.add_argument("--workers", type=int)
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp(prefix="examwise-bench-")) / "study"
    command = [sys.executable, "-m", "examwise", "study", "--out", str(out)]
    if options.workers:
        command += ["--workers", str(options.workers)]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    ends: dict[str, float] = {}
    while process.poll() is None:
        peak = max(peak, memory_mib(tree(process.pid)))
        for stage, sign in STAGES.items():
            if stage not in ends and (out / sign).exists():
                ends[stage] = time.monotonic() - started
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    total = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"the study ended with status {process.returncode}")
    shares, before = {}, 0.0
    for stage in STAGES:
        end = ends.get(stage, total)
        shares[stage] = round((end - before) / total, 3)
        before = end
    resumed = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    again = time.monotonic() - resumed
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {platform.system()}",
                "python": platform.python_version(),
                "seconds": round(total, 1),
                "peak_memory_mib": round(peak),
                "share_of_time": shares,
                "finished_study_again_over_first": round(again / total, 3),
                "report_mib": round((out / "report.html").stat().st_size / MIB**2, 2),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
