"""Make the encoder that comes with the package, from nothing but this repository.

Run: make encoder (or python tools/make_encoder.py [--work DIR] [--out DIR]). Writes 1,300
synthetic exams, imports their pixels and trains on them without reading a label: under half an
hour on two cores. Interrupted, the same command goes on where it was. The archive's seed belongs
to no study; where the hardware has bfloat16 the tensors may differ in their last digits from
machine to machine.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from examwise.core.executors import make_executor
from examwise.core.identity import Identity
from examwise.core.progress import ConsoleProgress
from examwise.ingest.config import IngestConfig
from examwise.ingest.ingest import ingest_archive
from examwise.models.shipped_encoders import shipped_folder
from examwise.phantom.archive import make_phantom_archive
from examwise.phantom.config import PhantomConfig
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain

NAME = "synthetic-head-ct"
# Slices of many thicknesses; the seed is that of no study, benchmark or test.
EXAMS = PhantomConfig(n_exams=1300, matrix=96, min_slices=20, max_slices=34, seed=7001)
SLICES = IngestConfig(matrix=96, archive_name="synthetic", data_terms="synthetic, no terms")
ENCODER = EncoderConfig(encoder="slim_resnet18", width=16)
PRETRAINING = PretrainingConfig(pretext="pasted_shapes", steps=4000, half_precision=True)


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("out/encoder"))
    parser.add_argument("--out", type=Path, default=shipped_folder() / NAME)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    executor, progress = make_executor(options.workers), ConsoleProgress()
    archive, store = options.work / "archive", options.work / "store"
    make_phantom_archive(archive, EXAMS, layout="rsna", executor=executor, progress=progress)
    key = hashlib.sha256(f"phantom {EXAMS.seed}".encode()).digest()
    ingest_archive(
        "rsna",
        archive,
        str(store),
        identity=Identity(options.work / "identity", key=key),
        config=SLICES,
        executor=executor,
        progress=progress,
    )
    pretrain(
        stores=[str(store)],
        encoder=ENCODER,
        pretraining=PRETRAINING,
        out=str(options.out),
        # Every patient may be used: no model is ever tested on these.
        allow_unsplit=True,
        progress=progress,
    )


if __name__ == "__main__":
    main()
