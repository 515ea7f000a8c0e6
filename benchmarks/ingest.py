"""How fast archives are imported, beside a bare loop that decodes and compresses the same files.

Run: python benchmarks/ingest.py [--exams 20] [--matrix 512] [--repeats 3] [--workers 2]
[--codings NAME …] [--source FOLDER]. Makes a synthetic archive in a temporary folder, codes it anew
in every transfer syntax that can be written here, and imports each; or imports a folder of DICOM
series of your own. Everything is repeated in turns and the best of each counts, so that ratios hold
on a busy machine; the first ratio is given of processor time, too. One worker and the bare loops
are held to one processor core (Linux). Files are in the page cache: nothing here is about reading
disks. Worker processes are started by the first turn.

The bare loop does what no importer can leave out: pydicom's dcmread and pixel_array (nibabel's
dataobj), then the store's codec on each slice, then one file an exam, waiting for the disk. It
reads no header beforehand, puts no slices in order, converts nothing to HU and checks nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import numpy as np
import pydicom
from numcodecs import blosc
from pydicom.pixels import get_decoder
from pydicom.uid import UID, JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from examwise.core.executors import make_executor
from examwise.core.identity import Identity
from examwise.core.progress import SilentProgress
from examwise.ingest.config import IngestConfig
from examwise.ingest.ingest import ingest_archive
from examwise.phantom.archive import make_phantom_archive
from examwise.phantom.config import PhantomConfig

CODINGS: dict[str, UID | None] = {
    "uncompressed": None,
    "JPEG lossless": JPEGLosslessSV1,
    "RLE": RLELossless,
    "JPEG 2000": JPEG2000Lossless,
}
WHOLE = ("NIfTI", "NIfTI, gzip")

Series = Sequence[Sequence[Path]]


def make_archive(folder: Path, layout: str, options: argparse.Namespace) -> None:
    """Write a synthetic archive."""
    config = PhantomConfig(n_exams=options.exams, matrix=options.matrix, further_series=0)
    executor = make_executor(options.workers)
    make_phantom_archive(
        folder, config, layout=layout, executor=executor, progress=SilentProgress()
    )


def code_again(source: Path, target: Path, syntax: UID) -> bool:
    """Copy an archive with its images in another transfer syntax; tell whether that can be done."""
    by_tool = syntax == JPEGLosslessSV1
    if by_tool and shutil.which("dcmcjpeg") is None:
        print("    dcmcjpeg (DCMTK) is not installed: left out")
        return False
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif path.suffix != ".dcm":
            shutil.copyfile(path, copy)
        elif by_tool:
            subprocess.run(["dcmcjpeg", "+e1", "+un", path, copy], check=True, capture_output=True)
        else:
            dataset = pydicom.dcmread(path)
            dataset.compress(syntax, generate_instance_uid=False)
            dataset.save_as(copy)
    return True


def series_of(folder: Path) -> Series:
    """Return the files of each series of a folder, or each NIfTI file for itself."""
    found = sorted(path for path in folder.rglob("*") if path.name.endswith((".nii", ".nii.gz")))
    if found:
        return [[path] for path in found if path.parent.name != "masks"]
    named = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with contextlib.suppress(pydicom.errors.InvalidDicomError):
            header = pydicom.dcmread(path, specific_tags=["SeriesInstanceUID"])
            named.append((str(header.get("SeriesInstanceUID")), path))
    return [[path for _, path in group] for _, group in groupby(sorted(named), lambda one: one[0])]


def decode(path: Path) -> Iterator[np.ndarray]:
    """Decode one file to slices as pydicom or nibabel gives them."""
    if path.name.endswith((".nii", ".nii.gz")):
        import nibabel

        yield from np.asarray(nibabel.load(path).dataobj).astype(np.int16).transpose(2, 1, 0)
    else:
        yield pydicom.dcmread(path).pixel_array


def bare_loop(series: Series, out: Path) -> int:
    """Decode, compress and write; return the number of slices."""
    n_slices = 0
    for number, paths in enumerate(series):
        chunks = []
        for path in paths:
            for pixels in decode(path):
                one = np.ascontiguousarray(pixels)
                chunks.append(
                    blosc.compress(one, b"zstd", 1, blosc.SHUFFLE, one.nbytes, typesize=2)
                )
        with (out / str(number)).open("wb") as file:
            file.write(b"".join(chunks))
            os.fsync(file.fileno())
        n_slices += len(chunks)
    return n_slices


def decode_only(series: Series, out: Path) -> int:
    """Decode and do nothing with it."""
    del out
    return sum(1 for paths in series for path in paths for _ in decode(path))


def simple_itk(series: Series, out: Path) -> int:
    """Read every series with SimpleITK's reader, as converters do; nothing is written."""
    import SimpleITK

    del out
    n_slices = 0
    for paths in series:
        reader = SimpleITK.ImageSeriesReader()
        names = reader.GetGDCMSeriesFileNames(str(paths[0].parent)) if len(series) == 1 else ()
        reader.SetFileNames(names or [str(path) for path in paths])
        n_slices += len(SimpleITK.GetArrayFromImage(reader.Execute()))
    return n_slices


def importer(layout: str, source: Path, workers: int) -> Callable[[Series, Path], int]:
    """Return a function that imports the archive."""

    def work(series: Series, out: Path) -> int:
        del series
        summary = ingest_archive(
            layout,
            source,
            out / "store",
            identity=Identity(out / "identity", key=bytes(32)),
            config=IngestConfig(allow_unmatched_labels=True),
            executor=make_executor(workers),
            progress=SilentProgress(),
        )
        return summary.n_slices

    return work


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Hold this process to one processor core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def measure(name: str, layout: str, source: Path, options: argparse.Namespace) -> None:
    """Print the best of several turns of everything on one archive."""
    series = series_of(source)
    several = f"{options.workers} workers"
    ways: dict[str, Callable[[Series, Path], int]] = {
        "bare": bare_loop,
        "1 worker": importer(layout, source, 1),
        several: importer(layout, source, options.workers),
        "decode only": decode_only,
    }
    if layout != "ct-ich" and find_spec("SimpleITK"):
        ways["SimpleITK"] = simple_itk
    best = dict.fromkeys(ways, 0.0)
    on_processor = dict.fromkeys(ways, 0.0)
    stored = 0
    for _ in range(options.repeats):
        for way, work in ways.items():
            with tempfile.TemporaryDirectory(dir=options.folder) as out:
                cores = contextlib.nullcontext() if way == several else one_core()
                with cores:
                    start, busy = time.perf_counter(), time.process_time()
                    n_slices = work(series, Path(out))
                    rate = n_slices / (time.perf_counter() - start)
                    cpu_rate = n_slices / (time.process_time() - busy)
                best[way] = max(best[way], rate)
                on_processor[way] = max(on_processor[way], cpu_rate)
                stored = n_slices if way == "1 worker" else stored
    ratios = (
        f"{best['1 worker'] / best['bare']:.2f} "
        f"(processor time {on_processor['1 worker'] / on_processor['bare']:.2f}), "
        f"{best[several] / best['1 worker']:.2f}"
    )
    rates = "  ".join(f"{way} {rate:.0f}" for way, rate in best.items())
    print(f"{name:14} {stored:5} slices; {ratios}; slices/s: {rates}", flush=True)


def main() -> None:
    """Make the archives and measure each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exams", type=int, default=20)
    parser.add_argument("--matrix", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--codings", nargs="+", default=[*CODINGS, *WHOLE])
    parser.add_argument("--source", type=Path, help="a folder of DICOM series")
    parser.add_argument("--folder", type=Path, help="where to make the temporary folder")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; ratios: one worker to the bare loop, {options.workers} workers to one")
    if not find_spec("SimpleITK"):
        print("SimpleITK is not installed: left out")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        options.folder = Path(name)
        if options.source:
            measure("source", "folder", options.source, options)
            return
        plain = options.folder / "uncompressed"
        if any(coding in options.codings for coding in CODINGS):
            make_archive(plain, "rsna", options)
        for coding, syntax in CODINGS.items():
            if coding not in options.codings:
                continue
            source = plain if syntax is None else options.folder / coding
            if syntax is None or code_again(plain, source, syntax):
                assert syntax is None or get_decoder(syntax).is_available
                measure(coding, "rsna", source, options)
        for coding in WHOLE:
            if coding in options.codings:
                source = options.folder / coding
                make_archive(source, "ct-ich", options)
                if coding.endswith("gzip"):
                    zip_volumes(source)
                measure(coding, "ct-ich", source, options)


def zip_volumes(folder: Path) -> None:
    """Compress every NIfTI file of a folder."""
    import nibabel

    for path in sorted(folder.rglob("*.nii")):
        nibabel.save(nibabel.load(path), f"{path}.gz")
        path.unlink()


if __name__ == "__main__":
    main()
