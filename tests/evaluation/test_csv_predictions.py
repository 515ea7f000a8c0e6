import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from examwise.core.errors import InputError
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.evaluation.csv_predictions import CsvPredictions, csv_runs

SECRET = "Zqxjwvbk"


@pytest.fixture
def write(tmp_path):
    def build(text, name="exams.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return build


def test_the_shortest_file_is_one_run_of_exams_each_a_patient(write):
    (run,) = csv_runs(write("exam_id,probability,label\nb,0.25,1\na,0.5,0\n"))
    assert (run.run_id, run.thresholds, run.n_exams_left_out) == ("given", {"any": 0.5}, 0)
    assert run.exams["patient_key"].to_list() == ["b", "a"]
    assert run.exams["exam_logit"].to_list() == pytest.approx([logit(0.25), 0])
    assert run.exams["archive"].unique().to_list() == ["given"]
    assert run.read_slices().is_empty()
    assert run.has_one_key
    assert run.fitted["any"].fitted_on == "fixed"
    PREDICTED_EXAMS.validate(run.exams)


def test_every_column_is_read(write):
    text = (
        "label,finding,archive,learner,run,patient_id,probability,exam_id\n"
        "1,sub,x,weak,r2,p,0.5,e\n0,any,x,weak,r2,p,0.5,e\n,any,x,strong,r1,p,0.5,e\n"
    )
    first, second = csv_runs(write(text), threshold=0.3)
    assert (first.run_id, second.run_id) == ("r1", "r2")
    assert second.thresholds == {"any": 0.3, "sub": 0.3}
    rows = second.exams.sort("finding").to_dicts()
    assert [row["exam_label"] for row in rows] == [0, 1]
    assert {row["learner"] for row in rows} == {"weak"}
    assert {row["patient_key"] for row in rows} == {"p"}
    assert first.exams["exam_label"].to_list() == [None]


def test_a_learner_stands_for_the_run(write):
    (run,) = csv_runs(write("exam_id,probability,label,learner\ne,1,1,net\n"))
    assert (run.run_id, run.exams["learner"][0]) == ("net", "net")


def test_scores_are_taken_for_logits(write):
    (run,) = csv_runs(write("exam_id,score,label\na,-3,0\nb,0,1\nc,800,1\n"))
    assert run.exams["exam_logit"].to_list() == [-3, 0, 800]
    assert run.exams["exam_probability"].to_list() == pytest.approx([0.0474259, 0.5, 1])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_logits_keep_the_order_of_probabilities_and_are_finite(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    rows = "".join(f"e{i},{value!r},\n" for i, value in enumerate(values))
    path.write_text("exam_id,probability,label\n" + rows)
    found = csv_runs(path)[0].exams["exam_logit"].to_numpy()
    assert np.isfinite(found).all()
    order = np.argsort(values, kind="stable")
    steps, own = np.diff(np.array(values)[order]), np.diff(found[order])
    assert (own[steps == 0] == 0).all()
    assert (own[steps > 0] >= 0).all()
    assert (own[steps > 1e-12] > 0).all()


def test_slices_are_placed_along_their_exam(write):
    exams = write("exam_id,probability,label\na,.5,1\nb,.5,0\n")
    slices = write(
        "slice_index,exam_id,probability,label\n1,a,0.9,1\n0,a,0.1,0\n2,a,0.5,\n0,b,0,0\n", "s.csv"
    )
    (run,) = CsvPredictions(exams, slices).runs
    found = PREDICTED_SLICES.validate(run.read_slices()).sort("exam_id", "slice_index")
    assert found["relative_position"].to_list() == [0, 0.5, 1, 0.5]
    assert found["slice_label"].to_list() == [0, 1, None, 0]
    assert found["attention_weight"].null_count() == 4


def test_what_was_read_otherwise_has_another_digest(write):
    path = write("exam_id,probability,label\na,.5,1\n")
    slices = write("exam_id,slice_index,probability,label\na,0,.5,1\n", "s.csv")
    found = {
        csv_runs(path, *more, threshold=threshold)[0].inputs["predictions/given"]
        for more in ((), (slices,))
        for threshold in (None, 0.4)
    }
    assert len(found) == 4


WRONG = {
    "exam_id,probability,label\ne,.5,2\n": "row 2: expected 1, 0, or nothing",
    "exam_id,probability,label\ne,.5,1\nf,x,1\n": "row 3: expected a finite number",
    "exam_id,probability,label\ne,,1\n": "row 2: expected a finite number",
    "exam_id,probability,label\ne,nan,1\n": "row 2: expected a finite number",
    "exam_id,score,label\ne,inf,1\n": "row 2: expected a finite number",
    "exam_id,probability,label\ne,1.5,1\n": "row 2: expected a number from 0 to 1",
    "exam_id,probability,label\n,.5,1\n": "row 2: expected something in every cell",
    "exam_id,probability,label\ne,.5,1\ne,.5,1\n": "row 3: expected each exam once",
    "exam_id,probability,label,run\ne,.5,1,a\ne,.5,0,b\n": "row 3: expected one label",
    "exam_id,probability,label,run,patient_id\ne,.5,1,a,p\ne,.5,1,b,q\n": "row 3: expected one pat",
    "exam_id,probability,label,run,archive\ne,.5,1,a,x\ne,.5,1,b,y\n": "row 3: expected one arch",
    "exam_id,probability,label,run,learner\ne,.5,1,a,x\nf,.5,1,a,y\n": "row 3: expected one learn",
    "exam_id,probability,score,label\ne,.5,1,1\n": "expected one of the columns",
    "exam_id,patient_id,patient_key,score,label\ne,p,p,1,1\n": "expected one of the columns",
    "exam_id,label\ne,1\n": "expected a column probability or score",
    "probability,label\n.5,1\n": "expected a column exam_id",
    "exam_id,probability\ne,.5\n": "expected a column label",
    f"exam_id,probability,label,{SECRET}\ne,.5,1,x\n": "the first of them column 4",
    "exam_id,probability,label\n": "at least one row",
    "": "a header that names every column once, got an empty file",
    "exam_id,exam_id,label\ne,.5,1\n": "a header that names every column once",
    "exam_id,probability,label\ne,.5\n": "row 2: expected 3 cells",
    "exam_id,probability,label\ne,.5,1\n\nf,.5,1\n": "row 3: expected 3 cells",
    "exam_id,probability,label\ne,.5,1,1\n": "row 2: expected 3 cells",
    'exam_id,probability,label\n"e,.5,1\n': "a CSV table in UTF-8",
    b"exam_id,probability,label\n\xff,.5,1\n": "a CSV table in UTF-8",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_files_are_refused_by_their_row(write, text):
    with pytest.raises(InputError) as caught:
        csv_runs(write(text))
    assert WRONG[text] in str(caught.value)


WRONG_SLICES = {
    "exam_id,slice_index,probability,label\nz,0,.5,1\n": "row 2: expected a run, exam and finding",
    "exam_id,slice_index,probability,label\ne,0.5,.5,1\n": "row 2: expected a whole slice_index",
    "exam_id,slice_index,probability,label\ne,-1,.5,1\n": "row 2: expected a number from 0",
    "exam_id,slice_index,probability,label\ne,0,.5,1\ne,0,.5,1\n": "row 3: expected each slice",
    "exam_id,slice_index,probability,label\ne,0,.5,1\ne,2,.5,1\n": "row 2: expected all slices",
    "exam_id,slice_index,probability,label\ne,1,.5,1\n": "row 2: expected all slices",
    "exam_id,slice_index,score,label\ne,0,.5,1\n": "expected no columns but",
    "exam_id,slice_index,probability,label,run\ne,0,.5,1,other\n": "row 2: expected a run, exam",
}


@pytest.mark.parametrize("text", WRONG_SLICES)
def test_wrong_slices_are_refused_by_their_row(write, text):
    exams = write("exam_id,probability,label\ne,.5,1\n")
    with pytest.raises(InputError) as caught:
        csv_runs(exams, write(text, "s.csv"))
    assert WRONG_SLICES[text] in str(caught.value)


@pytest.mark.parametrize("column", ["run", "finding"])
def test_of_several_runs_or_findings_slices_say_which(write, column):
    exams = write(f"exam_id,probability,label,{column}\ne,.5,1,x\ne,.5,1,y\n")
    slices = write("exam_id,slice_index,probability,label\ne,0,.5,1\n", "s.csv")
    with pytest.raises(InputError, match=f"expected a column {column}"):
        csv_runs(exams, slices)


def test_no_message_holds_a_cell_or_an_unknown_head(write):
    for text in WRONG:
        if isinstance(text, str) and "\n" in text:
            head, rest = text.split("\n", 1)
            # Different names stay different.
            marked = "\n".join(
                ",".join(SECRET + cell if cell in ("e", "p", "q", "x") else cell for cell in cells)
                for cells in (row.split(",") for row in rest.split("\n"))
            )
            with pytest.raises(InputError) as caught:
                csv_runs(write(f"{head}\n{marked}"))
            assert SECRET not in str(caught.value)


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_thresholds_are_probabilities(write, threshold):
    with pytest.raises(InputError, match="threshold"):
        csv_runs(write("exam_id,probability,label\ne,.5,1\n"), threshold=threshold)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        csv_runs(tmp_path / "none.csv")


def test_a_byte_order_mark_and_blank_ends_do_no_harm(write):
    (run,) = csv_runs(write("\ufeffexam_id, probability ,label\r\n e ,0.5,1\r\n\r\n"))
    assert run.exams.select("exam_id", "exam_label").rows() == [("e", 1)]
    assert isinstance(run.exams, pl.DataFrame)


@pytest.mark.parametrize(
    ("text", "sign"),
    [("exam_id;label;probability\na;1;0,5\n", "semicolons"), ("exam_id\tlabel\na\t1\n", "tabs")],
)
def test_other_signs_between_cells_are_named(write, text, sign):
    with pytest.raises(InputError, match=f"expected commas between cells.* got {sign}"):
        csv_runs(write(text))


def test_names_of_columns_may_be_in_capitals(write):
    (run,) = csv_runs(write("Exam_ID,LABEL,Probability\nE,1,0.5\n"))
    assert run.exams["exam_id"].to_list() == ["E"]
    with pytest.raises(InputError, match="names every column once"):
        csv_runs(write("exam_id,Exam_ID,label,probability\na,b,1,0.5\n"))
