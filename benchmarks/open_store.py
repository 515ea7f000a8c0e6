"""How long a store of RSNA 2019's size takes to open, and in how much memory.

Run: python benchmarks/open_store.py [--exams 21744] [--slices 752803] [--findings 6]. Makes the
tables of such a store (no pixels) in a temporary folder, then opens it in fresh processes, so that
neither what made the tables nor an earlier opening counts. Linux only: memory is the peak resident
set of the opening process, imports included.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile

import numpy as np
import polars as pl

from examwise.core.schemas.findings import FINDINGS
from examwise.core.schemas.store import EXAMS, FILES, LABELS, SLICES
from examwise.core.stage import Stage

PATIENTS_PER_EXAM = 18_938 / 21_744
HEX = "0123456789abcdef"

OPENING = {
    "import": "",
    "open": "stored = StoredExams(sys.argv[1])",
    "exam labels": "stored = StoredExams(sys.argv[1])\nexam_labels(stored, 'any')",
    "slice labels": "stored = StoredExams(sys.argv[1])\nslice_labels(stored, 'any')",
}
SCRIPT = """
import json, sys, time
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, slice_labels
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
# The resource module would count what the parent held when it started this process.
lines = open("/proc/self/status").read().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
print(json.dumps([seconds, peak / 1024]))
"""


def write_tables(folder: str, *, n_exams: int, n_slices: int, n_findings: int) -> None:
    """Write a finished store's tables, every value drawn at random within its schema."""
    stage = Stage.begin(folder, kind="exam-store", configuration={}, inputs={}, seed=0)
    generator = np.random.default_rng(0)
    names = np.sort(generator.choice(list(HEX), (n_exams, 20)).view("<U20").ravel())
    patients = generator.choice(list(HEX), (n_exams, 20)).view("<U20").ravel()
    owner = generator.integers(0, round(n_exams * PATIENTS_PER_EXAM), n_exams)
    size = np.full(n_exams, n_slices // n_exams) + (np.arange(n_exams) < n_slices % n_exams)
    first = np.repeat(np.cumsum(size) - size, size)
    index = np.arange(n_slices) - first
    exams = {
        "exam_id": names.tolist(),
        "patient_key": patients[owner].tolist(),
        "archive": ["rsna_2019"] * n_exams,
        "n_slices": size,
        **dict.fromkeys(("rows", "columns", "source_rows", "source_columns"), [512] * n_exams),
        "row_spacing_mm": generator.uniform(0.4, 0.5, n_exams),
        "column_spacing_mm": generator.uniform(0.4, 0.5, n_exams),
        "slice_spacing_mm": [5.0] * n_exams,
        "regular": [True] * n_exams,
        "gantry_tilt_degree": generator.uniform(-20, 20, n_exams),
        "affine": generator.normal(size=(n_exams, 16)).tolist(),
        "thickness_mm": [5.0] * n_exams,
        "kernel": ["H31s"] * n_exams,
        "scanner_group": ["s"] * n_exams,
        "lossy": [False] * n_exams,
        "data_terms": ["non-commercial research"] * n_exams,
    }
    length = generator.integers(80_000, 160_000, n_slices)
    exam_of_slice = pl.Series(names.tolist()).gather(np.repeat(np.arange(n_exams), size))
    slices = {
        "exam_id": exam_of_slice,
        "slice_index": index.astype(np.int32),
        "position_mm": index * 5.0 - generator.uniform(0, 100, n_exams).repeat(size),
        "relative_position": index / np.maximum(np.repeat(size, size) - 1, 1),
        "offset": np.cumsum(length) - length,
        "length": length,
        "crc32c": generator.integers(0, 2**32, n_slices, dtype=np.uint32),
    }
    EXAMS.write(stage.storage, pl.DataFrame(exams, schema=EXAMS.dtypes))
    SLICES.write(stage.storage, pl.DataFrame(slices, schema=SLICES.dtypes))
    findings = list(FINDINGS[:n_findings])
    labels = pl.DataFrame({"exam_id": exam_of_slice, "slice_start": slices["slice_index"]})
    labels = labels.join(pl.DataFrame({"finding": findings}), how="cross").with_columns(
        slice_stop=pl.col("slice_start") + 1,
        value=pl.Series(generator.random(n_slices * n_findings) < 0.14).cast(pl.Int8),
        source=pl.lit("rsna_2019"),
        reader=pl.lit(None, pl.String),
        seconds=pl.lit(None, pl.Float64),
        round=pl.lit(0, pl.Int32),
    )
    LABELS.write(stage.storage, labels.select(LABELS.names))
    FILES.write(stage.storage, FILES.frame([]))
    stage.finish()


def main() -> None:
    """Make the tables, open them three times each way, and print the best of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exams", type=int, default=21_744)
    parser.add_argument("--slices", type=int, default=752_803)
    parser.add_argument("--findings", type=int, default=len(FINDINGS))
    options = parser.parse_args()
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        write_tables(
            folder,
            n_exams=options.exams,
            n_slices=options.slices,
            n_findings=options.findings,
        )
        for what, work in OPENING.items():
            script = SCRIPT.format(work=work)
            found = [
                json.loads(
                    subprocess.run(
                        [sys.executable, "-c", script, folder],
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout
                )
                for _ in range(3)
            ]
            seconds, memory = (min(values) for values in zip(*found, strict=True))
            print(f"{what:12}  {seconds:6.2f} s  {memory:6.0f} MiB")


if __name__ == "__main__":
    main()
