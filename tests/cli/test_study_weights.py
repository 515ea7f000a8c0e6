from __future__ import annotations

import pytest

from examwise.cli.study_file import read_study_file
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig
from examwise.training.pretraining.pretrain import pretrain

STUDY = """
source: {{layout: rsna}}
study:
  target_auc: 0.8
  arms: [{{learner: weak, acquisition: exam, budgets: [10]}}]
  model: {{weights: {weights}{more}}}
"""


@pytest.fixture(scope="module")
def encoder(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    store = make_store(folder / "s", n_exams=4, matrix=32)
    pretrain(
        stores=[store],
        encoder=EncoderConfig(width=4, window_center_hu=50.0),
        pretraining=PretrainingConfig(steps=2, slices_per_step=2, precision="32-true"),
        out=str(folder / "e"),
        allow_unsplit=True,
    )
    return folder / "e"


def read(tmp_path, encoder, more=""):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.format(weights=encoder, more=more))
    return read_study_file(path).study.model


def test_a_study_feeds_an_encoder_as_it_was_pretrained(tmp_path, encoder):
    model = read(tmp_path, encoder)
    assert (model.encoder, model.width, model.window_center_hu) == ("slim_resnet18", 4, 50.0)
    assert model.extra_windows == EncoderConfig().extra_windows


def test_what_the_file_says_counts_more(tmp_path, encoder):
    model = read(tmp_path, encoder, ", window_center_hu: 35, extra_windows: []")
    assert model.windows == ((35.0, 80.0),)
    assert model.width == 4
