"""TorchIO's transforms on an exam's slices, in the loader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
import torchio

from examwise.core.errors import InputError


class TorchioSlices:
    """Applies a TorchIO transform to every slice on its own.

    A slice comes to TorchIO windowed to 0 … 1, as an image of one channel, with rows first, columns
    second and a third side of one, pixels 1 mm apart. What leaves the range comes back beyond the
    window's ends, where the model's window cuts it off.

    TorchIO draws from PyTorch's global generator. It is seeded here for every slice, from the
    generator that is given, and set back afterwards.

    Args:
        transform: What is applied.
        source: Where it is from, for messages.
    """

    def __init__(self, transform: torchio.Transform, *, source: str) -> None:
        self.transform = transform
        self.source = source

    def __call__(
        self,
        pixels_hu: npt.NDArray[np.int16],
        *,
        generator: np.random.Generator,
        window_center_hu: float,
        window_width_hu: float,
        slice_index: npt.NDArray[np.int64] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return slices changed at random, HU, as ``HostAugmentation`` says.

        Raises:
            InputError: If the transform fails, or what it returns has another shape or numbers
                that are not finite.
        """
        lowest = window_center_hu - window_width_hu / 2
        unit = np.clip((pixels_hu.astype(np.float32) - lowest) / window_width_hu, 0, 1)
        places = np.arange(len(unit)) if slice_index is None else slice_index
        # A seed is the same however many follow it.
        seeds = generator.integers(2**63, size=int(places.max(initial=-1)) + 1)[places]
        for image, seed in zip(unit, seeds.tolist(), strict=True):
            image[...] = self.change(image, seed)
        return unit * np.float32(window_width_hu) + np.float32(lowest)

    def change(self, image: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float32]:
        """Return one windowed slice, 0 … 1, changed; as :meth:`__call__`."""
        tensor = torch.from_numpy(image.copy())[None, :, :, None]
        try:
            with _seeded(seed):
                changed = self.transform(tensor)
        except Exception as error:
            # TorchIO and ITK raise errors of any type for arguments that do not fit an image.
            raise self._refused(_first_line(error)) from error
        if changed.shape != tensor.shape:
            raise self._refused(f"images of {tuple(changed.shape[1:])}")
        if not torch.isfinite(changed).all():
            raise self._refused("numbers that are not finite")
        numbers: npt.NDArray[np.float32] = changed[0, :, :, 0].float().numpy()
        return numbers

    def _refused(self, got: str) -> InputError:
        return InputError(
            where=self.source,
            expected="transforms that return slices of the shape they were given",
            got=got,
            remedy="change the transforms' arguments",
        )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    # TorchIO seeds all generators for its noise: those of devices in use are kept as well.
    in_use = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=in_use):
        torch.default_generator.manual_seed(seed)
        yield


def _first_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"
