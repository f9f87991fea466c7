import csv
import re

import numpy as np
import pytest

from experiments import imagine
from fooljax import study
from fooljax.interrupts import Interrupted
from fooljax.study import Victim, change

pytestmark = pytest.mark.slow  # a whole run


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    config = change(imagine.PRESETS["smoke"], out=str(folder))
    return folder, config, imagine.main(config)


def read(folder, part):
    """Records of a part as the file has them."""
    with (folder / "records.csv").open() as stream:
        return study.where(csv.DictReader(stream), part=part)


@pytest.fixture(scope="module")
def of_cell(smoke):
    """A function that returns the arrays of a cell on disk by name."""
    with np.load(smoke[0] / "arrays.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}

    def read_cell(**cell):
        start = f"{study.cells.file_name(cell)}."
        found = {name.removeprefix(start): one for name, one in arrays.items() if start in name}
        assert found
        return found

    return read_cell


def softmax(logits):
    """Probabilities in float64."""
    shares = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def test_records_are_what_chains_did(smoke, of_cell):
    """Count from the scores, logits and images on disk, in plain numpy."""
    folder, config, summary = smoke
    records = read(folder, "chains")
    assert len(records) == len(config.tilts) * config.repeats * 10 * config.chains
    for record in records:
        cell = {"network": "plain", "tilt": float(record["tilt"]), "repeat": record["repeat"]}
        found = of_cell(**cell)
        label, chain = int(record["class"]), int(record["chain"])
        place = label * config.chains + chain
        trace = found["scores"][label, chain]
        assert trace.shape == (config.steps,)
        assert trace[-1] == pytest.approx(found["logits"][place, label], abs=1e-3)
        assert float(record["logit"]) == pytest.approx(trace[config.steps // 2 :].mean(), rel=1e-4)
        sure = softmax(found["logits"])[place, label]
        assert float(record["confidence"]) == pytest.approx(sure, rel=1e-4)
        assert found["images"].shape == (10, config.chains, 28, 28, 1)
    for row in summary["median_confidence"]:
        some = [float(one["confidence"]) for one in study.where(records, tilt=str(row["tilt"]))]
        assert row["confidence"]["mean"] == pytest.approx(np.median(some))


def test_densities_are_what_pairs_say(smoke, of_cell):
    """The normalizer against plain draws; the area by counting pairs."""
    folder, config, _ = smoke
    normalizers = read(folder, "normalizers")
    for record in study.where(normalizers, tilt="1.0"):
        curve = of_cell(network="plain", curve="logit", repeat=record["repeat"])
        draws = curve["draws"][:, int(record["class"])].astype(np.float64)
        weights = np.exp(draws)
        error = weights.std() / weights.mean() / np.sqrt(len(weights))
        plain = np.log(weights.mean())
        assert float(record["log_z"]) == pytest.approx(plain, abs=4 * error + 0.3)
    densities = read(folder, "densities")
    assert {one["images"] for one in densities} == {
        *("real", "ascent", "noise", "drawn at tilt 1", "drawn at tilt 20")
    }
    for record in (one for one in densities if one["images"] in config.generators):
        z = study.where(normalizers, tilt=record["tilt"], repeat=record["repeat"])
        log_z = np.array([float(one["log_z"]) for one in z])

        def log_p(kind, log_z=log_z, record=record):
            cell = {"network": "plain", "images": kind, "repeat": record["repeat"]}
            logits = of_cell(**cell)["logits"].astype(np.float64)
            return np.log(np.mean(np.exp(float(record["tilt"]) * logits - log_z), axis=1))

        real, others = log_p("real"), log_p(record["images"])
        assert float(record["log_p"]) == pytest.approx(others.mean(), abs=1e-3)
        higher = np.mean(real[:, None] > others) + 0.5 * np.mean(real[:, None] == others)
        assert float(record["auroc"]) == pytest.approx(higher, abs=1e-3)


def test_numbers_that_must_hold(smoke):
    """Read literally the network draws what it is unsure of, and colder what it is sure of."""
    _, _, summary = smoke
    literal, cold = (row["confidence"]["mean"] for row in summary["median_confidence"])
    assert literal < 0.2 and cold > 0.95
    literal, cold = summary["chains"]
    assert cold["own_correlation"]["mean"] > literal["own_correlation"]["mean"]
    noise = study.where(summary["densities"], tilt=1.0, images="noise")[0]
    assert noise["auroc"]["mean"] > 0.9


def test_pictures_and_page(smoke):
    from PIL import Image

    folder, _, _ = smoke
    pictures = sorted(folder.glob("*.png"))
    assert [path.name for path in pictures] == ["chains.png", "drawn_plain.png"]
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 100 and np.asarray(picture.convert("L")).std() > 1
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)
    text = re.sub(r"base64,[^\"]*", "", page)
    assert "it is a model of noise" in text and "Not mixed in 40 steps" in text
    assert "</strong> (a control): less probable than real ones" in text
    assert "nan" not in text and "inf<" not in text


IMPOSSIBLE = {
    "--tilts must be positive|--tilts must be in": {"tilts": (0.0,)},
    "--steps must be at least 8": {"steps": 7},
    "--particles must be at least 4": {"particles": 3},
    "--networks: unknown 'adversrial'; did you mean adversarial": {"networks": ("adversrial",)},
    "--networks: .*|--networks must name at least 1": {"networks": ()},
    "--networks plain adversarial: a.py:b is not trained here": {
        "networks": ("plain", "adversarial"),
        "victim": Victim(model="a.py:b"),
    },
    "--measure: unknown 'unifrom'; did you mean uniform": {"measure": "unifrom"},
    "--generators: unknown 'deepfol'": {"generators": ("deepfol",)},
    "--classes must be at least 2": {"classes": 1},
    "--dataset: real images are needed": {"victim": Victim(dataset="none")},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(imagine.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        imagine.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_stopped_in_the_middle_everything_is_the_same(smoke, tmp_path, monkeypatch):
    folder, config, _ = smoke
    config = change(config, classifier=str(folder / "networks"), out=str(tmp_path / "cut"))
    logits, calls = study.logits, []

    def stop_then(*arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return logits(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="--resume"):
        patch.setattr(study, "logits", stop_then, raising=False)
        imagine.main(config)
    imagine.main(change(config, out=None, resume=config.run.out))
    for name in ("records.csv", "arrays.npz", "drawn_plain.png"):
        assert (tmp_path / "cut" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.slow
def test_networks_trained_otherwise_and_other_measures(smoke, tmp_path):
    """A second network gets pictures of its own; without uniform images there is no density."""
    _, config, _ = smoke
    config = change(config, networks=("plain", "adversarial"), measure="smooth", repeats=1)
    summary = imagine.main(change(config, out=str(tmp_path / "run"), classes=3, depth=0.0))
    assert set(summary["networks"]) == {"plain", "adversarial"} and not summary["densities"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What the adversarial network draws" in page and "Not measured: " in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)


@pytest.mark.slow
def test_released_lenet(data_dir):
    """Reference numbers: a median confidence below 0.2 at tilt 1, above 0.95 at tilt 10."""
    import jax

    from fooljax import analysis, models

    weights = f"{data_dir}/models/caffe_lenet_mnist.safetensors"
    shape = (28, 28, 1)
    network = models.load_weights(weights, models.build("lenet", jax.random.key(0), shape, 10))
    draw = lambda tilt: analysis.sample(
        jax.random.key(1), network, analysis.measures.uniform(shape), tilt, chains=4, steps=300
    )
    literal, cold = draw(1.0), draw(10.0)
    assert np.median(literal.confidence) < 0.2 and np.median(cold.confidence) > 0.95
    assert abs(float(literal.scores[..., 150:].mean()) - 1.0) < 0.3
    assert 0.4 < float(cold.acceptance.mean()) < 0.75
