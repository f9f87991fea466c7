"""The smoke preset as a user would run it, its table by hand, and the settings that are refused."""

import csv
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special

from experiments import foolbench
from experiments.foolbench import measure, numbers
from fooljax import study
from fooljax.metrics import Interval
from fooljax.runtime import entries
from fooljax.study import Victim, change
from fooljax.study.cells import file_name

OWN = """
import jax
import numpy as np
import sklearn.datasets
import sklearn.linear_model
from fooljax.types import Classifier

def net():
    digits = sklearn.datasets.load_digits()
    fit = sklearn.linear_model.RidgeClassifier().fit(digits.data / 16, digits.target)
    params = {"w": 8 * fit.coef_.T.astype("float32"), "b": 8 * fit.intercept_.astype("float32")}
    def apply(params, images):
        return images.reshape(len(images), -1) @ params["w"] + params["b"][None]
    return Classifier(params, apply, (8, 8, 1), 10)
"""

LISTENING = """
import jax.numpy as jnp
from fooljax.types import Classifier

def net():
    loud = lambda params, sounds: 9 * jnp.abs(sounds - 0.5).reshape(len(sounds), 8, -1).mean(axis=2)
    return Classifier((), loud, (4000, 1), 8)
"""


# dozens of programs; what they do is tested with the library and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(foolbench.PRESETS["smoke"], out=str(folder))
    return folder, config, foolbench.main(config)


def unit(folder, **cell):
    return np.load(folder / "units" / f"{file_name(cell)}.npz")


def accepted(clean, logits, share):
    """By the definition: the threshold is what the share of every other clean image passes."""
    best = lambda logits: scipy.special.softmax(logits.astype(np.float64), axis=1).max(axis=1)
    held = np.sort(best(clean)[::2])[::-1]
    threshold = held[int(np.ceil(share * len(held))) - 1]
    return np.mean(best(logits) >= threshold - 1e-9)


@pytest.mark.parametrize("generator", ["direct", "ascent", "noise"])
@pytest.mark.parametrize("adversary", ["naive", "adaptive"])
def test_the_table_says_what_the_files_hold(smoke, generator, adversary):
    folder, _, _ = smoke
    lines = csv.DictReader((folder / "table.csv").read_text().splitlines())
    line = next(
        line
        for line in lines
        if (line["defense"], line["generator"], line["adversary"])
        == ("ensemble", generator, adversary)
    )
    each = []
    for network in ("softmax 1", "softmax 2"):
        names = {"defense": "ensemble", "network": network}
        clean, shown = (
            unit(folder, images="clean", **names),
            unit(folder, generator=generator, **names),
        )
        own = adversary == "adaptive" and not study.MAKERS[generator].control
        logits = shown["own" if own else "naive"]
        each.append(accepted(clean["logits"], logits, 0.95))
    assert float(line["accepted_95_mean"]) == pytest.approx(np.mean(each), abs=1e-6)
    assert (line["evaluations_to_99_mean"] == "") == (generator == "noise")


def test_the_adversary_who_knows_an_ensemble_asks_the_ensemble(smoke):
    folder, _, _ = smoke
    made = lambda defense: unit(folder, generator="ascent", defense=defense, network="softmax 1")
    naive, own = made("ensemble")["naive"], made("ensemble")["own"]
    targets = np.arange(10)
    aimed = lambda logits: scipy.special.log_softmax(logits, axis=1)[targets, targets].mean()
    assert aimed(own) > aimed(naive)
    assert made("plain")["images"].shape == (10, 28, 28, 1)


def test_files_and_page(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    assert (summary["benchmark"], summary["version"]) == ("Fooling benchmark", "v1")
    assert summary["settings"]["generations"] == config.fooling.generations
    assert {one["defense"] for one in summary["ranking"]} == {
        "plain",
        "ensemble",
        "reject_energy",
    }
    worst = [one["worst_accepted_95"] for one in summary["ranking"]]
    assert worst == sorted(worst)
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(list(folder.glob("*.png"))) == 4
    assert page.count('<table class="sortable">') == 5
    assert not re.findall(r"<(?:img|link|iframe)[^>]*(?:src|href)=\"(?!data:|https)[^\"]*", page)
    markdown = (folder / "table.md").read_text().splitlines()
    assert markdown[2].count("|") == 6 and len(markdown) == 6


def test_the_entry_says_what_the_table_and_the_records_say(smoke):
    folder, _, summary = smoke
    entry = entries.read(folder)
    lines = list(csv.DictReader((folder / "table.csv").read_text().splitlines()))
    for line in lines:
        (row,) = [row for row in entry["rows"] if row["defense"] == line["defense"]]
        shares = [float(line[f"accepted_95_{part}"]) for part in ("mean", "low", "high")]
        assert row[line["adversary"]][line["generator"]] == pytest.approx(shares, abs=1e-4)
    assert len(lines) == 2 * 2 * 3 and len((folder / "entry.json").read_bytes()) < 5000
    worst = {one["defense"]: max(one["adaptive"].values())[0] for one in entry["rows"]}
    for one in summary["ranking"]:
        assert worst[one["defense"]] == pytest.approx(one["worst_accepted_95"], abs=1e-4)
    each = {"softmax 1": [], "softmax 2": []}
    for one in csv.DictReader((folder / "records.csv").read_text().splitlines()):
        if one["defense"] == "ensemble" and one["adversary"] == "adaptive":
            each[one["network"]].append(float(one["accepted_95"]))
    first, second = (np.mean(shares) for shares in each.values())
    mean, wide = (first + second) / 2, 12.7062 * abs(first - second) / 2  # t, one degree
    limits = [mean, max(0.0, mean - wide), min(1.0, mean + wide)]
    assert entry["rows"][1]["adaptive_mean"] == pytest.approx(limits, abs=1e-3)
    begun = json.loads((folder / "inputs.json").read_text())["networks"]
    about = entry["networks"]["softmax 2"]
    (marks,) = (one for one in begun.values() if one["weights"].startswith(about["weights"]))
    assert about["answers"] == marks["logits"][0] and about["defended"]["plain"] == about["weights"]


def test_a_smoke_run_is_no_entry_of_the_leaderboard(smoke):
    folder, _, _ = smoke
    with pytest.raises(ValueError, match=r"--generations must be at least 60, got 3.*--generators"):
        entries.check(entries.read(folder), foolbench.TERMS)


@pytest.mark.slow
def test_a_resumed_run_gives_the_same_bytes(smoke):
    folder, config, _ = smoke
    names = ("records.csv", "table.csv", "arrays.npz", "accepted_adaptive.png")
    before = {name: (folder / name).read_bytes() for name in names}
    lost = {"generator": "ascent", "defense": "ensemble", "network": "softmax 2"}
    for cell in (lost, {"images": "clean", "defense": "plain", "network": "softmax 1"}):
        (folder / "units" / f"{file_name(cell)}.npz").unlink()
    foolbench.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before


@pytest.mark.slow
def test_without_a_generator_or_a_defense_the_others_are_the_same(smoke, tmp_path):
    folder, config, _ = smoke
    read = lambda place: (place / "records.csv").read_text().splitlines()
    few = change(config, generators=("ascent",), defenses=("plain",), out=str(tmp_path / "run"))
    foolbench.main(few)
    kept = [line for line in read(folder) if line.startswith("plain,")]
    kept = [line for line in kept if line.split(",")[2] in ("clean", "ascent")]
    assert read(tmp_path / "run")[1:] == kept


@pytest.mark.slow
def test_the_smoke_preset_runs_on_sounds_and_a_network_of_one_s_own(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(LISTENING)
    victim = Victim(dataset="tones", model=f"{path}:net")
    smoke = foolbench.PRESETS["smoke"]
    summary = foolbench.main(change(smoke, victim=victim, out=str(tmp_path / "run")))
    assert [one["defense"] for one in summary["defenses"]] == ["plain"]
    assert "the preset's ensemble is left out" in capsys.readouterr().err


@pytest.mark.slow
def test_a_plain_function_of_one_s_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    victim = Victim(model=f"{path}:net", image_size=(8, 8))
    config = change(
        foolbench.PRESETS["smoke"],
        victim=victim,
        defenses=("levels=4", "reject_energy"),
        generators=("sparse", "others"),
        pixels=3,
        clean_images=360,  # half of them set the threshold: of few, any share may pass
        seeds=1,
        out=str(tmp_path / "run"),
    )
    summary = foolbench.main(config)
    of = {one["defense"]: one for one in summary["defenses"]}
    assert list(of) == ["plain", "levels 4", "reject_energy"]
    assert len(summary["rows"]) == 2 * 2 * 3
    bare, guarded = of["plain"], of["reject_energy"]
    lost = bare["clean_accuracy"]["mean"] - guarded["clean_accuracy"]["mean"]
    assert 0.0 <= lost <= guarded["clean_rejected"]["mean"] < 0.2


def test_every_setting_has_its_term():
    """A setting that is asked for can be met, and the preset meets all."""
    terms = foolbench.TERMS
    apart = (*terms.same, *terms.split, *terms.free)
    assert set(apart) < set(terms.settings) and len(set(apart)) == len(apart)
    rest = {name: value for name, value in terms.settings.items() if name not in apart}
    assert all(isinstance(one, (int, float, tuple)) and one for one in rest.values())
    given = json.loads(json.dumps(terms.settings))
    entry = {"benchmark": terms.benchmark, "version": terms.version, "settings": given}
    entries.check(entry, terms)
    for name in rest:
        less = [] if isinstance(given[name], list) else given[name] / 2
        with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} must"):
            entries.check({**entry, "settings": {**given, name: less}}, terms)


def test_what_applies_to_a_network_that_comes_with_its_weights():
    choose = lambda settings, *words: study.choose_defenses("--defenses", words, settings)
    own, trained = Victim(model="mine.py:net"), Victim()
    assert {"plain", "blur 1", "noise 0.25", "reject_energy"} <= set(choose(own))
    assert not {"ensemble", "acet", "fooling_class"} & set(choose(own))
    assert len(choose(trained)) == 12
    assert list(choose(trained, "jpeg=5", "reject_openmax")) == [
        "plain",
        "jpeg 5",
        "reject_openmax",
    ]


def test_what_a_preset_asks_for_is_left_out_where_it_cannot_be_had(capsys):
    words = foolbench.PRESETS["smoke"].defenses
    choose = lambda model: study.choose_defenses("--defenses", words, Victim(model=model), words)
    assert list(choose("softmax")) == ["plain", *words[1:]] and not capsys.readouterr().err
    assert list(choose("mine.py:net")) == ["plain", "reject_energy"]  # something to compare
    assert "the preset's ensemble is left out; it needs other networks" in capsys.readouterr().err


IMPOSSIBLE = {
    "--seeds must be at least 1, got 0": {"seeds": 0},
    "--clean-images must be at least 40": {"clean_images": 10},
    "--pixels must be at most 784, those of an image": {"pixels": 785, "generators": ("sparse",)},
    r"--epsilon must be in \(0, 1\], got 0": {"epsilon": 0.0},
    "--defenses: unknown 'prayer'; There are plain": {"defenses": ("prayer",)},
    "--defenses blur: how much. Give a number, as in blur=1": {"defenses": ("blur",)},
    "--defenses: give each once, got blur=1 blur=1.0": {"defenses": ("blur=1", "blur=1.0")},
    "--defenses median=29: .* at most 28, got 29": {"defenses": ("median=29",)},
    "--generators: unknown 'pgd'": {"generators": ("pgd",)},
    "--generators must name .*each once, got cppn cppn": {"generators": ("cppn", "cppn")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
    "--volume-particles must be 0, or 2 at least, got 1": {"volume_particles": 1},
    "--defenses ensemble: needs other networks": {
        "victim": Victim(model="x.py:net"),
        "defenses": ("ensemble",),
    },
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(foolbench.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        foolbench.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


def test_other_images_that_do_not_exist_are_named(tmp_path):
    nowhere = str(tmp_path / "nowhere.npz")
    config = change(foolbench.PRESETS["smoke"], out=str(tmp_path / "run"), others=nowhere)
    with pytest.raises(ValueError, match=r"--others: .*nowhere\.npz"):
        foolbench.main(config)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_volume_that_a_defense_leaves(tmp_path):
    changes = {"generators": ("ascent",), "defenses": ("blur=1",), "volume_particles": 20}
    config = change(foolbench.PRESETS["smoke"], out=str(tmp_path / "run"), **changes)
    config = change(config, victim=Victim(model="softmax", train_steps=60, image_size=(8, 8)))
    summary = foolbench.main(config)
    assert len(summary["volumes"]) == 2 * 2 * 10
    assert {one["defense"] for one in summary["volumes"]} == {"plain", "blur 1"}
    spent = [float(np.load(path)["seconds"]) for path in (tmp_path / "run" / "units").iterdir()]
    assert summary["seconds"] == pytest.approx(sum(spent))
    entry = entries.read(tmp_path / "run")
    assert [one["defense"] for one in entry["rows"]] == ["plain", "blur 1"]
    assert entry["settings"]["volume_particles"] == 20
    assert "How much of image space is left" in (tmp_path / "run" / "report.html").read_text()


def test_gradients_that_mislead_are_spoken_of():
    def row(defense, generator, share, adversary="adaptive"):
        keys = {"defense": defense, "generator": generator, "adversary": adversary}
        return study.Row(keys, {"accepted_95": Interval(share, share, share)})

    rows = [
        row("plain", "cppn", 1.0),
        row("plain", "direct", 1.0),
        row("plain", "ascent", 0.9),
        row("plain", "signs", 0.9),
        row("acet", "direct", 0.2),
        row("acet", "cppn", 0.8),
        row("acet", "ascent", 0.1),
        row("acet", "signs", 0.3),
        row("acet", "signs", 0.9, "naive"),
        row("acet", "noise", 1.0),  # a control
    ]
    makers = {name: study.MAKERS[name] for name in ("direct", "cppn", "ascent", "signs", "noise")}
    scene = measure.Scene({}, ["plain", "acet"], {}, makers, {})
    found = numbers.Found(None, scene, None, [], study.Table(tuple(rows)), None, [], [])
    (one,) = numbers.masked(found)
    assert tuple(one.values()) == ("acet", "cppn", 0.8, 0.3)
    blind = scene._replace(makers={"cppn": makers["cppn"]})
    assert not numbers.masked(found._replace(scene=blind))


def test_rows_of_an_entry_by_hand():
    """Two networks, two kinds of images; Student's t with one degree is 12.706 half widths."""
    share = {"direct": {"a": 0.8, "b": 0.6}, "noise": {"a": 0.4, "b": 0.4}}
    less = {"plain": 0.0, "blur 1": 0.2}
    about = lambda defense, network: {"defense": defense, "network": network}
    records = [
        {
            **about(one, at),
            "generator": made,
            "adversary": who,
            "accepted_95": share[made][at] - cut,
        }
        for one, cut in less.items()
        for at in ("a", "b")
        for made in share
        for who in study.ADVERSARIES
    ]
    clean = [
        {**about(one, at), "clean_accuracy": 0.9 - cut, "clean_rejected": cut}
        for one, cut in less.items()
        for at in ("a", "b")
    ]
    volumes = [
        {**about(one, at), "class": label, "log10_p": log10_p}
        for one, at, *found in (
            *(("plain", "a", -3.0, -1.0), ("plain", "b", -4.0, -1.0)),
            *(("blur 1", "a", -5.0, None), ("blur 1", "b", -8.0, None)),
        )
        for label, log10_p in enumerate(found)
    ]
    words = {one: SimpleNamespace(words=f"{one} it is") for one in less}
    scene = measure.Scene({}, words, {}, {name: study.MAKERS[name] for name in share}, {})
    table = study.summarize(records, measure.BY, ["accepted_95"], "network")
    qualities = ("clean_accuracy", "clean_rejected")
    qualities = study.summarize(clean, ("defense",), qualities, "network")
    found = numbers.Found(None, scene, None, records, table, qualities, [], [], volumes)
    plain, blurred = numbers.rows(found)
    assert plain["smaller"] is None and plain["words"] == "plain it is"
    assert blurred["smaller"] == pytest.approx([3.0, 3.0 - 12.7062, 3.0 + 12.7062], abs=1e-3)
    assert blurred["clean_accuracy"] == [0.7, 0.7, 0.7]
    assert blurred["adaptive"] == {"direct": [0.5, 0.0, 1.0], "noise": [0.2, 0.2, 0.2]}
    assert plain["naive_mean"] == pytest.approx([0.55, 0.0, 1.0])
    assert numbers.rows(found._replace(volumes=[]))[1]["smaller"] is None


@pytest.mark.slow
def test_controls_alone_are_a_table(tmp_path):
    """They are made for nobody, so there is no picture of what was made for a defense."""
    wanted = {"generators": ("noise",), "defenses": ("blur=1",), "out": str(tmp_path / "run")}
    foolbench.main(change(foolbench.PRESETS["smoke"], **wanted))
    assert (tmp_path / "run" / "table.csv").exists()
    pictures = [path.name for path in (tmp_path / "run").glob("images_*.png")]
    assert pictures == ["images_plain.png"]
