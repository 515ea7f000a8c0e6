"""How long a label file of RSNA 2019's size takes to parse, and in how much memory.

Run: python benchmarks/rsna_labels.py [--images 752803]. Writes an invented ``stage_2_train.csv`` in
that archive's layout (a row for each image and finding, four images twice, rows out of order) to a
temporary folder, and reads it as an import does, in fresh processes. Linux only: memory is the peak
resident set of the reading process, imports and the list of the archive's files included.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from examwise.core.schemas.findings import FINDINGS

TWICE = 4
SCRIPT = """
import json, sys, time
from pathlib import Path
from examwise.ingest.config import IngestConfig
from examwise.ingest.rsna import RsnaImporter
names = Path(sys.argv[1], "names.txt").read_text().split()
paths = [f"stage_2_train/{name}.dcm" for name in names]
start = time.perf_counter()
config = IngestConfig()
labels = RsnaImporter().read_labels(Path(sys.argv[1], "stage_2_train.csv"), paths, config)
seconds = time.perf_counter() - start
assert len(labels.files) == len(paths)
# The resource module would count what the parent held when it started this process.
lines = open("/proc/self/status").read().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
print(json.dumps([seconds, peak / 1024]))
"""


def write_labels(folder: Path, n_images: int) -> int:
    """Write the label file and the images' names; return the number of rows."""
    generator = np.random.default_rng(0)
    # An odd factor takes different numbers to different ones.
    names = [f"ID_{number * 0x9E3779B97 % 16**9:09x}" for number in range(n_images)]
    (folder / "names.txt").write_text("\n".join(sorted(names)))
    kinds = [finding for finding in FINDINGS if finding != "any"]
    values = {kind: generator.random(n_images) < 0.03 for kind in kinds}
    values["any"] = np.any(list(values.values()), axis=0)
    columns = {"image": names, **{finding: values[finding] for finding in FINDINGS}}
    table = pl.DataFrame(columns)
    rows = (
        pl.concat([table, table.head(TWICE)])
        .unpivot(FINDINGS, index="image", variable_name="finding", value_name="value")
        .select(
            ID=pl.concat_str("image", pl.lit("_"), "finding"), Label=pl.col("value").cast(pl.Int8)
        )
        .sample(fraction=1, shuffle=True, seed=0)
    )
    rows.write_csv(folder / "stage_2_train.csv")
    return rows.height


def main() -> None:
    """Write the file, read it three times, and print the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=752_803)
    options = parser.parse_args()
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        n_rows = write_labels(Path(folder), options.images)
        found = [
            json.loads(
                subprocess.run(
                    [sys.executable, "-c", SCRIPT, folder],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
            for _ in range(3)
        ]
    seconds, memory = (min(values) for values in zip(*found, strict=True))
    print(f"{n_rows} rows of {options.images} images: {seconds:.2f} s, {memory:.0f} MiB")


if __name__ == "__main__":
    main()
