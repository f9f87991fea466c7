"""Networks that answer questions: trained once, read again, and what they cannot be told."""

from dataclasses import fields
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from fooljax import study
from fooljax.models import answer_all
from fooljax.study import Victim, answerers, change
from fooljax.study.run import Run


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """A file of pictures, half of them dark, and the question whether they are."""
    shades = np.repeat(np.array([40, 215], np.uint8), 8)
    images = np.broadcast_to(shades[:, None, None, None], (16, 8, 8, 3))
    rows = {"image": np.arange(16), "question": np.zeros(16, int), "answer": shades // 215}
    path = tmp_path_factory.mktemp("questions") / "dark.npz"
    halves = {
        f"{half}_{name}": array
        for half in ("train", "test")
        for name, array in {"images": images, **rows}.items()
    }
    np.savez(path, questions=["is it dark?"], answers=["yes", "no"], **halves)
    return path


def opened(folder, questions, **settings):
    victim = Victim(dataset=str(questions), train_steps=12, **settings)
    return Run("experiments.ask", SimpleNamespace(victim=victim), folder)


def test_networks_are_trained_once_and_read_again(questions, tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    run = opened(tmp_path / "run", questions, classifier=str(tmp_path / "kept"))
    asked = study.load_asked(run)
    first = study.train_answerers(run, asked, ["pooled"], 2)
    assert list(first) == ["pooled 1", "pooled 2"]
    pairs = np.stack([asked.test.picture, asked.test.question], axis=1)
    for network in first.values():
        said = answer_all(network.vqa, asked.test.images, asked.ids, pairs).argmax(axis=1)
        assert network.prepared.accuracy == np.mean(said == asked.test.answer)
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"pooled-1", "pooled-2"}

    with monkeypatch.context() as patch:
        patch.setattr(answerers.training, "fit", None)  # nothing is trained again
        again = study.train_answerers(run, asked, ["pooled"], 2)
    for name, network in first.items():
        same = jax.tree.map(np.array_equal, network.vqa.params, again[name].vqa.params)
        assert all(jax.tree.leaves(same))
    weights = [jax.tree.leaves(one.vqa.params) for one in first.values()]
    assert not all(map(np.array_equal, *weights))
    others = opened(tmp_path / "run", questions, classifier=str(tmp_path / "kept"), train_seed=1)
    with pytest.raises(ValueError, match="train_seed is 0 there and 1 here"):
        study.train_answerers(others, asked, ["pooled"], 2)


REFUSED = {
    "--models: unknown 'lenet'; There are pooled, flat": ({}, ["lenet"]),
    "--weights x: networks that answer questions are trained here": ({"weights": "x"}, ["flat"]),
    "--recipe .*: .*; leave --recipe out": ({"recipe": "trades"}, ["flat"]),
    "--train-epsilon .*: .*; leave --train-epsilon out": ({"train_epsilon": 0.1}, ["flat"]),
    "--sample-rate .*: .*; leave --sample-rate out": ({"sample_rate": 8000}, ["flat"]),
    "--seconds .*: .*; leave --seconds out": ({"seconds": 2.0}, ["flat"]),
}
READ = {"dataset": "x.npz", "data_dir": "x", "classifier": "x", "train_steps": 3, "train_seed": 9}


def test_every_setting_is_read_or_refused():
    study.check_answerers(Victim(**READ), ["flat"])
    for name in {one.name for one in fields(Victim)} - set(READ):
        with pytest.raises(ValueError, match=f"^--{name.replace('_', '-')} .*: .* leave --"):
            study.check_answerers(change(Victim(), **{name: "another"}), ["flat"])


@pytest.mark.parametrize(("message", "given"), REFUSED.items(), ids=REFUSED.keys())
def test_what_has_no_meaning_for_them_is_refused(message, given):
    settings, names = given
    with pytest.raises(ValueError, match=message):
        study.check_answerers(Victim(**settings), names)
