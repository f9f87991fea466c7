import numpy as np
import pytest

from fooljax.attacks import CATALOG, accuracy_left, aimed, contradictions, strays, worst_case
from fooljax.metrics import clopper_pearson


def test_contradictions_are_noticed():
    """Success that falls with epsilon, and squares that beat every gradient."""
    names = ("pgd", "square", "deepfool", "noise", "noise-l2")
    entries = {name: CATALOG[name] for name in names}
    sizes = {name: (0.1, 0.2) if one.curve else (0.1,) for name, one in entries.items()}
    success = {name: np.zeros((len(sizes[name]), 100), bool) for name in names}
    find = lambda: list(contradictions(entries, sizes, success, dict.fromkeys(names, 0)))
    assert find() == []
    success["deepfool"][:] = True  # has no ball to compare in
    success["square"][:, :30] = True
    success["pgd"][0, 50:60] = True
    assert {one.name: one.share for one in find()} == {
        "pgd: success falls with epsilon": pytest.approx(0.1),
        "square: gradient-free attack wins": pytest.approx(0.3),
    }


def test_what_leaves_its_ball_is_noticed():
    """In the units of its norm, once, and only of attacks that have a ball."""
    entries = {name: CATALOG[name] for name in ("pgd", "noise", "deepfool", "jsma")}
    sizes = dict.fromkeys(entries, (0.1, 0.2)) | {"jsma": (2.0, 3.0)}  # pixels
    inside = {name: np.full((2, 4), 0.1, np.float32) for name in entries}
    inside["jsma"] = np.full((2, 4), 2 / 784)
    find = lambda far: {one.name: one.share for one in strays(entries, sizes, far, 784)}
    assert find(inside) == {}
    outside = {name: far.copy() for name, far in inside.items()}
    for far in outside.values():
        far[:, 0] *= 3
    assert find(outside) == {f"{name}: outside its ball": 0.25 for name in ("pgd", "noise", "jsma")}


def test_attacks_that_see_no_gradient_are_marked():
    blind = {name for name, one in CATALOG.items() if one.blind}
    scores = {"square", "evolution", "nes", "spsa", "simba", "simba-dct", "one-pixel"}
    answers = {"hop-skip-jump", "spatial", "spatial-random"}
    changes = {"contrast", "brightness", "blur", "salt-and-pepper"}
    assert blind == scores | answers | changes | {"noise", "noise-l2"}


NAMES = ("pgd", "square", "deepfool", "noise", "noise-l2")


def made_up(count=50):
    """Success and distance of attacks by name, an aimed one among them."""
    random = np.random.default_rng(2)
    entries = {name: CATALOG[name] for name in NAMES} | aimed({"pgd": CATALOG["pgd"]})
    success = {name: random.random(count) < 0.3 for name in entries}
    distance = {name: random.random(count) for name in entries}
    return entries, success, distance


def test_the_worst_case_is_any_attack_on_an_image():
    entries, success, distance = made_up()
    success["pgd-targeted"][:] = True  # which does not count
    found = worst_case(entries, success, distance, 0.7)
    inside = lambda name, i: success[name][i] and distance[name][i] <= 0.7
    rows, tried = range(50), NAMES[:3]
    fooled = sum(any(inside(name, i) for name in tried) for i in rows)
    noise = sum(any(inside(name, i) for name in NAMES[3:]) for i in rows)
    assert found[:4] == (0.7, *clopper_pearson(fooled, 50)) and 0 < fooled < 50
    assert found.noise == noise / 50 > 0
    alone = {name: sum(inside(name, i) for i in rows) for name in NAMES}
    assert found.strongest == max(alone, key=alone.get)


def test_controls_alone_are_no_attack():
    entries, success, distance = made_up()
    noise = {name: entries[name] for name in NAMES[3:]}
    found = worst_case(noise, success, distance, 0.7)
    assert found.fooled == 0.0 and found.noise > 0.0 and found.strongest is None


def test_a_worst_case_needs_attacks_on_the_same_images():
    entries, success, distance = made_up()
    only = {name: one for name, one in entries.items() if one.aimed}
    with pytest.raises(ValueError, match=r"untargeted attacks on the same images .*, got none"):
        worst_case(only, success, distance, 0.7)
    fewer = success | {"pgd": success["pgd"][:9]}, distance | {"pgd": distance["pgd"][:9]}
    with pytest.raises(ValueError, match=r"got pgd \(9,\), square \(50,\)"):
        worst_case(entries, *fewer, 0.7)


def test_the_accuracy_left_is_counted_image_by_image():
    _, success, distance = made_up()
    sizes = (0.0, 0.25, 0.5, 2.0)
    left = accuracy_left(success["deepfool"], distance["deepfool"], sizes)
    rows = list(zip(success["deepfool"], distance["deepfool"], strict=True))
    counted = [np.mean([not (done and far <= size) for done, far in rows]) for size in sizes]
    np.testing.assert_allclose(left, counted)
    assert left[0] == 1.0 and 0.0 < left[-1] < left[1]


def test_an_image_on_the_surface_of_a_ball_is_not_left():
    """As within: distances are float32, and 0.1 of these is more than 0.1."""
    far = np.full(3, 0.1, np.float32)
    assert accuracy_left(np.array([True, True, False]), far, [0.05, 0.1]) == pytest.approx(
        [1.0, 1 / 3]
    )
    with pytest.raises(ValueError, match="epsilons must be a row"):
        accuracy_left(far > 0, far, 0.1)
