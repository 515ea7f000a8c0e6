"""How fast slices and exams are read from a store, beside the bare codec and other formats.

Run: python benchmarks/read.py [--exams 8] [--matrix 512] [--repeats 5] [--workers 2]. Makes a
synthetic archive and its store in a temporary folder, and the same pixels as DICOM, NIfTI, ``.npy``
and ``.pt`` files, a file a slice for the last two, as published code kept them. Everything is read
in turns, in the same random order, and the best of each counts. Files are in the page cache.

The bare codec is one pread of the very bytes that the store's tables name and one call of blosc,
without checksums, into memory that is there already.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import torch
import zarr
from numcodecs import blosc
from torch.utils.data import DataLoader, Dataset

from examwise.core.executors import make_executor
from examwise.core.identity import Identity
from examwise.core.progress import SilentProgress
from examwise.core.schemas.store import shard_key
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.config import IngestConfig
from examwise.ingest.ingest import ingest_archive
from examwise.phantom.archive import make_phantom_archive
from examwise.phantom.config import PhantomConfig

Place = tuple[int, Sequence[int]]
Read = Callable[[int, Sequence[int]], Any]
LONGEST_TURN_S = 2.0


def make_store(folder: Path, options: argparse.Namespace) -> StoredExams:
    """Write an archive and import it."""
    config = PhantomConfig(n_exams=options.exams, matrix=options.matrix, further_series=0)
    executor, progress = make_executor(options.workers), SilentProgress()
    make_phantom_archive(folder / "archive", config, executor=executor, progress=progress)
    ingest_archive(
        "rsna",
        folder / "archive",
        folder / "store",
        identity=Identity(folder / "identity", key=bytes(32)),
        config=IngestConfig(matrix=options.matrix),
        executor=executor,
        progress=progress,
    )
    return StoredExams(folder / "store")


def dicom_files(folder: Path, stored: StoredExams) -> list[list[Path]]:
    """Return each exam's files in the order of its slices."""
    series: dict[str, list[tuple[float, Path]]] = {}
    for path in (folder / "archive").rglob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        height = float(header.ImagePositionPatient[2])
        series.setdefault(header.SeriesInstanceUID, []).append((height, path))
    found = sorted(series.values(), key=len)
    # Which exam is which makes no difference here, but sizes must be those of the store.
    order = np.argsort(stored.exams["n_slices"].to_numpy(), kind="stable")
    files: list[list[Path]] = [[]] * len(found)
    for exam, one in zip(order.tolist(), found, strict=True):
        files[exam] = [path for _, path in sorted(one)]
    return files


def write_others(folder: Path, stored: StoredExams) -> None:
    """Write the same pixels in other formats."""
    for name in ("npy", "pt", "nii", "nii.gz"):
        (folder / name).mkdir()
    for exam, exam_id in enumerate(stored.exams["exam_id"]):
        pixels = stored.read_slices(exam_id)
        for index, one in enumerate(pixels):
            np.save(folder / "npy" / f"{exam}-{index}.npy", one)
            torch.save(torch.from_numpy(one.copy()), folder / "pt" / f"{exam}-{index}.pt")
        image = nibabel.Nifti1Image(pixels.transpose(2, 1, 0), np.eye(4))
        for name in ("nii", "nii.gz"):
            nibabel.save(image, folder / name / f"{exam}.{name}")


class BareCodec:
    """One pread and one call of the codec a slice."""

    def __init__(self, folder: Path, stored: StoredExams) -> None:
        self.paths = [folder / "store" / shard_key(exam) for exam in stored.exams["exam_id"]]
        slices = stored.slices.partition_by("exam_id", maintain_order=True)
        self.places = [list(one.select("offset", "length").iter_rows()) for one in slices]
        self.shape = stored.shape(stored.exams["exam_id"][0])[1:]

    def __call__(self, exam: int, slices: Sequence[int]) -> Any:
        """Read slices of one exam."""
        pixels = np.empty((len(slices), *self.shape), np.int16)
        file = os.open(self.paths[exam], os.O_RDONLY)
        try:
            for target, index in zip(pixels, slices, strict=True):
                offset, length = self.places[exam][index]
                blosc.decompress(os.pread(file, length - 4, offset), target)
        finally:
            os.close(file)
        return pixels


def readers(folder: Path, stored: StoredExams) -> dict[str, Read]:
    """Return what is compared, the bare codec first."""
    names = stored.exams["exam_id"].to_list()
    bare = BareCodec(folder, stored)
    group = zarr.open_group(folder / "store" / "pixels.zarr", mode="r")
    arrays = [group[name] for name in names]
    files = dicom_files(folder, stored)

    def volume(kind: str) -> Read:
        def read(exam: int, slices: Sequence[int]) -> Any:
            data = nibabel.load(folder / kind / f"{exam}.{kind}").dataobj
            whole = len(slices) > 1
            return np.asarray(data) if whole else np.asarray(data[..., slices[0]])

        return read

    def array(exam: int, slices: Sequence[int]) -> Any:
        found = arrays[exam]
        return found[:] if len(slices) > 1 else found[slices[0]]

    def tensors(exam: int, slices: Sequence[int]) -> Any:
        return [torch.load(folder / "pt" / f"{exam}-{i}.pt", weights_only=True) for i in slices]

    ways: dict[str, Read] = {
        "bare codec": bare,
        "store": lambda exam, slices: stored.read_slices(names[exam], slices),
        "zarr-python, the same store": array,
        "npy": lambda exam, slices: [np.load(folder / "npy" / f"{exam}-{i}.npy") for i in slices],
        "pt": tensors,
        "nii, nibabel": volume("nii"),
        "nii.gz, nibabel": volume("nii.gz"),
        "DICOM, pydicom": lambda exam, slices: [
            pydicom.dcmread(files[exam][i]).pixel_array for i in slices
        ],
    }
    if find_spec("SimpleITK"):
        import SimpleITK

        ways["DICOM, SimpleITK"] = lambda exam, slices: SimpleITK.GetArrayFromImage(
            SimpleITK.ReadImage([str(files[exam][i]) for i in slices])
        )
    return ways


class Places(Dataset[torch.Tensor]):
    """Pixels by place, as tensors."""

    def __init__(self, read: Read, places: Sequence[Place]) -> None:
        self.read = read
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.from_numpy(self.read(*self.places[number]))


def once(read: Read, places: Sequence[Place]) -> Callable[[], Iterable[Any]]:
    """Return a function that reads every place in this process."""
    return lambda: (read(*place) for place in places)


def loaded(read: Read, places: Sequence[Place], workers: int) -> Callable[[], Iterable[Any]]:
    """Return a function that reads every place through a DataLoader, its workers started."""
    loader = DataLoader(
        Places(read, places),
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
        # Forked workers share the readers made here.
        multiprocessing_context="fork" if workers else None,
    )
    return lambda: iter(loader)


def measure(
    ways: dict[str, Callable[[], Iterable[Any]]], lengths: Sequence[int], repeats: int
) -> dict[str, float]:
    """Return milliseconds a slice: the best of several turns of all ways.

    A way that takes longer than a few seconds a turn is cut short there.
    """
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, work in ways.items():
            start = time.perf_counter()
            n_slices = 0
            for _pixels, length in zip(work(), lengths, strict=False):
                n_slices += length
                seconds = time.perf_counter() - start
                if seconds > LONGEST_TURN_S:
                    break
            best[name] = min(best[name], 1000 * seconds / n_slices)
    return best


def show(title: str, found: dict[str, float], bare: str) -> None:
    """Print milliseconds a slice and how the bare codec compares."""
    print(title)
    for name, milliseconds in found.items():
        print(f"  {name:30} {milliseconds:7.3f} ms a slice  {found[bare] / milliseconds:5.2f}")


def show_sizes(folder: Path) -> None:
    """Print what each format takes on disk."""
    places = {"store": "store/pixels.zarr", "DICOM": "archive", "npy": "npy", "pt": "pt"}
    places |= {"nii": "nii", "nii.gz": "nii.gz"}
    for name, place in places.items():
        size = sum(path.stat().st_size for path in (folder / place).rglob("*") if path.is_file())
        print(f"  {name:10} {size / 1e6:8.1f} MB")


def main() -> None:
    """Make the files, read them in every way, and print times and sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exams", type=int, default=8)
    parser.add_argument("--matrix", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # pydicom's, about identifiers
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if not find_spec("SimpleITK"):
        print("SimpleITK is not installed: left out")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = make_store(folder, options)
        write_others(folder, stored)
        sizes = stored.exams["n_slices"].to_list()
        generator = np.random.default_rng(0)
        places = [(exam, [index]) for exam, size in enumerate(sizes) for index in range(size)]
        single = [places[number] for number in generator.permutation(len(places))]
        whole = [(int(exam), range(sizes[exam])) for exam in generator.permutation(len(sizes))]
        print(f"{len(sizes)} exams, {len(places)} slices; last column: rate over the bare codec's")
        ways = readers(folder, stored)
        for title, wanted in (("random slice", single), ("whole exam", whole)):
            lengths = [len(slices) for _, slices in wanted]
            direct = {way: once(read, wanted) for way, read in ways.items()}
            found = measure(direct, lengths, options.repeats)
            show(f"{title}, in this process", found, "bare codec")
            for workers in (0, options.workers):
                loaders = {
                    way: loaded(ways[way], wanted, workers) for way in ("bare codec", "store")
                }
                found = measure(loaders, lengths, options.repeats)
                show(f"{title}, DataLoader with {workers} workers", found, "bare codec")
        print("on disk")
        show_sizes(folder)


if __name__ == "__main__":
    main()
