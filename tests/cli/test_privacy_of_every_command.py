"""No command writes anything that identifies: canaries in, every byte that comes out searched."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import shutil
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pydicom
import pytest
import yaml

from examwise.cli.main import COMMANDS, main
from examwise.service.exam_server.server import ExamServer

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning")

CANARY = "Zqxjwvbk"
"""In every text that may name somebody or some place."""

UID = "2.25.998877665544332211"
DATE = "19770717"
BIRTH = "19330412"
NUMBER = "5544332299"

SECRETS = (CANARY, UID, DATE, "1977-07-17", BIRTH, "1933-04-12", NUMBER)
MODEL = ["--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "8",
         "--training.steps", "4", "--training.validate_every", "2"]  # fmt: skip


class Place:
    """A hospital's folder, its key, and everything that commands wrote, in one temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source" / f"{CANARY} Clinic"
        self.out = folder / "out"
        self.identity = folder / "identity"
        self.out.mkdir()
        self.identity.mkdir(mode=0o700)
        (self.identity / "key").write_text("5a" * 32 + "\n")  # the same pseudonyms in every run
        self.said: dict[str, str] = {}
        self.commands: set[str] = {"phantom"}  # invented patients; nothing of it is searched

    def run(self, *words: object) -> None:
        """Run a command and keep what it said."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main([str(word) for word in words])
        assert status in (0, 3), said.getvalue()
        self.said[f"{words[0]}, command {len(self.said)}"] = said.getvalue()
        self.commands.add(str(words[0]))


def set_canaries(path: Path, target: Path) -> None:
    dataset = pydicom.dcmread(path)
    patient, study, series = dataset.PatientID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID
    dataset.PatientID = f"{CANARY}-{NUMBER}-{patient}"
    dataset.StudyInstanceUID = f"{UID}.1.{zlib.crc32(study.encode())}"
    dataset.SeriesInstanceUID = f"{UID}.2.{zlib.crc32(series.encode())}"
    dataset.SOPInstanceUID = f"{UID}.3.{zlib.crc32(path.name.encode())}"
    dataset.FrameOfReferenceUID = f"{UID}.4"
    for keyword in (
        *("InstitutionName", "InstitutionalDepartmentName", "DeviceSerialNumber", "Manufacturer"),
        *("ManufacturerModelName", "StudyDescription", "ProtocolName", "ImageComments"),
        *("PatientComments", "SoftwareVersions"),
    ):
        setattr(dataset, keyword, f"{CANARY} {NUMBER}")
    for keyword in ("AccessionNumber", "StudyID", "StationName", "ConvolutionKernel"):
        setattr(dataset, keyword, CANARY)
    for keyword in ("PatientName", "ReferringPhysicianName", "OperatorsName"):
        setattr(dataset, keyword, f"{CANARY}^Jane")
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(dataset, keyword, DATE)
    dataset.PatientBirthDate = BIRTH
    private = dataset.private_block(0x0029, f"{CANARY} PRIVATE", create=True)
    private.add_new(0x01, "LO", f"{CANARY} private {NUMBER}")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationVersionName = CANARY
    target.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(target)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("privacy")
    place = Place(folder)
    sizes = ["--phantom.n_exams", "42", "--phantom.matrix", "64", "--phantom.min_slices", "10",
             "--phantom.max_slices", "12", "--phantom.exams_per_patient", "1"]  # fmt: skip
    plain = folder / "plain"
    assert main(["phantom", str(plain), *sizes, "--workers", "1", "--quiet"]) == 0
    truth = pl.read_csv(plain / "stage_2_train.csv").filter(pl.col("ID").str.ends_with("_any"))
    label_of = {name.removesuffix("_any"): value for name, value in truth.iter_rows()}
    rows = []
    for path in sorted((plain / "stage_2_train").glob("*.dcm")):
        patient = pydicom.dcmread(path, stop_before_pixels=True).PatientID
        target = place.source / f"{CANARY}^Jane {patient}" / f"{CANARY}_{path.name}"
        set_canaries(path, target)
        rows.append(f"{target.relative_to(place.source).as_posix()},{label_of[path.stem]}")
    (place.source / f"{CANARY} notes.txt").write_text(f"{CANARY} {NUMBER}")
    labels = place.source / f"{CANARY} labels.csv"
    labels.write_text("\n".join(["path,any", *rows]) + "\n")
    shutil.rmtree(plain)
    return place


def later_exams(place: Place) -> Path:
    """Take some exams out of the source, as if they came later; return their folder."""
    later = place.source.parent / f"{CANARY} later"
    later.mkdir()
    for folder in sorted(path for path in place.source.iterdir() if path.is_dir())[:3]:
        shutil.move(folder, later / folder.name)
    return later


def outside_exams(place: Place) -> Path:
    """Take exams out of the source for another hospital, with labels; return their folder."""
    outside = place.source.parent / f"{CANARY} outside"
    outside.mkdir()
    for folder in sorted(path for path in place.source.iterdir() if path.is_dir())[:12]:
        shutil.move(folder, outside / folder.name)
    labels = f"{CANARY} labels.csv"
    shutil.copy(place.source / labels, outside / labels)
    return outside


def space_file(place: Place) -> Path:
    path = place.source.parent / f"{CANARY} space.yaml"
    path.write_text("training.learning_rate: {log_uniform: [0.0001, 0.001]}\n")
    return path


def study_file(place: Place) -> Path:
    config = yaml.safe_load((Path(__file__).parent / "tiny_study.yaml").read_text())
    config["source"] = {
        "layout": "folder",
        "labels": f"{CANARY} labels.csv",
        "ingest": {"matrix": 64, "allow_unmatched_labels": True},
    }
    config["external"] = [config["source"] | {"ingest": {"archive_name": "outside"}}]
    config["external"][0]["ingest"]["allow_unmatched_labels"] = True
    config["study"]["repeats"] = 1
    config["study"]["arms"] = [
        {"learner": "strong", "acquisition": "spread", "budgets": [10, 20]},
        {"learner": "weak", "acquisition": "exam", "budgets": [4, 8]},
    ]
    file = place.source.parent / f"{CANARY} study.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def elsewhere(place: Place) -> Path:
    """Write predictions made elsewhere, whose identifiers are canaries."""
    rows = [
        f"{UID}.{i},{CANARY}-{NUMBER}-{i // 2},{run},0.{(7 * i + j) % 10},{i % 2}"
        for j, run in enumerate(("one", "other"))
        for i in range(40)
    ]
    file = place.source.parent / f"{CANARY} elsewhere.csv"
    file.write_text("\n".join(["exam_id,patient_id,run,probability,label", *rows]))
    return file


def stores_only(place: Place) -> None:
    """Run the same study from the stores that it left, and report it again."""
    stores = ["--store", place.out / "study/store", "--external-store"]
    stores.append(place.out / "study/external/1/store")
    out = place.out / "study of stores"
    place.run("study", study_file(place), *stores, "--out", out, "--workers", "1")
    place.run("report", out, *stores, "--out", place.out / "page.html")


def look(place: Place, study: Path) -> None:
    """Serve the study, and keep all that a page is given of it."""
    given = []

    def ask_for_everything(server: ExamServer) -> None:
        address = urlsplit(server.url)
        token = address.path.removeprefix("/")
        answers = server.answers
        listed = answers.about("exams", token).body
        given.extend([answers.page(token).body, listed])
        names = [exam["id"] for exam in json.loads(listed)["exams"]]
        given.extend(answers.about(f"exams/{name}", token).body for name in names)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExamServer, "serve", ask_for_everything)
        place.run("view", study, "--no-browser")
    place.said["view, what it served"] = b"\n".join(given).decode()


@pytest.fixture(scope="module")
def written(place: Place) -> Place:
    """Run every command that writes anything."""
    out, source = place.out, place.source
    later, outside = later_exams(place), outside_exams(place)
    key = ["--identity", place.identity, "--workers", "1"]
    ingest = ["--ingest.matrix", "64", "--ingest.allow_unmatched_labels", "true"]
    labels = ["--labels", source / f"{CANARY} labels.csv"]
    store, run = out / "store", out / "run"
    place.run("ingest", "folder", source, store, *labels, *ingest, *key)
    place.run("ingest", "folder", later, store, "--append", *ingest, *key)
    place.run("verify", store, "--out", out / "fingerprint")
    place.run("split", store, "--fractions", "[0.5, 0.2, 0.3]")
    brief = ["--model.width", "4", "--pretraining.steps", "2", "--pretraining.slices_per_step", "4"]
    place.run("pretrain", store, "--out", out / "encoder", *brief)
    place.run("train", store, "--learner", "strong", "--out", run, *MODEL)
    folds = ["--folds", "2", "--workers", "1"]
    place.run("crossval", store, "--learner", "weak", "--out", out / "crossval", *folds, *MODEL)
    tuned = ["--space", space_file(place), "--trials", "2", "--workers", "1", *MODEL]
    place.run("tune", store, "--learner", "strong", "--out", out / "tuning", *tuned)
    place.run("predict", run, store, "--out", out / "predictions", "--split", "test")
    explained = ["--slices", "positive", "--max-slices", "4"]
    place.run("explain", run, store, "--method", "gradcam", "--out", out / "maps", *explained)
    place.run("explain", run, store, "--method", "hshap_bag", "--out", out / "values")
    place.run("evaluate", out / "predictions", "--out", out / "evaluation")
    place.run("evaluate", "--csv", elsewhere(place), "--out", out / "evaluation of a CSV file")
    place.run("power", "--exams", 75, "--prevalence", 0.5, "--auc", 0.9, "--margin", 0.05)
    for sent in (run, out / "predictions", out / "evaluation"):
        place.run("track", sent, "--trackers", "csv", "tensorboard", "--folder", out / "tracking")
    # On a terminal the exams of raw files are called by their folders; --json has none of it.
    place.run("predict", run, later, "--out", out / "raw", "--json", "--allow-overlap", *key)
    exam_id = pl.read_parquet(store / "exams.parquet")["exam_id"][0]
    place.run("remove", store, "--exam", exam_id, "--runs", out, *key[:2])
    place.run("migrate", store)
    inside = [study_file(place), "--source", source, *key]
    place.run("study", *inside, "--external", outside, "--out", out / "study")
    place.run("report", out / "study")
    asked = ["--hours", 500, "--margin", 0.1, "--goal", 0.8, "--local"]
    asked += ["--seconds-per-exam", 60, "--seconds-per-slice", 6, "--out", out / "next.json"]
    place.run("plan", "--study", out / "study", "--store", out / "study" / "store", *asked)
    place.run("study", "init", out / "begin.yaml")
    look(place, out / "study")
    stores_only(place)
    return place


def test_every_command_is_searched(written: Place) -> None:
    assert written.commands == set(COMMANDS)


def test_canaries_are_found_where_they_must_be(written: Place) -> None:
    """The search itself works: source and crosswalk hold what nothing else may."""
    crosswalks = [*written.identity.rglob("crosswalk.parquet")]
    assert crosswalks
    for path in crosswalks:
        assert {CANARY, UID, NUMBER} <= set(secrets_in(texts_of(path)))
    image = next(written.source.rglob("*.dcm"))
    assert {CANARY, UID, DATE, BIRTH, NUMBER} <= set(secrets_in(texts_of(image)))
    page = f"<img src='data:image/svg+xml;base64,{base64.b64encode(CANARY.encode()).decode()}'>"
    assert secrets_in(expanded(page.encode())) == [CANARY]
    assert secrets_in([zlib.compress(CANARY.encode()).decode("latin-1")]) == []
    assert secrets_in(expanded(CANARY.encode("utf-16-le"))) == [CANARY]


def test_no_file_that_was_written_identifies_anybody(written: Place) -> None:
    files = [path for path in written.out.rglob("*") if path.is_file()]
    assert len(files) > 200
    for path in files:
        name = path.relative_to(written.out).as_posix()
        assert secrets_in([name]) == [], name
        assert secrets_in(texts_of(path)) == [], name


def test_nothing_that_was_said_identifies_anybody(written: Place) -> None:
    for command, said in written.said.items():
        assert said
        # What the user typed may come back to the user.
        for typed in (str(written.source.parent), str(written.identity)):
            said = said.replace(typed, "")
        said = said.replace(f"{CANARY} Clinic", "").replace(f"{CANARY} labels.csv", "")
        assert secrets_in([said]) == [], f"{command}: {said}"


def secrets_in(texts: list[str]) -> list[str]:
    found = [secret for secret in SECRETS if any(secret.lower() in t.lower() for t in texts)]
    return list(dict.fromkeys(found))


def expanded(data: bytes) -> list[str]:
    """Return bytes as text, by one byte and by two, and what is embedded in them."""
    text = data.decode("latin-1")
    embedded = re.findall(r"base64,([A-Za-z0-9+/=]+)", text)
    inside = [base64.b64decode(one).decode("latin-1") for one in embedded]
    return [
        text,
        data.decode("utf-16-le", "ignore"),
        data[1:].decode("utf-16-le", "ignore"),
        *inside,
    ]


def texts_of(path: Path) -> list[str]:
    texts = expanded(path.read_bytes())
    if path.suffix == ".parquet":
        texts.append(json.dumps(pl.read_parquet(path).to_dicts(), default=str))
        texts.append(str(pl.read_parquet_metadata(path)))
    return texts
