from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.core.analysis_protocol import PROTOCOL, AnalysisProtocol
from examwise.core.errors import InputError, IntegrityError
from examwise.core.schemas.evidence import COMPARISONS, NON_INFERIORITY
from examwise.core.schemas.explanations import RANDOMISED, SALIENCY_SCORES, SLICE_VALUES
from examwise.core.schemas.study import RUNS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.evaluation.judged_run import judge_run
from examwise.evaluation.reading import read_runs
from examwise.evaluation.study_evidence import EXPLANATIONS, StudyEvidence
from examwise.evaluation.study_sites import JudgedSite, Site

ARMS = {"strong": "strong", "weak": "weak"}
NAMES = {"strong": "strong-50-0", "weak": "weak-10-0"}
PLAN = AnalysisProtocol("any", 0.1, "in", ("in", "out"), 0.8, {}, {})


@pytest.fixture(scope="module")
def runs(make_run):
    return RUNS.frame([make_run("strong", 50, 0), make_run("weak", 10, 0)])


@pytest.fixture(scope="module")
def judged(tmp_path_factory, make_exams, make_predictions):
    folder, draw = tmp_path_factory.mktemp("sites"), np.random.default_rng(0)
    labels = np.arange(40) % 2
    sites = []
    for number, archive in enumerate(("in", "out")):
        urls = {
            name: make_predictions(
                folder / archive / name,
                make_exams(
                    labels,
                    draw.normal(size=40) + 2 * labels,
                    run_id=name,
                    learner=learner,
                    archive=archive,
                ),
            )
            for learner, name in NAMES.items()
        }
        found = read_runs(list(urls.values()), splits=("test",))
        site = Site(number, {name: (url,) for name, url in urls.items()})
        one = tuple(judge_run(run, beside=None, n_replicates=40, seed=0) for run in found)
        sites.append(JudgedSite(site, one))
    return sites


def evidence(study, runs, judged, stores=()):
    return StudyEvidence(study, runs, [one.site for one in judged], stores, arms=ARMS)


def tables(found, judged):
    parts = found.hold_together(judged, finding="any", n_replicates=40, n_permutations=19, seed=0)
    return [(file, rows) for part in parts for file, rows in part.items()]


def test_both_main_runs_are_compared_in_each_archive(tmp_path, runs, judged):
    found = evidence(Storage(tmp_path / "s"), runs, judged)
    assert found.inputs == {}
    (inside, outside) = tables(found, judged)
    for (file, rows), archive in zip((inside, outside), ("in", "out"), strict=True):
        assert file == COMPARISONS.file
        compared = rows.select("archive", "run_id", "other_run_id").rows()
        assert compared == [(archive, NAMES["weak"], NAMES["strong"])]


def test_a_protocol_asks_its_question_of_the_internal_archive_first(tmp_path, runs, judged):
    study = Storage(tmp_path / "s")
    PLAN.freeze(study, begun=False)
    found = evidence(study, runs, judged)
    assert list(found.inputs) == [PROTOCOL]
    rows = dict(tables(found, judged))[NON_INFERIORITY.file]
    assert rows.select("step", "archive").rows() == [(1, "in"), (2, "out")]
    assert rows.select("run_id", "reference_run_id", "margin", "is_frozen").row(0) == (
        NAMES["weak"], NAMES["strong"], 0.1, True,
    )  # fmt: skip


def test_a_protocol_changed_by_hand_is_refused(tmp_path, runs, judged):
    study = Storage(tmp_path / "s")
    text = replace(PLAN, margin=0.2).to_json().replace(b"0.2", b"0.3")
    study.write(PROTOCOL, text)
    with pytest.raises(IntegrityError):
        evidence(study, runs, judged)


def test_explanations_are_found_by_run_and_archive(tmp_path, runs, judged):
    study = Storage(tmp_path / "s")
    place = f"{EXPLANATIONS}/{NAMES['weak']}/1/hshap_bag"
    about = {"run_id": NAMES["weak"], "learner": "weak", "method": "hshap_bag", "finding": "any"}
    stage = Stage.begin(
        tmp_path / "s" / place, kind="explanations", configuration=about, inputs={}, seed=0
    )
    row = {"archive": "out", "exam_id": "e0000", "patient_key": "p0000", "slice_index": 0}
    SALIENCY_SCORES.write(stage.storage, SALIENCY_SCORES.frame([]))
    RANDOMISED.write(stage.storage, RANDOMISED.frame([]))
    SLICE_VALUES.write(stage.storage, SLICE_VALUES.frame([{**about, **row, "value": 0.5}]))
    stage.finish(outputs=[SALIENCY_SCORES.file, RANDOMISED.file, SLICE_VALUES.file])
    found = evidence(study, runs, judged)
    assert list(found.inputs) == [place]
    beside = found.beside("any")
    assert beside[0].values is None
    assert beside[1].values["value"].to_list() == [0.5]
    assert beside[1].stores == ()


def test_stores_are_of_every_archive_or_none(tmp_path, runs, judged):
    with pytest.raises(InputError, match="those of each of 2 archives"):
        evidence(Storage(tmp_path / "s"), runs, judged, stores=[["a"]])
