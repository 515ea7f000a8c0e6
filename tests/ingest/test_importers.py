from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.imaging.stored_exams import StoredExams
from examwise.ingest.config import IngestConfig
from examwise.ingest.importers import IMPORTERS


@pytest.mark.parametrize("layout", IMPORTERS)
class TestEveryLayout:
    def test_says_what_it_is(self, layout: str) -> None:
        importer = IMPORTERS.load(layout)()
        assert importer.archive_name
        assert importer.data_terms
        assert isinstance(importer.reads_nifti, bool)
        assert not importer.image_folder.startswith("/")

    def test_ingests_images_without_labels(
        self, layout: str, tmp_path: Path, run, write_series
    ) -> None:
        source = tmp_path / "source"
        folder = source / IMPORTERS.load(layout).image_folder
        write_series(folder, 3)
        summary = run(layout, source, allow_unmatched_labels=True)
        assert (summary.n_exams, summary.n_slices, summary.n_used) == (1, 3, 3)
        exams = StoredExams(tmp_path / "store")
        assert exams.exams["archive"].to_list() == [IMPORTERS.load(layout).archive_name]
        assert exams.exams["data_terms"].to_list() == [IMPORTERS.load(layout).data_terms]
        assert exams.manifest.configuration["layout"] == layout

    def test_names_can_be_given(self, layout: str, tmp_path: Path, run, write_series) -> None:
        source = tmp_path / "source"
        write_series(source / IMPORTERS.load(layout).image_folder, 1)
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
    with pytest.raises(InputError, match="archive layout: expected one of rsna, folder"):
        run("dvd", tmp_path)


@pytest.mark.parametrize(
    "options", [{"matrix": 4}, {"matrix": 5000}, {"archive_name": ""}, {"data_terms": ""}]
)
def test_config_refuses(options: dict) -> None:
    with pytest.raises(InputError, match="option"):
        IngestConfig(**options)
