from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.core.schemas.store import FILES
from examwise.core.storage import Storage
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.config import IngestConfig
from examwise.ingest.rsna import RsnaImporter

HEADER = "ID,Label\n"


def parse(path: Path, text: str | bytes, images: list[str], **options):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    paths = [f"stage_2_train/{image}.dcm" for image in images]
    return RsnaImporter().read_labels(path, paths, IngestConfig(**options))


def rows(image: str, *positive: str) -> str:
    # Not in the order of FINDINGS: the suffix counts, not the row.
    return "".join(f"{image}_{name},{int(name in positive)}\n" for name in reversed(FINDINGS))


def test_suffixes_decide(tmp_path: Path) -> None:
    text = HEADER + rows("ID_a", "any", "epidural") + rows("ID_b")
    labels = parse(tmp_path / "l.csv", text, ["ID_a", "ID_b"])
    assert labels.files == {
        "stage_2_train/ID_a.dcm": (1, 1, 0, 0, 0, 0),
        "stage_2_train/ID_b.dcm": (0,) * 6,
    }
    assert labels.source == "rsna_2019"


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("ID,", " ID ,").replace(",1", ", 1 ").encode(),
        lambda text: "".join(f'"{x}"\n' for x in text.replace(",", '","').split()).encode(),
    ],
    ids=["utf-8 mark", "utf-16", "crlf", "spaces", "quotes"],
)
def test_encodings(tmp_path: Path, encode) -> None:
    text = HEADER + rows("ID_a", "any", "subdural")
    labels = parse(tmp_path / "l.csv", encode(text), ["ID_a"])
    assert labels.files == {"stage_2_train/ID_a.dcm": (1, 0, 0, 0, 0, 1)}


def test_equal_repeats_are_fine_and_a_missing_finding_is_unknown(tmp_path: Path) -> None:
    text = HEADER + rows("ID_a", "any", "subdural") * 2 + "ID_b_any,1\n"
    labels = parse(tmp_path / "l.csv", text, ["ID_a", "ID_b"])
    assert labels.files["stage_2_train/ID_a.dcm"] == (1, 0, 0, 0, 0, 1)
    assert labels.files["stage_2_train/ID_b.dcm"] == (1, None, None, None, None, None)


def test_contradicting_repeats(tmp_path: Path) -> None:
    text = HEADER + rows("ID_a") + rows("ID_b") + "ID_b_any,1\nID_a_any,1\n"
    with pytest.raises(InputError, match=r"row 14: .*got 2 pairs") as caught:
        parse(tmp_path / "l.csv", text, ["ID_a", "ID_b"])
    assert "ID_a" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [rows("ID_b", "subdural"), rows("ID_b", "any"), "ID_b_any,0\nID_b_subdural,1\n"]
)
def test_any_that_contradicts_its_kinds(tmp_path: Path, wrong: str) -> None:
    text = HEADER + rows("ID_a", "any", "epidural") + wrong + rows("ID_c", "epidural")
    # Of ID_b's rows the one of any is named.
    row = 2 + text.splitlines()[1:].index(next(x for x in wrong.split() if "_any," in x))
    with pytest.raises(InputError, match=rf"l\.csv, row {row}: .* for 2 images") as caught:
        parse(tmp_path / "l.csv", text, ["ID_a", "ID_b", "ID_c"], allow_unmatched_labels=True)
    assert "ID_b" not in str(caught.value)


def test_any_beside_kinds_that_are_not_all_known(tmp_path: Path) -> None:
    text = HEADER + "ID_a_any,1\nID_a_subdural,0\nID_b_any,0\nID_b_epidural,0\nID_c_subdural,1\n"
    labels = parse(tmp_path / "l.csv", text, ["ID_a", "ID_b", "ID_c"])
    assert len(labels.files) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ID_a_any,2", r"row 8, column Label: expected 0 or 1"),
        ("ID_a_any,", r"row 8, column Label: expected 0 or 1"),
        ("ID_a_any", r"row 8, column Label: expected 0 or 1"),
        ("ID_a_other,1", r"row 8, column ID: expected an image's name"),
        ("ID,1", r"row 8, column ID: expected an image's name"),
        (",1", r"row 8, column ID: expected an image's name"),
        ("ID_a_any,1,1", r"comma-separated"),
    ],
)
def test_wrong_rows(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(tmp_path / "l.csv", HEADER + rows("ID_a") + line + "\n", ["ID_a"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"ID;Label\n", "a column ID"),
        (b"ID, ID,Label\n", "different names"),
        (b"ID,Label\n\xff\xfe\xfa,1\n", "comma-separated"),
        (b"\xff\xfeabc", "UTF-16"),
    ],
)
def test_files_that_are_no_label_file(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(tmp_path / "l.csv", content, ["ID_a"])


def test_unmatched_labels_are_refused_or_counted(tmp_path: Path) -> None:
    text = HEADER + rows("ID_a") + rows("ID_b") + rows("ID_c")
    images = ["ID_a", "ID_x"]
    message = r"2 labelled images without a file \(such as row 8\) and 1 files"
    with pytest.raises(InputError, match=message):
        parse(tmp_path / "l.csv", text, images)
    labels = parse(tmp_path / "l.csv", text, images, allow_unmatched_labels=True)
    assert (labels.n_labels_without_file, labels.n_files_without_label) == (2, 1)
    assert labels.counts == {
        "label_rows": 18,
        "label_images_joined": 1,
        "label_images_repeated": 0,
        "label_images_without_file": 2,
        "images_without_label": 1,
    }
    assert labels.examples == {
        "label_images_joined": ["label file, row 2"],
        "label_images_without_file": ["label file, row 8", "label file, row 14"],
    }


def test_equal_duplicates_are_counted(tmp_path: Path) -> None:
    text = HEADER + rows("ID_a") + rows("ID_b") + rows("ID_a")
    labels = parse(tmp_path / "l.csv", text, ["ID_a", "ID_b"])
    assert labels.counts["label_images_repeated"] == 1
    assert labels.counts["label_images_joined"] == 2
    assert labels.examples["label_images_repeated"] == ["label file, row 2"]


def test_nothing_is_written_where_labels_do_not_match(tmp_path: Path, run, write_rsna) -> None:
    write_rsna(tmp_path / "source")
    with (tmp_path / "source" / "stage_2_train.csv").open("a") as file:
        file.write(rows("ID_more"))
    with pytest.raises(InputError, match=r"--ingest\.allow_unmatched_labels true"):
        run("rsna", tmp_path / "source")
    assert not (tmp_path / "store").exists()
    summary = run("rsna", tmp_path / "source", allow_unmatched_labels=True)
    assert summary.n_labels_without_file == 1


def test_label_file_is_missing(tmp_path: Path, run, write_rsna) -> None:
    write_rsna(tmp_path / "source")
    labels = (tmp_path / "source" / "stage_2_train.csv").rename(tmp_path / "elsewhere.csv")
    with pytest.raises(InputError, match="--labels"):
        run("rsna", tmp_path / "source")
    assert run("rsna", tmp_path / "source", labels=labels).n_labels == 4 * 4 * 6
    with pytest.raises(InputError, match="a label file"):
        run("rsna", tmp_path / "source", tmp_path / "b", labels=tmp_path / "none.csv")


def test_archive(tmp_path: Path, run, write_rsna, identity) -> None:
    labels = write_rsna(tmp_path / "source")
    summary = run("rsna", tmp_path / "source")
    assert (summary.n_exams, summary.n_slices, summary.n_patients) == (4, 12, 3)
    assert (summary.n_files, summary.n_used, summary.left_out, summary.set_aside) == (
        *(12, 12),
        *({}, {}),
    )
    assert (summary.n_labels, summary.n_unlabelled_exams) == (4 * 4 * 6, 0)
    exams = StoredExams(tmp_path / "store")
    walk = identity.read_crosswalk(exams.manifest.configuration["store_id"])
    for row in walk.iter_rows(named=True):
        image = row["sop_instance_uid"]
        assert row["path"] == f"stage_2_train/{image}.dcm"
        events = exams.labels.filter(
            (pl.col("exam_id") == row["exam_id"]) & (pl.col("slice_start") == row["slice_index"])
        )
        found = dict(zip(events["finding"], events["value"], strict=True))
        assert found == labels[image]
        assert set(events["slice_stop"]) == {row["slice_index"] + 1}
    whole = exams.labels.filter(pl.col("slice_start").is_null(), pl.col("finding") == "subdural")
    for exam_id, value in whole.select("exam_id", "value").iter_rows():
        series = walk.filter(pl.col("exam_id") == exam_id)["series_instance_uid"][0]
        assert value == int(series in ("ID_se0", "ID_se2"))


@pytest.mark.parametrize("cut", [10, 1, 300])
def test_positive_image_that_cannot_be_read_keeps_its_exam_positive(
    tmp_path: Path, run, write_rsna, write_slice, identity, cut: int
) -> None:
    labels = write_rsna(tmp_path / "source", 2)
    image = next(image for image, row in labels.items() if row["any"])
    path = tmp_path / "source" / "stage_2_train" / f"{image}.dcm"
    if cut == 1:
        # Whole as a file, but with less pixel data than its matrix needs.
        elements = {"patient": "ID_p1", "study": "ID_st0", "series": "ID_se0"}
        write_slice(path, height=5, PixelData=bytes(20), SOPInstanceUID=image, **elements)
    else:
        path.write_bytes(path.read_bytes()[:-cut])
    summary = run("rsna", tmp_path / "source")
    assert summary.set_aside == {"truncated": 1}
    assert summary.n_slices == 5
    assert summary.n_labels_in_no_exam == 0
    exams = StoredExams(tmp_path / "store")
    positive = identity.exam_id("ID_st0", "ID_se0")
    events = exams.labels.filter(pl.col("exam_id") == positive)
    assert events.filter(pl.col("slice_start").is_not_null())["value"].sum() == 0
    whole = events.filter(pl.col("slice_start").is_null())
    assert dict(zip(whole["finding"], whole["value"], strict=True)) == {
        name: int(name in ("any", "subdural")) for name in FINDINGS
    }
    files = FILES.read(Storage(tmp_path / "store"))
    aside = files.filter(pl.col("status") == "set_aside").row(0, named=True)
    assert aside["exam_id"] == positive
    assert aside["path_digest"] == identity.path_digest(f"stage_2_train/{image}.dcm")


def test_exam_with_an_unlabelled_slice_and_no_positive_one_stays_unknown(
    tmp_path: Path, run, write_rsna, identity
) -> None:
    labels = write_rsna(tmp_path / "source", 2)
    lines = (tmp_path / "source" / "stage_2_train.csv").read_text().splitlines()
    first = {exam: list(labels)[3 * exam] for exam in (0, 1)}
    kept = [line for line in lines if not line.startswith(tuple(first.values()))]
    (tmp_path / "source" / "stage_2_train.csv").write_text("\n".join(kept))
    summary = run("rsna", tmp_path / "source", allow_unmatched_labels=True)
    assert summary.n_files_without_label == 2
    exams = StoredExams(tmp_path / "store")
    whole = exams.labels.filter(pl.col("slice_start").is_null())
    assert whole.filter(pl.col("value") == 0).is_empty()
    assert set(whole["exam_id"]) == {identity.exam_id("ID_st0", "ID_se0")}
    assert set(whole["finding"]) == {"any", "subdural"}


def test_image_folder_may_be_a_link(tmp_path: Path, run, write_rsna) -> None:
    write_rsna(tmp_path / "source")
    folder = tmp_path / "source" / "stage_2_train"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert run("rsna", tmp_path / "source").n_exams == 4


def test_label_of_an_image_without_header_is_counted(tmp_path: Path, run, write_rsna) -> None:
    labels = write_rsna(tmp_path / "source", 2)
    (tmp_path / "source" / "stage_2_train" / f"{next(iter(labels))}.dcm").write_bytes(b"")
    summary = run("rsna", tmp_path / "source")
    assert summary.set_aside == {"not_dicom": 1}
    assert summary.n_labels_in_no_exam == 1
    assert summary.n_slices == 5


def test_files_of_one_name_in_two_folders_are_all_labelled(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(HEADER + rows("ID_a", "any", "subdural"))
    files = ["stage_2_train/x/ID_a.dcm", "stage_2_train/y/ID_a.dcm"]
    labels = RsnaImporter().read_labels(path, files, IngestConfig())
    assert set(labels.files) == set(files)
    path.write_text(HEADER + rows("ID_b", "any", "subdural"))
    with pytest.raises(InputError, match=r"1 labelled images .* and 2 files without"):
        RsnaImporter().read_labels(path, files, IngestConfig())


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    text = HEADER + "\n" + rows("ID_a", "any", "subdural") + "\n,\n\n"
    assert len(parse(tmp_path / "l.csv", text, ["ID_a"]).files) == 1
    with pytest.raises(InputError, match="row 12, column Label"):
        parse(tmp_path / "l.csv", text + "ID_a_any,2\n", ["ID_a"])
