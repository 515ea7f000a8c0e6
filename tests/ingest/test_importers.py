from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.executors import make_executor
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.config import IngestConfig, SeriesSelectionConfig
from examwise.ingest.importers import IMPORTERS

TOO_WIDE = [14, 14]
"""Pixels of which too few lie across a head to tell whether it is one."""

N_SLICES = 12
"""Enough for a layout that wants a whole head."""


@pytest.mark.parametrize("layout", IMPORTERS)
class TestEveryLayout:
    def test_says_what_it_is(self, layout: str) -> None:
        importer = IMPORTERS.load(layout)()
        assert importer.archive_name
        assert importer.data_terms
        for flag in (importer.reads_nifti, importer.selects_series, importer.takes_boxes):
            assert isinstance(flag, bool)
        for folder in (importer.image_folder, importer.mask_folder):
            assert not folder.startswith("/")
        assert importer.patient_of("anything/1.dcm") == ""

    def test_ingests_images_without_labels(
        self, layout: str, tmp_path: Path, run, write_series
    ) -> None:
        source = tmp_path / "source"
        folder = source / IMPORTERS.load(layout).image_folder
        write_series(folder, N_SLICES, PixelSpacing=TOO_WIDE)
        summary = run(layout, source, allow_unmatched_labels=True)
        assert (summary.n_exams, summary.n_slices, summary.n_used) == (1, N_SLICES, N_SLICES)
        missing = {
            "label_file_missing": bool(IMPORTERS.load(layout).label_file),
            "mask_folder_missing": bool(IMPORTERS.load(layout).mask_folder),
        }
        assert summary.joined == {code: 1 for code, said in missing.items() if said}
        exams = StoredExams(tmp_path / "store")
        assert exams.exams["archive"].to_list() == [IMPORTERS.load(layout).archive_name]
        assert exams.exams["data_terms"].to_list() == [IMPORTERS.load(layout).data_terms]
        assert exams.manifest.configuration["layout"] == layout

    def test_names_can_be_given(self, layout: str, tmp_path: Path, run, write_series) -> None:
        source = tmp_path / "source"
        write_series(source / IMPORTERS.load(layout).image_folder, N_SLICES, PixelSpacing=TOO_WIDE)
        options = {"archive_name": "ours", "data_terms": "free", "allow_unmatched_labels": True}
        run(layout, source, **options)
        row = StoredExams(tmp_path / "store").exams.row(0, named=True)
        assert (row["archive"], row["data_terms"]) == ("ours", "free")

    def test_nothing_usable_writes_nothing(self, layout: str, tmp_path: Path, run) -> None:
        source = tmp_path / "source"
        folder = source / IMPORTERS.load(layout).image_folder
        folder.mkdir(parents=True)
        (folder / "readme.txt").write_text("nothing here")
        with pytest.raises(InputError, match="1 not_dicom"):
            run(layout, source, allow_unmatched_labels=True)
        (folder / "readme.txt").unlink()
        with pytest.raises(InputError, match="no files"):
            run(layout, source, allow_unmatched_labels=True)
        assert not (tmp_path / "store").exists()

    def test_missing_source(self, layout: str, tmp_path: Path, run) -> None:
        for allow in (True, False):
            with pytest.raises(InputError, match=r"none: .*got a path that does not exist"):
                run(layout, tmp_path / "none", allow_unmatched_labels=allow)
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="got a file"):
            run(layout, tmp_path / "file")

    def test_workers_change_nothing(
        self, layout: str, tmp_path: Path, run, tree, write_series
    ) -> None:
        folder = tmp_path / "source" / IMPORTERS.load(layout).image_folder
        for number in range(3):
            uids = {"study": f"1.{number}", "series": f"1.{number}.1", "patient": f"P{number}"}
            write_series(folder / str(number), N_SLICES, PixelSpacing=TOO_WIDE, **uids)
        for name, workers in (("one", 1), ("two", 2)):
            run(
                layout,
                tmp_path / "source",
                tmp_path / name,
                executor=make_executor(workers),
                allow_unmatched_labels=True,
            )
        assert tree(tmp_path / "one") == tree(tmp_path / "two")

    def test_boxes_are_taken_or_refused(
        self, layout: str, tmp_path: Path, run, write_series, write_boxes
    ) -> None:
        source, boxes = tmp_path / "source", tmp_path / "boxes.csv"
        write_series(source / IMPORTERS.load(layout).image_folder, N_SLICES, PixelSpacing=TOO_WIDE)
        write_boxes(boxes, [("1.1", "Subdural", (1, 1, 2, 2))])
        if IMPORTERS.load(layout).takes_boxes:
            summary = run(layout, source, boxes=boxes, allow_unmatched_labels=True)
            assert summary.joined == {
                "label_file_missing": 1,
                "box_rows": 1,
                "boxes_without_image": 1,
            }
            return
        with pytest.raises(InputError, match="option boxes"):
            run(layout, source, boxes=boxes, allow_unmatched_labels=True)
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe"])
    def test_empty_label_file(
        self, layout: str, tmp_path: Path, run, write_series, content: bytes
    ) -> None:
        source, labels = tmp_path / "source", tmp_path / "labels.csv"
        write_series(source / IMPORTERS.load(layout).image_folder, 1)
        labels.write_bytes(content)
        with pytest.raises(InputError, match=r"labels\.csv: .*got an empty file"):
            run(layout, source, labels=labels)


def test_unknown_layout(tmp_path: Path, run) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(InputError, match="expected one of rsna, cq500, ct-ich, folder"):
        run("dvd", tmp_path / "source")


@pytest.mark.parametrize(
    "options",
    [
        *({"matrix": 4}, {"matrix": 5000}, {"archive_name": ""}, {"data_terms": ""}),
        *({"matrix": float("nan")}, {"matrix": "512"}, {"matrix": True}, {"matrix": 64.0}),
        *({"archive_name": 5}, {"data_terms": " "}, {"allow_unmatched_labels": "yes"}),
        *({"exam_label": "most"}, {"exam_label": 2}, {"exam_label": None}),
    ],
)
def test_config_refuses(options: dict) -> None:
    with pytest.raises(InputError, match="option"):
        IngestConfig(**options)


@pytest.mark.parametrize("name", ["min_slices", "wanted_thickness_mm", "min_thick_mm"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5", None, True])
def test_series_config_refuses(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"option series.{name}: expected a number above 0"):
        SeriesSelectionConfig(**{name: value})
