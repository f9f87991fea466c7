"""Every attack by name on every medium: it works on its own, and refuses others in a sentence."""

import jax
import numpy as np
import pytest
from every_medium import CLASSES, COUNT, NUMBERS, SENSES, inputs, network, said
from word_cases import CASES as WORD_CASES

import fooljax as fj
from fooljax.attacks import ASCENTS, CATALOG, UNIVERSAL, Effort, leave, reach

EFFORT = Effort(steps=2, queries=20)
QUICK = ("fgsm", "word reduction")


def key():
    return jax.random.key(3)


def by_name(name, classifier, images):
    goal = leave(said(classifier, images))
    return CATALOG[name].perturb(key(), classifier, images, goal, EFFORT, (0.1,))


def ascent(name, classifier, images):
    goal = reach((said(classifier, images) + 1) % CLASSES)
    climb = ASCENTS[name].build(classifier.input_shape, 2, 0.01)
    return fj.attacks.run(climb, key(), classifier, images, goal)


def universal(name, classifier, images):
    method, goal = UNIVERSAL[name].build(0.1, "linf"), leave(said(classifier, images))
    given = (method, key(), classifier, images, goal)
    return fj.attacks.run_universal(*given, steps=2, batch_size=COUNT)


def word(name, classifier, images):
    goal = leave(said(classifier, images))
    return fj.attacks.run(WORD_CASES[name].attack, key(), classifier, images, goal)


def trigger(name, classifier, images):
    return fj.attacks.run_trigger(classifier, images, leave(said(classifier, images)), length=1)


TEXTS = [name for name in SENSES if name not in NUMBERS]
PICTURES = ["pictures"]
#: How each attack is called, and the mediums that it takes.
ATTACKS = {
    name: (by_name, name, PICTURES if entry.of_pictures else NUMBERS)
    for name, entry in CATALOG.items()
}
ATTACKS |= {
    f"ascent {name}": (ascent, name, [one for one in NUMBERS if one in entry.takes])
    for name, entry in ASCENTS.items()
}
ATTACKS |= {f"universal {name}": (universal, name, NUMBERS) for name in UNIVERSAL}
ATTACKS |= {f"word {name}": (word, name, ["words"]) for name in WORD_CASES}
ATTACKS |= {"trigger": (trigger, "", TEXTS)}


def pairs(taken):
    """Attacks and mediums; what compiles for more than a moment is slow."""
    return [
        pytest.param(name, sense, marks=[pytest.mark.slow] * (taken and name not in QUICK))
        for name, (_, _, takes) in ATTACKS.items()
        for sense in SENSES
        if (sense in takes) == taken and not (name.startswith("word") and sense == "letters")
    ]


@pytest.mark.parametrize(("name", "sense"), pairs(taken=True))
def test_works_on(name, sense):
    """Inputs of the medium come out, and what is said of them is what the network says."""
    attack, own_name, _ = ATTACKS[name]
    classifier, begun = network(sense), inputs(sense)
    found = attack(own_name, classifier, begun)
    if attack in (universal, trigger):
        whole = found.perturbation if attack is universal else found.trigger
        assert np.isfinite(whole).all()
        assert attack is trigger or (whole.shape == begun.shape[1:] and abs(whole).max() <= 0.1001)
        return
    made, confidence = (np.asarray(one) for one in (found.images, found.confidence))
    if attack is by_name:
        made, confidence = made[0], confidence[0]
        far = np.asarray(getattr(found, CATALOG[own_name].norm))
        assert CATALOG[own_name].kind not in ("ball", "control") or far.max() <= 0.1001
    assert made.shape == begun.shape and made.dtype == begun.dtype
    assert made.min() >= 0 and (SENSES[sense].reads or made.max() <= 1)
    logits = np.asarray(classifier(made), np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows, own = np.arange(COUNT), np.asarray(said(classifier, begun))
    asked = p[rows, (own + 1) % CLASSES] if attack is ascent else None
    if asked is None:
        p[rows, own] = -1.0  # to be left
        asked = p.max(axis=1)
    np.testing.assert_allclose(confidence, asked, rtol=1e-4)


@pytest.mark.parametrize(("name", "sense"), pairs(taken=False))
def test_refuses(name, sense):
    attack, own_name, takes = ATTACKS[name]
    why = r"for pictures \(h, w, c\), got inputs"
    if not set(takes) & set(NUMBERS):
        why = r"does not read texts; take attacks\.pgd"
    elif SENSES[sense].reads:  # some spaces say it of the shape, before they see a network
        why = r"reads texts; take attacks\.reduction|got (inputs )?\(7,\)"
    with pytest.raises(ValueError, match=why):
        attack(own_name, network(sense), inputs(sense))
