"""Every door has the same lock: one table of what is public, one of what nobody means."""

import jax
import numpy as np
import optax
import pytest

from fooljax import analysis, attacks, data, defenses, encodings, evolution, training
from fooljax.types import Classifier, Encoding

SHAPE, CLASSES, COUNT = (2, 2, 1), 3, 6
IMAGES = np.linspace(0.0, 1.0, COUNT * 4, dtype=np.float32).reshape(COUNT, *SHAPE)
LABELS = np.arange(COUNT) % CLASSES
WEIGHTS = np.random.default_rng(0).normal(size=(4, CLASSES)).astype(np.float32)
NETWORK = Classifier(WEIGHTS, lambda p, x: x.reshape(len(x), -1) @ p, SHAPE, CLASSES)
PGD, SCORE = attacks.pgd(0.1, steps=2), defenses.energy()
ENCODING = Encoding(
    lambda key: jax.random.uniform(key, SHAPE),
    lambda key, parent, mate, generation: parent,
    lambda genome: genome,
    lambda genome: {},
)
SEARCH = evolution.map_elites(ENCODING, 4)


def fit(key, network, images, labels):
    dataset = data.Dataset(images, labels, ("a", "b", "c"))
    recipe = {"optimizer": optax.sgd(0.1), "sampler": training.minibatches(2), "steps": 1}
    return training.fit(key, network, dataset, **recipe)


leave = attacks.leave
# what each door takes: a key, a network, images, labels; a newcomer is one line
DOORS = {
    "run": lambda k, c, x, y: attacks.run(PGD, k, c, x, leave(y)),
    "sweep": lambda k, c, x, y: attacks.sweep(attacks.fgsm, (0.1,), k, c, x, leave(y)),
    "standard": lambda k, c, x, y: attacks.standard(k, c, x, leave(y), 0.1, steps=2, queries=2),
    "in_turn": lambda k, c, x, y: attacks.in_turn(PGD, k, [c], x, leave(y)),
    "diagnose": lambda k, c, x, y: attacks.diagnose(k, c, x, leave(y)),
    "universal": lambda k, c, x, y: attacks.run_universal(
        attacks.universal_sgd(0.1), k, c, x, leave(y), steps=1
    ),
    "on_each": lambda k, c, x, y: attacks.on_each([c], x, leave(y), IMAGES),
    "fooling_rate": lambda k, c, x, y: attacks.fooling_rate(c, x, np.zeros(SHAPE), leave(y)),
    "certify": lambda k, c, x, y: defenses.certify(k, c, x, 0.1, samples=4, selection=2),
    "predict_smoothed": lambda k, c, x, y: defenses.predict_smoothed(k, c, x, 0.1, samples=4),
    "judge": lambda k, c, x, y: defenses.judge(c, SCORE, x),
    "calibrate": lambda k, c, x, y: defenses.calibrate(c, SCORE, x),
    "mahalanobis": lambda k, c, x, y: defenses.mahalanobis(c, x, y),
    "nearest_neighbor": lambda k, c, x, y: defenses.nearest_neighbor(c, x, 1),
    "odin": lambda k, c, x, y: defenses.odin(c),
    "openmax": lambda k, c, x, y: defenses.openmax(c, x, y),
    "noisy": lambda k, c, x, y: defenses.noisy(k, c, 0.1),
    "ensemble": lambda k, c, x, y: defenses.ensemble([c]),
    "start": lambda k, c, x, y: evolution.start(k, SEARCH, c),
    "predict": lambda k, c, x, y: training.predict(c, x),
    "fit": fit,
    "sample": lambda k, c, x, y: analysis.sample(
        k, c, analysis.measures.uniform(SHAPE), 1.0, chains=1, steps=2
    ),
    "saliency": lambda k, c, x, y: analysis.saliency(c, x, y, "guided"),
    "smooth_saliency": lambda k, c, x, y: analysis.smooth_saliency(k, c, x, y, samples=2),
    "integrated_gradients": lambda k, c, x, y: analysis.integrated_gradients(c, x, y, steps=2),
    "alignment": lambda k, c, x, y: analysis.gradient_alignment([c], x, leave(y)),
    "along": lambda k, c, x, y: analysis.along(c, x, IMAGES, (1.0,)),
    "tangent_reach": lambda k, c, x, y: analysis.tangent_reach(c, x, IMAGES, (1.0,)),
    "attack_through": lambda k, c, x, y: analysis.attack_through(PGD, k, c, c, x, leave(y)),
}
KEYED = {"run", "sweep", "standard", "in_turn", "diagnose", "universal", "certify", "noisy"}
KEYED |= {"predict_smoothed", "start", "fit", "sample", "attack_through"}
BLIND = {"noisy", "ensemble", "odin", "start", "sample"}  # take no images
KEYED |= {"smooth_saliency"}
REPORTS = {"diagnose"}  # says of images out of range that they are, in a finding
UNLABELED = {*BLIND, "certify", "predict_smoothed", "judge", "calibrate", "nearest_neighbor"}
UNLABELED |= {"predict", "along", "tangent_reach"}

one_column = Classifier(WEIGHTS, lambda p, x: (x.reshape(len(x), -1) @ p)[:, :1], SHAPE, CLASSES)
no_axis = Classifier(WEIGHTS, lambda p, x: (x.reshape(len(x), -1) @ p)[:, 0], SHAPE, CLASSES)
hot = IMAGES.copy()
hot[2, 0, 0, 0] = np.nan
# what is given in place of one argument, and a word of the complaint
BAD = {
    "key": [(0, "key"), (None, "key"), (np.arange(5, dtype=np.uint32), "key")],
    "network": [
        (None, "Classifier, got None"),
        (lambda x: x, "wrap a function"),
        ([NETWORK], "ensemble"),
        (one_column, "logits"),
        (no_axis, "logits"),
    ],
    "images": [
        (IMAGES * 255, "255"),
        (IMAGES - 0.5, r"\[0, 1\]"),
        (hot, "NaN"),
        (IMAGES[:0], "image"),
        (IMAGES[0], "images"),
        (IMAGES[..., 0], "channel axis"),
        ((IMAGES * 255).astype(int), "uint8"),
        (None, "images"),
    ],
    "labels": [
        (LABELS[:2], "label"),
        (LABELS + 0.5, "whole"),
        (LABELS + 10**12, "whole|labels"),
        (LABELS - 1, r"labels must be in \[0"),
        (LABELS + CLASSES, r"labels must be in \[0"),
        (LABELS > 0, "bool"),
        (np.eye(CLASSES)[LABELS], "label"),
        (None, "labels"),
    ],
}


def given(argument, value):
    arguments = {"key": jax.random.key(0), "network": NETWORK, "images": IMAGES, "labels": LABELS}
    return (arguments | {argument: value}).values()


@pytest.mark.parametrize("argument", BAD)
@pytest.mark.parametrize("door", DOORS)
def test_what_nobody_means_is_refused_in_a_sentence(door, argument):
    if argument == "key" and door not in KEYED:
        pytest.skip("no randomness")
    if (argument == "images" and door in BLIND | REPORTS) or (
        argument == "labels" and door in UNLABELED
    ):
        pytest.skip(f"takes no {argument}")
    for value, word in BAD[argument]:
        with pytest.raises(ValueError, match=word):
            DOORS[door](*given(argument, value))


FORGOTTEN = {  # calls that were forgotten, and things of another kind
    "an attack": lambda: attacks.run(attacks.fgsm, jax.random.key(0), NETWORK, IMAGES, LABELS),
    "a goal": lambda: attacks.run(PGD, jax.random.key(0), NETWORK, IMAGES, LABELS),
    "a score": lambda: defenses.judge(NETWORK, defenses.energy, IMAGES),
    "a search": lambda: evolution.start(jax.random.key(0), evolution.map_elites, NETWORK),
    "an encoding": lambda: evolution.map_elites(lambda key: key, 4),
    "a method": lambda: attacks.run_universal(
        attacks.universal_sgd, jax.random.key(0), NETWORK, IMAGES, steps=1
    ),
    "a loss": lambda: attacks.pgd(0.1, loss="margin"),
    "too few keys": lambda: attacks.run(
        PGD, jax.random.split(jax.random.key(0), 2), NETWORK, IMAGES, leave(LABELS)
    ),
}


@pytest.mark.parametrize("case", FORGOTTEN)
def test_a_thing_of_another_kind_is_named(case):
    with pytest.raises(ValueError, match=r"must be .*, got"):
        FORGOTTEN[case]()


NUMBERS = {  # factories and the number that is spoiled
    "epsilon": [attacks.pgd, attacks.fgsm, attacks.apgd, attacks.square, attacks.universal_sgd],
    "steps": [
        attacks.deepfool,
        attacks.ddn,
        attacks.carlini_wagner,
        attacks.lbfgs,
        attacks.ascent,
        attacks.fmn,
        attacks.elastic_net,
    ],
    "sigma": [lambda sigma: defenses.gaussian_blur(NETWORK, sigma)],
    "children": [lambda children: evolution.map_elites(ENCODING, children)],
    "batch_size": [training.minibatches],
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_numbers(name):
    for value in (None, "1", [1], np.ones(2), True, float("nan"), float("inf"), -1):
        for factory in NUMBERS[name]:
            with pytest.raises(ValueError, match=name):
                factory(**{name: value})
    if name in ("steps", "children", "batch_size"):
        with pytest.raises(ValueError, match=f"{name} must be a whole number"):
            NUMBERS[name][0](**{name: 2.5})


def test_what_is_right_passes_and_means_the_same():
    """Bytes are their share of 255, a rounded 1 is 1, a legacy key is its typed one."""
    key, goal = jax.random.key(7), leave(LABELS)
    draw = attacks.pgd(0.1, steps=1, random_start=True)
    pixels = np.round(IMAGES * 255).astype(np.uint8)
    exact = pixels / np.float32(255)
    above = np.where(exact == 1, np.nextafter(np.float32(1), np.float32(2)), exact)
    listed = Classifier(NETWORK.params, NETWORK.apply, list(SHAPE), CLASSES)
    wanted = attacks.run(draw, key, NETWORK, exact, goal).images
    legacy = jax.random.PRNGKey(7)
    for network, images, labels in ((listed, pixels, list(LABELS)), (NETWORK, above, LABELS * 1.0)):
        found = attacks.run(draw, legacy, network, images, leave(labels)).images
        np.testing.assert_allclose(found, wanted, atol=1e-6)


OWN = {
    "epsilon -> attacks.Attack": lambda made: attacks.own_attack("mine", made),
    r"\(classifier, strength\) -> Classifier": lambda made: defenses.own_defense("mine", made).draw(
        jax.random.key(0), "a network", 0.5
    ),
    "shape -> Encoding": lambda made: encodings.own_encoding("mine", made).build((4, 4, 1), None),
}


@pytest.mark.parametrize(("signature", "meet"), OWN.items(), ids=["attack", "defense", "encoding"])
def test_what_is_ones_own_is_blamed_by_name(signature, meet):
    """All three in the same words, whatever is wrong with it."""

    def raises(*given):
        raise OSError("no disk")

    must = f"must be a function {signature}, or an? .*Entry"
    with pytest.raises(ValueError, match=f"^mine {must}, got 3$"):
        meet(3)
    with pytest.raises(ValueError, match=rf"^mine\(.+\) fails with OSError: no disk; it {must}$"):
        meet(raises)
    with pytest.raises(ValueError, match=f"^mine {must}, got one that returns None$"):
        meet(lambda *given: None)


def test_what_ones_own_must_return_is_no_function():
    with pytest.raises(ValueError, match=r"^mine must be .*Entry, got an Attack itself$"):
        attacks.own_attack("mine", attacks.fgsm(0.1))
    with pytest.raises(ValueError, match=r"^mine must be .*Entry, got a Classifier itself$"):
        defenses.own_defense("mine", NETWORK)
