"""Several attacks on the same images, and the numbers that papers print of some of them.

Batches, resuming and what the attacks do to a network are tested with the experiment.
"""

import numpy as np
import pytest

from fooljax import study
from fooljax.attacks import CATALOG, aimed
from fooljax.study.attacked import draw_targets


def test_targets_are_wrong_and_stay_when_there_are_more_images():
    labels = np.random.default_rng(0).integers(0, 3, 300)
    targets = draw_targets(5, labels, 3)
    assert targets.dtype == np.int32 and set(targets) == {0, 1, 2}
    assert (targets != labels).all()
    np.testing.assert_array_equal(draw_targets(5, labels[:20], 3), targets[:20])
    assert (draw_targets(6, labels, 3) != targets).any()
    later = (targets - labels) % 3
    assert 100 < (later == 1).sum() < 200  # neither of the other classes is preferred


def outcome(success, epsilons=(0.1,), at=0, **measured):
    """What an attack did to images, of which only this was measured."""
    own = {name: np.array(values, float) for name, values in measured.items()}
    own["success"] = np.array(success, bool)
    return study.Outcome(study.Radii(tuple(epsilons), at), own, np.zeros((0, 2, 2, 1)), 0.1)


def test_batches_of_an_attack_are_put_together():
    batch = lambda first, count, seconds: {
        "success": np.arange(first, first + count)[None] % 2 == 0,
        "l2": np.arange(first, first + count)[None] / 10.0,
        "epsilons": np.array([0.1]),
        "images": np.full((max(0, 4 - first), 2, 2, 1), 0.5),
        "seconds": np.array(seconds),
    }
    cells = ((0, batch(0, 3, 9.0)), (1, batch(3, 2, 1.5)))
    found = study.Results(tuple(({"attack": "pgd", "batch": i}, one) for i, one in cells))
    (joined,) = study.outcomes(found, {"pgd": study.Radii((0.1,), 0)}).values()
    assert joined.measured.keys() == {"success", "l2"}
    np.testing.assert_array_equal(joined.tabled("l2"), [0.0, 0.1, 0.2, 0.3, 0.4])
    assert joined.images.shape == (5, 2, 2, 1)
    assert joined.seconds == 0.5  # a batch is as dear as three images, filled or not


def test_curves_are_of_attacks_that_may_have_one():
    """Near ones follow from distances; others are drawn at the epsilons of curve and table."""
    names = ("fgsm", "apgd-dlr", "deepfool-linf", "pgd-l2")
    entries = {name: CATALOG[name] for name in names} | aimed({"pgd": CATALOG["pgd"]})
    sizes = (0.1, 0.15, 0.2, 0.25)
    fgsm = [[0, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    far = [[size] * 4 for size in sizes]
    far[2][0] = 0.9  # outside of its ball, which does not count
    outcomes = {name: outcome([[1, 1, 1, 1]], l2=[[0.1] * 4]) for name in entries}
    outcomes["fgsm"] = outcome(fgsm, sizes, at=1, linf=far)
    outcomes["deepfool-linf"] = outcome([[1, 1, 0, 1]], linf=[[0.05, 0.15, 0.0, 0.3]])
    curves = study.accuracy_curves("linf", entries, outcomes, (0.1, 0.2))
    assert curves.keys() == {"fgsm", "deepfool-linf"}
    np.testing.assert_allclose(curves["fgsm"], [[0.0, 0.1, 0.15, 0.2], [1.0, 0.75, 0.5, 0.25]])
    at, left = curves["deepfool-linf"]
    assert (at[0], at[-1], left[0]) == (0.0, 0.2, 1.0)
    np.testing.assert_array_equal(left[at > 0.151], 0.5)
    np.testing.assert_array_equal(left[(at > 0.051) & (at < 0.149)], 0.75)


@pytest.fixture(scope="module")
def printed():
    """Numbers beside those of papers, by quantity: two images of lengths 2 and 4."""
    images = np.stack([np.full((2, 2, 1), 1.0), np.full((2, 2, 1), 2.0)])
    epsilons = study.FGSM_EPSILONS
    sizes = sorted(epsilons)
    rates = [[size >= 0.3, size >= 0.2] for size in sizes]
    fgsm = outcome(
        rates, sizes, confidence=[[0.5, 0.75]] * len(sizes), l2=[[size, size] for size in sizes]
    )
    deepfool = outcome([[1, 0]], l2=[[0.5, 9.0]])
    lbfgs = outcome([[0, 0]], l2=[[0.5, 9.0]])
    found = study.beside_papers({"fgsm": fgsm, "deepfool": deepfool, "lbfgs": lbfgs}, images)
    return {one.quantity: one for one in found}


def test_numbers_stand_beside_those_of_papers(printed):
    here = {quantity: one.here for quantity, one in printed.items()}
    assert here["FGSM, Linf 0.25: error"] == 0.5
    assert here["FGSM, Linf 0.25: mean confidence in the error"] == 0.75
    rho = here["FGSM that fools 90 % (here Linf 0.3): relative length of the change"]
    assert rho == pytest.approx((0.3 / 2 + 0.3 / 4) / 2)
    assert here["DeepFool: relative length of the change"] == 0.5 / 2
    assert here["L-BFGS: relative length of the change"] is None
    assert here["L-BFGS: distortion (root of the mean squared change)"] is None
    assert len(here) == 6
    table = study.table_of_printed(list(printed.values())).markup.replace("&nbsp;", " ")
    assert "not reached" in table and "99.9 % (softmax regression); 89.4 % (maxout)" in table
    assert "0.2 (LeNet); 0.11 (FC500-150-10)" in table


def test_only_attacks_that_ran_are_compared():
    assert list(study.beside_papers({"pgd": outcome([[1]])}, np.ones((1, 2, 2, 1)))) == []
    aimed_one = {"lbfgs-targeted": outcome([[1, 1]], l2=[[0.2, 0.6]])}
    (one,) = study.beside_papers(aimed_one, np.ones((2, 2, 2, 1)))
    assert one.quantity.startswith("L-BFGS, toward a random class: distortion")
    assert one.here == pytest.approx(0.4 / 2)  # the root of four numbers
