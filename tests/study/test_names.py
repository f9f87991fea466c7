"""A name that nobody knows: what was meant is said in the same way for all flags."""

import jax
import pytest

import fooljax as fj
from experiments import perturb
from fooljax import study
from fooljax.runtime import command
from fooljax.study import Victim, change, own_network
from fooljax.study.prepared import prepare

NAMES = {
    "lenet": lambda place: prepare(Victim(model="lenett"), place),
    "yamnet": lambda place: prepare(Victim(model="YAMNet"), place),
    "text_cnn": lambda place: prepare(Victim(model="text-cnn"), place),
    "mnist": lambda place: prepare(Victim(dataset="mnistt"), place),
    "easy_vqa": lambda place: fj.data.load_questions("easyvqa"),
    "pgd": lambda place: perturb.measure.choose(change(perturb.Config(), attacks=("PGD",))),
    "blur": lambda place: study.filters("--defenses", ["blurr=1"]),
    "cppn": lambda place: study.chosen_encoding(study.Genotype("cpn")),
    "smoke": lambda place: command.parse(
        perturb.PRESETS, args=["--preset", "smoek"], prog="perturb", description=None
    ),
    "resnet": lambda place: fj.models.build("resnets", jax.random.key(0), (8, 8, 1), 2),
    "make": lambda place: own_network.load(f"{place}/mine.py:mke"),
}


@pytest.mark.parametrize(("meant", "ask"), NAMES.items(), ids=NAMES.keys())
def test_what_was_meant(meant, ask, tmp_path):
    (tmp_path / "mine.py").write_text("def make():\n    return None\n")
    with pytest.raises(ValueError, match=rf"; did you mean {meant}\? (There are|Known|Name one)"):
        ask(tmp_path)


def test_a_network_that_nobody_knows_is_refused_before_its_data(tmp_path, capsys):
    with pytest.raises(ValueError, match="--model lenett: unknown network 'lenett'"):
        prepare(Victim(model="lenett"), tmp_path)
    assert "loading" not in capsys.readouterr().err
