"""The smoke preset as a user would run it, its numbers from the files alone, refused settings."""

import csv
import html
import json
import re

import jax
import numpy as np
import pytest
import scipy.stats

import fooljax as fj
from experiments import retrain
from experiments.retrain import numbers
from fooljax import study
from fooljax.study import Victim, change
from fooljax.study.cells import Results, file_name
from fooljax.study.published import retrained_for

LESS = {"train_steps": 60}  # of the smoke preset


# dozens of programs; what they do is tested with the library and the other experiments
SMOKE = pytest.param("smoke", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[SMOKE])
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(retrain.PRESETS["smoke"], out=str(folder), **LESS)
    return folder, config, retrain.main(config)


def unit(folder, **cell):
    with np.load(folder / "units" / f"{file_name(cell)}.npz") as stored:
        return dict(stored)


def probabilities(folder, network, images):
    """Softmax of a stored perceptron, by numpy."""
    stored = unit(folder, network=network, part="weights")
    x = images.reshape(-1, 784).astype(np.float64) / 255
    for place in range(0, 6, 2):
        bias, kernel = (stored[f"weights_{place + i:03}"] for i in range(2))
        x = (np.maximum(x, 0.0) if place else x) @ kernel + bias
    p = np.exp(x - x.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def test_smoke_numbers_from_the_files_alone(smoke):
    folder, config, returned = smoke
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() == returned.keys()
    assert summary["fooling_images"] == [0, 0, 30, 50]
    with np.load(folder / "arrays.npz") as stored:
        arrays = dict(stored)
    value = lambda name, **keys: study.where(summary[name], **keys)[0]
    for attack in config.attacks:
        for made_for in range(config.networks + 1):
            cells = [{"network": made_for, "attack": attack, "run": run} for run in (0, 1)]
            images = np.stack([arrays[f"{file_name(cell)}.images"] for cell in cells])
            assert images.shape == (2, 10, 28, 28, 1)
            told = probabilities(folder, made_for, images).reshape(2, 10, 11)  # one class more
            sure = np.diagonal(told[..., :10], axis1=1, axis2=2)
            median = value("medians", attack=attack, network=made_for)["confidence"]
            assert median["mean"] == pytest.approx(np.median(sure), rel=1e-3)
            for network in range(config.networks + 1):
                answers = probabilities(folder, network, images).argmax(axis=1).reshape(2, 10)
                shares = value("shares", images=attack, made_for=made_for, network=network)
                assert shares["fooling"]["mean"] == pytest.approx(np.mean(answers == 10))
                right = np.mean(answers == np.arange(10))
                assert shares["fooled"]["mean"] == pytest.approx(right)
    first = value("shares", images="direct", made_for=1, network=1)
    assert first["fooling"]["mean"] == 0.0  # it never learned that there is such a class
    learned = value("shares", images="direct", made_for=1, network=3)
    assert learned["fooling"]["mean"] > 0.5
    known = [summary["networks"][f"DNN {network}"]["accuracy"] for network in range(4)]
    for network, right in enumerate(known):
        wrong = value("shares", images="real test images", network=network)["fooled"]["mean"]
        assert wrong == pytest.approx(1.0 - right)


def test_what_is_measured_is_never_trained_on(smoke):
    """The class holds collected images; those of the measuring runs are others."""
    folder, _, _ = smoke
    runs = [unit(folder, network=1, attack="direct", run=run)["images"] for run in (0, 1)]
    parts = [{"run": 0, "count": 20}, {"run": 1, "count": 10}]
    kept = [unit(folder, network=1, encoding="direct", **part)["collected"] for part in parts]
    measured, collected = (np.concatenate(one).reshape(-1, 784) for one in (runs, kept))
    assert len(collected) == 30  # of ten classes, first and last generation; half of the last run
    assert not (measured[:, None] == collected[None]).all(axis=2).any()


def test_smoke_pictures_and_page(smoke):
    from PIL import Image

    folder, config, summary = smoke
    pictures = sorted(folder.glob("*.png"))
    names = ["curves", "gallery", "medians", "pairs_ascent", "pairs_direct", "unrelated"]
    assert [path.stem for path in pictures] == names
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    text = (folder / "report.html").read_text().replace("&nbsp;", " ")
    assert text.count("data:image/png;base64,") == len(pictures)
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?!data:)[^\"]*", text)
    steps = config.victim.train_steps
    assert f"python -m experiments.retrain --model mlp --train-steps {steps} --networks 3" in text
    assert html.escape(summary["conclusion"]) in text
    for words in ("uniform noise", "photographs", "direct, made anew", "First generation", "DNN 0"):
        assert words in text


@pytest.mark.slow
def test_a_resumed_run_gives_the_same(smoke):
    folder, config, _ = smoke
    names = ("arrays.npz", "records.csv", "medians.png")
    before = {name: (folder / name).read_bytes() for name in names}
    lost = (
        {"network": 2, "part": "weights"},
        {"network": 1, "encoding": "direct", "run": 1, "count": 10},
        {"network": 3, "attack": "direct", "run": 0},
        {"images": "ascent", "made_for": 1, "network": 3},
    )
    for cell in lost:
        (folder / "units" / f"{file_name(cell)}.npz").unlink()
    (folder / "report.html").unlink()
    retrain.main(change(config, out=None, resume=str(folder)))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert (folder / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_records_stay_when_an_attack_a_run_and_a_network_are_dropped(smoke, tmp_path):
    folder, config, _ = smoke
    less = {"attacks": ("direct",), "runs": 1, "networks": 2, "others": ()}
    retrain.main(change(config, out=str(tmp_path / "less"), **less))
    read = lambda place: csv.DictReader((place / "records.csv").read_text().splitlines())
    plain = lambda one: tuple(sorted((name, value) for name, value in one.items() if value))
    whole, part = (set(map(plain, read(place))) for place in (folder, tmp_path / "less"))
    assert part < whole
    # images made anew, the surest of each run, all pairs, generations, three kinds of others
    assert len(part) == 3 * 10 + 3 + 9 + 3 * 5 + 3 * 3


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A perceptron that somebody else has trained, as a file."""
    digits = fj.data.load("digits").train
    network = fj.models.build("mlp", jax.random.key(7), (28, 28, 1), 10)
    recipe = fj.training.quick(100)._asdict()
    network, _ = fj.training.fit(jax.random.key(8), network, digits, **recipe)
    fj.models.save_weights(path := tmp_path_factory.mktemp("weights") / "mlp.safetensors", network)
    return path, network


@pytest.fixture(scope="module")
def tuned(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned") / "run"
    changes = {"recipe": "fine_tune", "networks": 2, "classes": 4, "others": ()}
    changes |= {"weights": str(weights[0]), "train_steps": 40, "attacks": ("direct",)}
    config = change(retrain.PRESETS["smoke"], out=str(folder), **changes)
    return folder, config, retrain.main(config)


@pytest.mark.slow
def test_training_goes_on_from_weights(tuned, weights):
    """DNN 1 is the network of the file; the others began there, the last with fooling images."""
    folder, config, summary = tuned
    stored = [unit(folder, network=network, part="weights") for network in range(3)]
    kernel = np.asarray(weights[1].params["fc3"]["kernel"])
    place = next(name for name, one in stored[1].items() if one.shape == (100, 11))
    np.testing.assert_array_equal(stored[1][place][:, :10], kernel)
    np.testing.assert_allclose(stored[1][place][:, 10], kernel.mean(axis=1), atol=1e-6)
    for changed in (stored[0][place], stored[2][place]):
        assert 0.0 < np.abs(changed[:, :10] - kernel).max() < 0.5
    assert summary["networks"]["DNN 1"]["accuracy"] == pytest.approx(
        fj.training.evaluate(weights[1], fj.data.load("digits").test)
    )
    classes = study.draw_classes("", 0, 4, 10)
    assert summary["made_for"] == [str(label) for label in classes]
    for network in range(3):
        made = unit(folder, network=network, attack="direct", run=0)
        np.testing.assert_array_equal(made["labels"], classes)
        told = probabilities(folder, network, made["images"])
        np.testing.assert_allclose(made["confidence"], told[range(4), classes], rtol=1e-3)
    parts = [{"run": turn, "count": count} for turn, count in enumerate((8, 8, 8, 6))]
    kept = [unit(folder, network=1, encoding="direct", **one)["collected"] for one in parts]
    assert sum(map(len, kept)) == config.first_images
    tenth = study.where(summary["surest_tenth"], attack="direct", network=2)[0]["surest_tenth"]
    sure = [unit(folder, network=2, attack="direct", run=run)["confidence"] for run in (0, 1)]
    assert tenth["mean"] == pytest.approx(np.mean([np.quantile(one, 0.9) for one in sure]))
    text = (folder / "report.html").read_text()
    assert "4 of 10 classes, drawn at random" in text and "DNN 1, trained on as the others" in text


@pytest.mark.slow
def test_a_run_goes_on_with_the_same_weights_only(tuned, weights):
    folder, config, _ = tuned
    before = weights[0].read_bytes()
    fj.models.save_weights(weights[0], jax.tree.map(lambda leaf: 2.0 * leaf, weights[1]))
    with pytest.raises(ValueError, match=r"other weights.* than .* was begun with"):
        retrain.main(change(config, out=None, resume=str(folder)))
    weights[0].write_bytes(before)
    (folder / "units" / f"{file_name({'network': 2, 'part': 'weights'})}.npz").unlink()
    retrain.main(change(config, out=None, resume=str(folder)))


def test_verdicts_follow_the_numbers():
    verdicts = {
        (0.99, 0.95, 0.9): "no",
        (0.99, 0.5, 0.1): "yes",
        (0.99, 0.95, 0.1): "partly",
        (0.5, 0.1, 0.1): "untested",
    }
    for medians, verdict in verdicts.items():
        assert numbers.decide(list(medians)) == verdict
    assert numbers.decide([0.5, 0.1], harder=True) == "harder"
    assert numbers.decide([0.99, 0.95], harder=True) == "no"


def found(confidences, histories=()):
    """Two networks whose images they are sure of as planted, and nothing else."""
    cells = [
        (
            {"network": network, "attack": "direct", "run": run},
            {"confidence": np.array(of_run), "labels": np.arange(2), "history": np.array(history)},
        )
        for network, runs in enumerate(confidences, 1)
        for (run, of_run), history in zip(enumerate(runs), histories or [()] * 2, strict=True)
    ]
    for made_for, fooled, fooling in ((1, [0.0, 0.5], [1.0, 0.5]), (2, [1.0, 0.0], [0.0, 0.0])):
        cell = {"images": "direct", "made_for": made_for, "network": 2}
        cells.append((cell, {"fooled": np.array(fooled), "fooling": np.array(fooling)}))
    config = change(retrain.PRESETS["smoke"], networks=2)
    return numbers.find(config, None, Results(tuple(cells)))


def test_against_the_first_by_counting():
    before, after = [[0.9, 0.8], [0.7, 0.7]], [[0.7, 0.1], [0.85, 0.2]]
    wins = sum((b > a) + 0.5 * (b == a) for b in np.ravel(before) for a in np.ravel(after))
    higher, p = found([before, after]).against("direct", 2)
    assert higher == wins / 16
    assert p == pytest.approx(scipy.stats.mannwhitneyu(np.ravel(before), np.ravel(after)).pvalue)


def test_means_and_effort_by_hand():
    histories = [[[0.1, 0.1], [0.5, 0.5], [0.98, 1.0], [1.0, 1.0]]] * 2
    one = found([[[0.9, 0.8], [0.7, 0.7]]] * 2, histories)
    assert one.medians == [pytest.approx(0.75)] * 2
    assert one.effort("direct", 2) == 3  # the random images before the first do not count
    assert one.old_and_new("fooled") == (0.25, 0.5)
    assert one.old_and_new("fooling") == (0.75, 0.0)
    never = found([[[0.9, 0.8], [0.7, 0.7]]] * 2, [[[0.1, 0.1], [0.5, 0.5]]] * 2)
    assert never.effort("direct", 1) == "never"


def test_trend_by_hand():
    assert numbers.trend([0.9, 0.1, 0.2, 0.3]) is None
    assert numbers.trend([0.9, 0.1, 0.2, 0.3, 0.4])["rho"] == pytest.approx(1.0)
    assert numbers.trend([0.1, 0.9, 0.9, 0.9, 0.9]) is None


def test_the_papers_sizes():
    """6,000 + 13 x 1,000 of 79,000 at the end, by runs of twenty images."""
    paper = retrain.PRESETS["paper"]
    assert (paper.networks, paper.first_images, paper.added_images) == (15, 6000, 1000)
    assert paper == retrain.PRESETS["mnist-paper"]
    _, medians = retrained_for([str(digit) for digit in range(10)])
    assert len(medians) == 15 and np.median(medians) == 0.9948
    assert retrained_for(fj.data.imagenet_names())[1] == (0.8805, 0.1170)
    beside = study.retrained_table(fj.data.imagenet_names(), 15)
    assert [row.values["confidence"].mean for row in beside.rows] == [0.8805, 0.1170]
    assert len(study.retrained_table([str(digit) for digit in range(10)], 3).rows) == 3


IMPOSSIBLE = {
    "--networks must be at least 2, got 1": {"networks": 1},
    "--runs must be at least 1, got 0": {"runs": 0},
    "--first-images must be at least 1, got 0": {"first_images": 0},
    "--collect-generations must be at least 1": {"collect_generations": 0},
    "--attacks: cppn of --encoding among them, got direct": {
        "encoding": ("cppn",),
        "attacks": ("direct",),
    },
    "--attacks: cppn and direct of --encoding": {"encoding": ("cppn", "direct")},
    "--attacks: unknown 'pgd'": {"attacks": ("direct", "pgd")},
    "--encoding: unknown 'both'; There are direct, cppn": {"encoding": ("both",)},
    "--model a.py:net: each round trains its own network": {"victim": Victim(model="a.py:net")},
    "--model nothing: ": {"victim": Victim(model="nothing")},
    "--weights: there is no file a.safetensors": {"victim": Victim(weights="a.safetensors")},
    "--recipe fine_tune changes weights that are there": {"victim": Victim(recipe="fine_tune")},
    "--classes must be at most 10, got 11": {"classes": 11},
    "--classifier .*: each round trains its own": {"victim": Victim(classifier="here")},
    "--dataset none: each round trains its own": {"victim": Victim(dataset="none")},
    "--others: others than --dataset digits": {"others": ("digits",)},
    "--others: no data set is called 'nothing'": {"others": ("nothing",)},
    "--recipe: acet teaches networks to be unsure": {"victim": Victim(recipe="acet")},
    "--train-epsilon: --recipe quick has none": {"victim": Victim(train_epsilon=0.1)},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(retrain.PRESETS["smoke"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=message):
        retrain.main(change(config, **changes))
    assert not list(tmp_path.iterdir())
