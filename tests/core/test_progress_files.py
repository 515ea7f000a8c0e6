from __future__ import annotations

import time

from examwise.core.progress import SilentProgress
from examwise.core.progress_files import LinesFile, ProgressFile, follow_files


class Said(SilentProgress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def wait_for(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def test_work_elsewhere_is_spoken_of_a_few_times_and_leaves_nothing(tmp_path):
    said, folder = Said(), tmp_path / "progress"
    with follow_files(folder, said, seconds=0.01):
        with ProgressFile(folder / "run-1").track("Training", 10) as advance:
            for step in range(1, 8):
                advance()
                wait_for(lambda step=step: len(said.lines) >= step // 2)
        wait_for(lambda: not (folder / "run-1").exists())
    assert said.lines == [f"run-1: {done} of 10 steps" for done in (2, 4, 6)]
    assert not folder.exists()


def test_an_interruption_ends_the_thread_and_takes_the_folder_away(tmp_path):
    folder = tmp_path / "progress"
    folder.mkdir()
    (folder / "left-by-an-earlier-one").write_text("1 2")
    said = Said()
    try:
        with follow_files(folder, said, seconds=0.01):
            time.sleep(0.05)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert said.lines == []
    assert not folder.exists()


def test_lines_are_repeated_once_each_the_last_ones_too(tmp_path):
    said, folder = Said(), tmp_path / "progress"
    with follow_files(folder, said, seconds=0.01):
        lines = LinesFile(folder / "run-1.5")
        lines.say("one")
        wait_for(lambda: said.lines)
        lines.say("two")
        LinesFile(folder / "run-2").say("three")
    assert sorted(said.lines) == ["run-1.5: one", "run-1.5: two", "run-2: three"]
