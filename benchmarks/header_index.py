"""How fast headers are read with and without the index of them, and what an import remembers.

Run: python benchmarks/header_index.py [--files 4000] [--sizes 2000 20000 200000]. Makes tiny DICOM
files of 16 x 16 pixels in a temporary folder, and looks at them four times: without an index,
writing one, with a whole one, and with the half of one that a killed import leaves. Then it runs
the whole of an import in the RSNA 2019 layout, labels included, over so many files (752803 is the
archive's own number), in a process of its own each: all that an import does and remembers in its
main process, while files are empty and slices of 8 x 8 pixels are made up, so that reading and
coding cost nothing. Linux only: memory is the peak resident set, imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from examwise.core.executors.serial import SerialExecutor
from examwise.core.identity import Identity
from examwise.core.progress import SilentProgress
from examwise.core.schemas.findings import FINDINGS
from examwise.imaging.store_writer import ExamContent, StoreWriter
from examwise.ingest.config import IngestConfig
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.exam_work import ExamJob, ExamOutcome, store_exam
from examwise.ingest.header_index import HeaderIndex, forget_headers
from examwise.ingest.image_traits import ImageTraits
from examwise.ingest.importers import IMPORTERS
from examwise.ingest.ingest import ingest_archive
from examwise.ingest.label_events import label_events
from examwise.ingest.listing import list_files
from examwise.ingest.scan import ScannedFile, ScanRules, header_index, keep_scanned, scan_files

SLICES_AN_EXAM = 35
FOLDER = "stage_2_train"
RULES = ScanRules(reads_nifti=False, selects_series=True)
A_DAY_S = 86_400
ROOM = "#" * 24
"""Stands in the template where a number of each file comes."""

HEIGHT = "86420864"
"""Stands where its height comes."""


def template() -> bytes:
    """Return a small CT file with room for a series' and an image's number."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"i{ROOM}"
    dataset.PatientID = f"s{ROOM}"
    dataset.StudyInstanceUID = f"s{ROOM}"
    dataset.SeriesInstanceUID = f"s{ROOM}"
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SeriesDescription = "Head 5.0 H31s"
    dataset.ConvolutionKernel = "H31s"
    dataset.SliceThickness = 5
    dataset.ImagePositionPatient = ["-125", "-125", HEIGHT]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [0.5, 0.5]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = dataset.Columns = 16
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = bytes(512)
    dataset["PixelData"].VR = "OW"
    buffer = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=False)
    return buffer.getvalue()


def write_headers(folder: Path, n_files: int) -> None:
    """Write tiny DICOM files, all at rest since yesterday."""
    with pydicom.config.disable_value_validation():
        content = template()
    folder.mkdir(parents=True)
    then = time.time() - A_DAY_S
    for number in range(n_files):
        exam, place = divmod(number, SLICES_AN_EXAM)
        data = content.replace(f"i{ROOM}".encode(), f"i{number:024d}".encode())
        data = data.replace(f"s{ROOM}".encode(), f"s{exam:024d}".encode())
        data = data.replace(HEIGHT.encode(), f"{place * 5:08d}".encode())
        path = folder / f"{number:09x}.dcm"
        path.write_bytes(data)
        os.utime(path, (then, then))


def measure_headers(folder: Path, n_files: int) -> None:
    """Print how long four looks take."""
    source = folder / "source"
    write_headers(source, n_files)
    identity = Identity(folder / "identity")

    def look(*, index: bool) -> float:
        start = time.perf_counter()
        files = scan_files(
            source,
            list_files(source),
            rules=RULES,
            patient_of=nobody,
            executor=SerialExecutor(),
            progress=SilentProgress(),
            index=header_index(identity, source, RULES) if index else None,
        )
        assert len(files) == n_files
        assert all(file.traits for file in files)
        return time.perf_counter() - start

    def half() -> None:
        forget_headers(identity)
        listing = list_files(source)
        kept = header_index(identity, source, RULES)
        for place in range(n_files // 2):
            file = made_up(listing.paths[place], place // SLICES_AN_EXAM)
            keep_scanned(kept, listing, place, file._replace(traits=ImageTraits()))
        kept.flush()

    look(index=False)
    plain = min(look(index=False) for _ in range(2))
    writing, known, resumed = [], [], []
    for _ in range(2):
        forget_headers(identity)
        writing.append(look(index=True))
        known.append(look(index=True))
    for _ in range(2):
        half()
        resumed.append(look(index=True))
    print(f"without an index   {n_files / plain:9.0f} headers/s")
    for what, seconds in (("writing one", writing), ("half known", resumed), ("known", known)):
        took = min(seconds)
        print(f"{what:17}  {n_files / took:9.0f} headers/s, {took / plain:5.2f} of the time")


def nobody(path: str) -> str:
    """Return whose file it is by its path: that is not said."""
    del path
    return ""


def made_up(path: str, exam: int) -> ScannedFile:
    """Return what would have been found in a file: identifiers as long as those of RSNA 2019."""
    return ScannedFile(
        path,
        "dicom",
        "",
        f"ID_{exam:08x}",
        f"ID_{exam:010x}",
        f"ID_{exam:010x}",
        path.rpartition("/")[2].removesuffix(".dcm"),
    )


class MadeUpPixels(SerialExecutor):
    """Stores exams as an import does, but reads no file."""

    def map(self, function: Callable[[Any], Any], items: Any) -> Iterator[Any]:
        """Yield results of the function, or in place of its pixels' reading."""
        if getattr(function, "func", None) is not store_exam:
            yield from super().map(function, items)
            return
        for item in items:
            yield _store(function.args[0], item)


def _store(job: ExamJob, item: ExamItem) -> ExamOutcome:
    n = len(item.paths)
    exam = {
        "exam_id": item.exam_id,
        "patient_key": item.patient_key,
        "archive": job.archive,
        "n_slices": n,
        **dict.fromkeys(("rows", "columns", "source_rows", "source_columns"), 8),
        "row_spacing_mm": 0.5,
        "column_spacing_mm": 0.5,
        "slice_spacing_mm": 5.0,
        "regular": True,
        "gantry_tilt_degree": 0.0,
        "affine": np.eye(4).ravel().tolist(),
        "thickness_mm": 5.0,
        "kernel": "H31s",
        "scanner_group": None,
        "lossy": False,
        "data_terms": job.data_terms,
    }
    files = [
        {
            "path_digest": digest,
            "status": "used",
            "reason": "",
            "exam_id": item.exam_id,
            "slice_index": index,
        }
        for index, digest in enumerate(item.path_digests)
    ]
    content = ExamContent(
        exam=exam,
        pixels_hu=np.zeros((n, 8, 8), np.int16),
        positions_mm=np.arange(n) * 5.0,
        labels=list(label_events(item, range(n), job.task.findings)),
        files=files,
    )
    StoreWriter(job.store).write_exam(content)
    return ExamOutcome(item.exam_id, stored=True)


def import_made_up(folder: Path, n_files: int) -> None:
    """Import an archive whose headers are known; print the peak resident set in MiB."""
    source = folder / "source"
    images = source / FOLDER
    images.mkdir(parents=True)
    with (source / f"{FOLDER}.csv").open("w") as table:
        table.write("ID,Label\n")
        for number in range(n_files):
            (images / f"ID_{number:09x}.dcm").touch()
            positive = number % 7 == 0
            for finding in FINDINGS:
                value = int(positive and finding in ("any", "subdural"))
                table.write(f"ID_{number:09x}_{finding},{value}\n")
    identity = Identity(folder / "identity")
    importer = IMPORTERS.load("rsna")()
    rules = ScanRules(importer.reads_nifti, importer.mask_folder, importer.selects_series)
    listing = list_files(source, folder=FOLDER)
    time.sleep(5)  # what changed a moment ago is not kept
    index: HeaderIndex = header_index(identity, source, rules)
    for place, path in enumerate(listing.paths):
        keep_scanned(index, listing, place, made_up(path, place // SLICES_AN_EXAM))
    index.flush()
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import header_index"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; header_index.finish({str(folder)!r})"],
        check=True,
        capture_output=True,
        text=True,
    )
    print(done.stdout.strip().splitlines()[-1])


def finish(folder: str) -> None:
    """Run the import; in a process of its own, so that nothing made before counts."""
    start_kib = _peak_kib()
    start = time.perf_counter()
    summary = ingest_archive(
        "rsna",
        Path(folder) / "source",
        Path(folder) / "store",
        identity=Identity(Path(folder) / "identity"),
        config=IngestConfig(matrix=8),
        executor=MadeUpPixels(),
        progress=SilentProgress(),
    )
    result = {
        "files": summary.n_files,
        "start_mib": start_kib / 1024,
        "peak_mib": _peak_kib() / 1024,
        "seconds": time.perf_counter() - start,
    }
    print(json.dumps(result))


def _peak_kib() -> int:
    # The resource module would count what the parent held when it started this process.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2_000, 20_000, 200_000])
    parser.add_argument("--folder", type=Path, help="where to make files")
    parser.add_argument("--import-size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        if options.import_size:
            import_made_up(folder, options.import_size)
            return
        print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}")
        measure_headers(folder, options.files)
    finally:
        shutil.rmtree(folder)
    for size in options.sizes:
        place = ["--folder", str(options.folder)] if options.folder else []
        command = [sys.executable, __file__, "--import-size", str(size), *place]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        grown = (found["peak_mib"] - found["start_mib"]) * 2**20 / size
        print(
            f"import of {size:7,} files: peak {found['peak_mib']:6.0f} MiB, "
            f"{found['start_mib']:.0f} of them before it begins; {grown:6.0f} bytes a file; "
            f"{found['seconds']:.0f} s"
        )


if __name__ == "__main__":
    main()
