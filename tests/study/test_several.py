import dataclasses

import jax
import numpy as np
import pytest

from fooljax import models
from fooljax.study.several import one_of_several, prepare_several
from fooljax.study.victim import Victim

VICTIM = Victim(image_size=(8, 8), train_steps=20, train_seed=3)


def weights(prepared):
    return np.concatenate([np.ravel(leaf) for leaf in prepared.classifier.params["fc"].values()])


@pytest.mark.slow
def test_every_architecture_from_several_seeds(tmp_path, capsys):
    networks = prepare_several(VICTIM, tmp_path, ("softmax",), seeds=2)
    assert list(networks) == ["softmax 1", "softmax 2"]
    one, other = map(weights, networks.values())
    assert np.all(one != other)
    again = prepare_several(VICTIM, tmp_path, ("softmax", "mlp"), seeds=2)
    assert list(again) == ["softmax 1", "softmax 2", "mlp 1", "mlp 2"]
    np.testing.assert_array_equal(weights(again["softmax 2"]), other)
    told = capsys.readouterr().err
    assert told.count("softmax-2") == 1  # it came from there
    assert told.count("loading digits") == 2  # once for each call
    assert again["softmax 1"].splits.train is again["mlp 2"].splits.train


@pytest.mark.parametrize(
    ("changes", "models", "message"),
    [
        ({}, ("mlp", "mlp"), "--models: each architecture once, got mlp mlp"),
        (
            {"weights": "x.safetensors"},
            ("mlp", "softmax"),
            "--weights 'x.safetensors': these networks are trained here",
        ),
        ({}, ("mpl",), "--models mpl: unknown network 'mpl'"),
    ],
)
def test_says_what_is_wrong(changes, models, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        prepare_several(dataclasses.replace(VICTIM, **changes), tmp_path, models)


def test_a_single_network_may_bring_its_weights(tmp_path):
    network = models.build("softmax", jax.random.key(7), (8, 8, 1), 10)
    models.save_weights(tmp_path / "mine.safetensors", network)
    victim = dataclasses.replace(VICTIM, weights=str(tmp_path / "mine.safetensors"))
    one = prepare_several(victim, tmp_path, ("softmax",))["softmax"]
    for leaf, kept in network.params["fc"].items():
        np.testing.assert_array_equal(one.classifier.params["fc"][leaf], kept)
    with pytest.raises(ValueError, match="these networks are trained here"):
        prepare_several(victim, tmp_path, ("softmax",), seeds=2)


def test_each_of_several_is_kept_in_a_folder_of_its_own(tmp_path):
    one = one_of_several(VICTIM, tmp_path, "lenet 2/b", 1, model="lenet")
    assert (one.model, one.train_seed) == ("lenet", 4)
    assert one.classifier == str(tmp_path / "networks" / "lenet-2-b")
    there = dataclasses.replace(VICTIM, classifier=str(tmp_path / "kept"))
    assert one_of_several(there, tmp_path, "mlp").classifier == str(tmp_path / "kept" / "mlp")
