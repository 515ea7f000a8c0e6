"""What h-Shap of images takes, beside its model's evaluations run bare and the published way.

Run: python benchmarks/hshap.py [--side 96] [--images 8] [--encoder NAME] [--width N] [--cycle]
[--min-size-fraction 0.25] [--threshold 0] [--device cpu]. The model has random weights, and slices
are noise with a bright spot. Printed are the coalitions scored, the seconds that takes, the seconds
that the same images, made beforehand, take in full batches (both the shortest of several turns,
taken by turns; on a CPU seconds of its own time), and the count and seconds of the published
algorithm as written here: every node's 16 coalitions scored, two nodes in a batch.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from examwise.explain.explained_model import ExplainedModel
from examwise.explain.hshap.image import HShapMaps, cycle_image_hshap
from examwise.explain.hshap.quadrants import N_COALITIONS, N_QUADRANTS, quadrants
from examwise.explain.hshap.shapley import shapley_values
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier

PUBLISHED_NODES_PER_BATCH = 2
BACKGROUND_HU = 30.0


def slices(n: int, side: int, device: str) -> Tensor:
    """Return noise with a bright spot somewhere, HU."""
    stream = np.random.default_rng(0)
    pixels = stream.normal(BACKGROUND_HU, 10, (n, side, side)).astype(np.float32)
    for image in pixels:
        row, column = stream.integers(0, side - side // 6, 2)
        image[row : row + side // 6, column : column + side // 6] += 40
    return torch.from_numpy(pixels).to(device)


def now(device: str) -> float:
    """Return a time in seconds: of the processor alone, where others may share it."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def seconds(act: Callable[[], object], device: str) -> float:
    """Return how long something takes, the device's work included."""
    began = now(device)
    act()
    return now(device) - began


def bare(score: Callable[[Tensor], Tensor], masked: Tensor, size: int) -> None:
    """Score ready-made images in full batches."""
    with torch.no_grad():
        torch.cat([score(batch) for batch in masked.split(size)]).cpu()


def published_way(
    score: Callable[[Tensor], Tensor],
    image: Tensor,
    background: Tensor,
    shift: tuple[int, int],
    *,
    min_size: int,
    threshold: float,
) -> int:
    """Explain an image with nothing reused, and return how many images were scored."""
    side = len(image)
    image, background = (one.roll((-shift[0], -shift[1]), (0, 1)) for one in (image, background))
    nodes, values, count = np.array([[0, side, 0, side]]), np.ones(1), 0
    for _ in range((side // min_size).bit_length()):
        worth = []
        for start in range(0, len(nodes), PUBLISHED_NODES_PER_BATCH):
            kept = torch.zeros(
                (PUBLISHED_NODES_PER_BATCH, N_COALITIONS, side, side),
                dtype=torch.bool,
                device=image.device,
            )[: len(nodes) - start]
            for node, parts in enumerate(quadrants(nodes[start : start + len(kept)])):
                for quadrant, (top, bottom, left, right) in enumerate(parts):
                    members = np.flatnonzero(np.arange(N_COALITIONS) >> quadrant & 1)
                    kept[node, members, top:bottom, left:right] = True
            masked = torch.where(kept.flatten(0, 1), image, background).roll(shift, (1, 2))
            with torch.no_grad():
                worth.append(score(masked).cpu().double().view(-1, N_COALITIONS))
            count += len(masked)
        found = values[:, None] * shapley_values(torch.cat(worth).numpy(), n_players=N_QUADRANTS)
        parent, part = np.nonzero(found > threshold)
        if not len(parent):
            break
        nodes, values = quadrants(nodes)[parent, part], found[parent, part]
    return count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--encoder", default=ModelConfig().encoder)
    parser.add_argument("--width", type=int, default=ModelConfig().width)
    parser.add_argument("--min-size-fraction", type=float, default=0.25)
    parser.add_argument("--threshold", type=float, default=0.0)
    parser.add_argument("--cycle", action="store_true", help="25 shifts")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    config = ModelConfig(encoder=options.encoder, width=options.width)
    classifier = ExamClassifier(config, exam_rule=POOLED)
    score = ExplainedModel(classifier, column=0, device=options.device).slice_probabilities
    images = slices(options.images, options.side, options.device)
    background = torch.full_like(images[0], BACKGROUND_HU)
    min_size = max(1, round(options.min_size_fraction * options.side))
    radii = np.linspace(0, min_size, 4) if options.cycle else np.zeros(1)
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)

    def explain(score: Callable[[Tensor], Tensor] = score) -> HShapMaps:
        return cycle_image_hshap(
            score,
            images,
            background,
            min_size=min_size,
            radii=list(radii),
            angles=list(angles),
            threshold=options.threshold,
            batch_images=options.batch,
        )

    batches = []

    def remembered(batch: Tensor) -> Tensor:
        batches.append(batch)
        return score(batch)

    explain(remembered)
    masked = torch.cat(batches)
    batches.clear()
    n = len(masked)
    ours, alone = [], []
    for _ in range(options.turns):
        alone.append(seconds(lambda: bare(score, masked, options.batch), options.device))
        ours.append(seconds(explain, options.device))
    print(f"{options.images} slices of {options.side}², {config.encoder}, {options.device}")
    print(f"  distinct coalitions  {n:7}  {n / len(images):8.1f} a slice")
    print(f"  scored bare          {min(alone):9.2f} s")
    print(f"  h-Shap               {min(ours):9.2f} s  {min(ours) / min(alone):6.2f} of bare")
    began, n_published = now(options.device), 0
    for image in images:
        for radius in radii:
            for angle in angles if radius else angles[:1]:
                shift = (-int(radius * np.sin(angle)), int(radius * np.cos(angle)))
                n_published += published_way(
                    score, image, background, shift, min_size=min_size, threshold=options.threshold
                )
    took = now(options.device) - began
    print(
        f"  published way        {took:9.2f} s  {n_published} scored, "
        f"{n_published / len(images):.1f} a slice"
    )


if __name__ == "__main__":
    main()
