"""Slices per second that the shipped encoder encodes, by how many it is given at a time.

Run: python benchmarks/encoding.py [--slices 1024] [--matrix 96]. One thread; made-up pixels.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import torch

from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.training.beginnings import options_of_weights

ENCODER = "shipped:synthetic-head-ct"
CHUNKS = (512, 256, 128, 64, 32, 0)


def main() -> None:
    """Measure and print a line for each size; 0 is what the package chooses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=1024)
    parser.add_argument("--matrix", type=int, default=96)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = ModelConfig(weights=ENCODER, frozen=("all",), **options_of_weights(ENCODER))
    generator = torch.Generator().manual_seed(0)
    shape = (options.slices, options.matrix, options.matrix)
    pixels_hu = torch.randint(-100, 200, shape, generator=generator, dtype=torch.int16)
    for size in CHUNKS:
        classifier = ExamClassifier(replace(model, chunk_slices=size), exam_rule=POOLED).eval()
        with torch.inference_mode():
            classifier.encode(pixels_hu[:64])
            began = time.perf_counter()
            classifier.encode(pixels_hu)
        rate = options.slices / (time.perf_counter() - began)
        print(f"{size or 'as chosen'} at a time: {rate:.0f} slices/s", flush=True)


if __name__ == "__main__":
    main()
