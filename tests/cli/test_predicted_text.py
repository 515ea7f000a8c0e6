from pathlib import Path

from examwise.cli.predicted_text import predicted_text

EXAM = {
    "exam_id": "e1",
    "finding": "any",
    "probability": 0.8125,
    "threshold": 0.5,
    "positive": True,
    "slices": [4, 2],
}


def text(*exams, sources=None):
    return predicted_text(Path("out"), exams, sources=sources or {}).splitlines()


def test_exams_of_a_store_have_their_pseudonym_only():
    assert text(EXAM) == [
        "out: 1 predictions; slices count from 0 at the lowest",
        "e1: any 0.812, positive at 0.500; most suspicious slices 4, 2",
    ]


def test_exams_of_raw_files_are_called_by_folder_and_file():
    sources = {("e1", index): f"study/series/{index:02}.dcm" for index in range(6)}
    assert text({**EXAM, "positive": False}, sources=sources)[1] == (
        "e1 (study/series): any 0.812, negative at 0.500; "
        "most suspicious slices 4 (04.dcm), 2 (02.dcm)"
    )


def test_a_volume_is_called_by_its_file():
    assert text(EXAM, sources={("e1", -1): "head.nii"})[1].startswith("e1 (head.nii): any")


def test_files_of_several_folders_give_no_folder():
    sources = {("e1", 2): "a/2.dcm", ("e1", 4): "b/4.dcm"}
    assert text(EXAM, sources=sources)[1].startswith("e1: any")


def test_long_lists_are_cut_and_say_so():
    lines = text(*[EXAM] * 25)
    assert len(lines) == 22
    assert lines[-1] == "… and 5 more in out/exams.parquet"
