"""Attacks, encodings and defenses in a file of the user's own, by FILE.py:NAME."""

import jax
import numpy as np
import pytest

import fooljax as fj
from experiments import evolve, perturb
from fooljax import study
from fooljax.study import change

FILE = """
import jax.numpy as jnp
import fooljax as fj

def small_steps(epsilon):
    return fj.attacks.pgd(epsilon, step_size=epsilon / 2, steps=3)

walks = fj.attacks.CATALOG["deepfool"]  # cannot be aimed

def stripes(shape):
    inner = fj.encodings.direct((1, shape[1], 1))
    paint = lambda genome: jnp.broadcast_to(inner.express(genome), shape)
    return inner._replace(express=paint)

def darker(classifier, strength):
    def apply(params, images):
        return classifier.apply(params, images * strength)
    return fj.types.Classifier(
        classifier.params, apply, classifier.input_shape, classifier.num_classes
    )

number = 3

def nothing():
    return 3

def shape_again(shape):
    return shape

def strength_again(classifier, strength):
    return strength
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_an_attack_is_one_of_the_table(file):
    config = change(perturb.PRESETS["smoke"], attacks=("fgsm", f"{file}:small_steps"))
    methods = perturb.measure.choose(config)
    assert {"fgsm", f"{file}:small_steps"} <= set(methods)
    network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 4)
    images = np.random.default_rng(0).uniform(size=(5, 8, 8, 1)).astype(np.float32)
    goal = fj.attacks.leave(np.asarray(network(images)).argmax(axis=1))
    known = fj.attacks.run(
        fj.attacks.pgd(0.1, step_size=0.05, steps=3), jax.random.key(1), network, images, goal
    )
    effort, own = fj.attacks.Effort(9, 9), methods[f"{file}:small_steps"]
    found = own.perturb(jax.random.key(1), network, images, goal, effort, (0.1,))
    np.testing.assert_allclose(found.images[0], known.images, atol=1e-6)


def test_an_attack_may_be_aimed(file):
    """As those of the catalog, unless it says that it cannot."""
    aim = lambda name: perturb.measure.choose(
        change(perturb.PRESETS["smoke"], attacks=(f"{file}:{name}-targeted", "fgsm"))
    )
    methods = aim("small_steps")
    own = methods[f"{file}:small_steps-targeted"]
    assert (
        own.aimed and own.words == "toward a random other class: an attack of your own, small_steps"
    )
    assert f"{file}:small_steps" not in methods
    with pytest.raises(ValueError, match=r"unknown '.*:walks-targeted'; did you mean .*:walks\?"):
        aim("walks")


def test_images_of_an_own_encoding_evolve(file, tmp_path):
    config = change(
        evolve.PRESETS["smoke"], encoding=f"{file}:stripes", generations=2, out=f"{tmp_path}/run"
    )
    victim = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
    evolve.main(config, victim)
    images = np.load(tmp_path / "run" / "elites.npz")["images"]
    np.testing.assert_array_equal(images, np.broadcast_to(images[..., :1, :, :], images.shape))
    assert "in an encoding of your own, stripes" in (tmp_path / "run" / "report.html").read_text()


def test_a_defense_changes_images_by_its_strength(file):
    _, one = study.filters("--defenses", [f"{file}:darker=0.5"]).values()
    network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 4)
    images = np.random.default_rng(0).uniform(size=(5, 8, 8, 1)).astype(np.float32)
    guarded = one.entry.defend(jax.random.key(1), network, one.strength, 1)
    np.testing.assert_allclose(guarded(images), network(images / 2), atol=1e-6)


def test_what_a_file_lacks_is_said_with_the_flag(file):
    with pytest.raises(ValueError, match=r"--attacks .*mine\.py:none: 'none' is not there"):
        perturb.measure.choose(change(perturb.PRESETS["smoke"], attacks=(f"{file}:none",)))
    with pytest.raises(ValueError, match=r"--attacks .*:number: number must be a function epsilon"):
        perturb.measure.choose(change(perturb.PRESETS["smoke"], attacks=(f"{file}:number",)))
    with pytest.raises(ValueError, match=r"--attacks .*:nothing: nothing\(0\.1\) fails with Type"):
        perturb.measure.choose(change(perturb.PRESETS["smoke"], attacks=(f"{file}:nothing",)))
    with pytest.raises(ValueError, match=r"--encoding gone\.py:x: there is no file gone\.py"):
        evolve.measure.check(change(evolve.PRESETS["smoke"], encoding="gone.py:x"))
    with pytest.raises(ValueError, match=r"--defenses .*:number: number must be a function \(c"):
        study.filters("--defenses", [f"{file}:number=1"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "fails with TypeError"),
        ("shape_again", "-> Encoding, .* returns a tuple of 3"),
    ],
)
def test_an_encoding_that_is_none_is_blamed_and_not_the_search(file, name, said):
    genotype = study.Genotype(f"{file}:{name}")
    with pytest.raises(ValueError, match=rf"--encoding .*:{name}: {name}.* {said}"):
        study.build_encoding(genotype, (4, 4, 1), fj.media.Pictures())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "fails with TypeError"),
        ("strength_again", "-> Classifier, .* returns 0.5"),
    ],
)
def test_a_defense_that_is_none_is_refused_with_its_flag(file, name, said):
    _, one = study.filters("--defenses", [f"{file}:{name}=0.5"]).values()
    with pytest.raises(ValueError, match=rf"--defenses .*:{name}=0\.5: {name}.* {said}"):
        one.refuse("--defenses", (4, 4, 1))
