from __future__ import annotations

import json

import pytest

from examwise.cli.commands import explain as command
from examwise.cli.explained_text import explained_text
from examwise.cli.main import main
from examwise.core.errors import InputError
from examwise.explain.explained_summary import ExplainedSummary

SUMMARY = ExplainedSummary(
    run_id="r",
    method="hshap",
    finding="any",
    n_exams=1200,
    n_slices=4,
    n_left_out=3,
    evaluations_per_slice=1234.56,
    scores={"boxes": {"pixel_f1": 0.5, "pointing_hit": 1.0}},
    scores_of_random_weights={"boxes": {"pixel_f1": 0.125}},
    similarity_to_random_weights=0.04,
    data_terms={"learned_from": ["synthetic"], "predicted": ["own"]},
)


@pytest.fixture
def asked(monkeypatch):
    """Return what the command asks for, in place of an explanation."""
    found: dict[str, object] = {}

    def explain_store(run, store, out, **options):
        found.update(options, run=run, store=store, out=out)
        return SUMMARY

    monkeypatch.setattr("examwise.explain.explain.explain_store", explain_store)
    return found


def test_the_words_become_what_is_asked_for(asked, capsys):
    words = ["explain", "run", "store", "--method", "occlusion", "--out", "out", "--randomise"]
    words += ["--slices", "called", "--max-slices", "0", "--background", "-5", "--split", "test"]
    words += ["--option", "window_px=8", "stride_px=4", "--finding", "subdural", "--seed", "7"]
    assert main([*words, "--json"]) == 0
    asked.pop("progress")
    assert asked == {
        "run": "run",
        "store": "store",
        "out": "out",
        "method": "occlusion",
        "finding": "subdural",
        "options": {"window_px": 8, "stride_px": 4},
        "slices": "called",
        "max_slices": None,
        "background": -5.0,
        "randomise": True,
        "split": "test",
        "seed": 7,
        "device": "auto",
    }
    said = json.loads(capsys.readouterr().out)
    assert said["evaluations_per_slice"] == 1234.56
    assert said["status"] == "done"


def test_what_is_left_out_is_left_to_the_stage(asked):
    assert main(["explain", "run", "store", "--method", "attention", "--out", "o", "--quiet"]) == 0
    assert not {"slices", "max_slices", "background", "randomise"} & set(asked)


def test_the_result_in_words():
    text = explained_text(SUMMARY)
    for part in (
        "hshap of any: maps of 4 slices in 1,200 exams.",
        "Images scored for a slice: 1,234.6.",
        "Held against boxes: pixel F1 0.50, pointing hits 1.00.",
        "of random weights: pixel F1 0.12.",
        "maps of random weights: 0.04.",
        "3 exams are of patients from whom the run has learned",
        "Data: own",
    ):
        assert part in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "attention", "--slices", "called"], "--slices: expected a method that makes"),
        (["--method", "hshap_bag", "--max-slices", "3"], "--max-slices: expected a method"),
        (["--method", "gradcam", "--background", "black"], "--background: expected mean"),
        (["--method", "gradcam", "--option", "layer"], "--option: expected NAME=VALUE"),
        (["--method", "gradcam", "--option", "a=1", "a=2"], "each name once"),
        (["--out", "x"], "method"),
    ],
)
def test_wrong_words_are_refused(words, message):
    with pytest.raises(InputError, match=message):
        command.run(["run", "store", "--out", "out", *words])


def test_values_of_options_are_read_as_yaml():
    found = command._method_options(["a=1", "b=0.5", "c=true", "d=stages.3", "e=[1", "f={a: 1}"])
    assert found == {"a": 1, "b": 0.5, "c": True, "d": "stages.3", "e": "[1", "f": "{a: 1}"}
