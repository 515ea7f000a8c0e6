from dataclasses import replace

from examwise.cli.outline_text import outline_text
from examwise.studies.study_outline import OutlineRow, StudyOutline

ROW = OutlineRow(
    learner="weak",
    mode="budgeted",
    acquisition="exam",
    budget=1200,
    repeats=3,
    n_done=0,
    n_labels=1200.0,
    n_exams_opened=1200.0,
    reader_actions=1200.0,
    reader_hours=21.04,
    machine_hours=0.5,
)
TUNED = replace(ROW, mode="fine_tuned", repeats=1, machine_hours=30.0)
OUTLINE = StudyOutline(
    rows=(ROW, replace(ROW, budget=12_000), TUNED),
    n_runs=7,
    n_done=0,
    n_side_by_side=(4, 1),
    first_hours=0.25,
    full_hours=30.0,
    bytes_on_disk=3_100_000,
)


def test_each_arm_is_named_once_and_each_budget_has_a_line():
    lines = outline_text(OUTLINE).splitlines()
    assert lines[0].split("  ")[0] == "learner"
    assert [line.split("  ")[0] for line in lines[1:4]] == ["weak", "", "weak, fine-tuned"]
    assert lines[1].split()[2:] == ["1,200", "3", "1,200", "1,200", "21.0", "30", "min"]
    assert len({len(line) for line in lines[1:4]}) == 1


def test_both_answers_and_the_disk_are_told():
    text = outline_text(OUTLINE)
    assert "about 15 min (4 side by side, 1 of those that train the encoder)" in text
    assert "about 30.0 h more" in text
    assert "Disk: about 3.1 MB" in text


def test_what_is_done_is_not_counted_again():
    done = replace(ROW, n_done=3, machine_hours=0.0)
    text = outline_text(replace(OUTLINE, rows=(done,), n_runs=3, n_done=3, first_hours=None))
    assert "3/3" in text
    assert "Runs: 3, 3 of them finished" in text
    assert "Time: none" in text


def test_without_costs_there_are_no_hours():
    text = outline_text(
        replace(
            OUTLINE,
            rows=(replace(ROW, reader_hours=None, machine_hours=None),),
            first_hours=None,
            full_hours=None,
            bytes_on_disk=None,
        )
    )
    assert "answer" not in text
    assert "Disk" not in text
