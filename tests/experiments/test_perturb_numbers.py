import numpy as np
import pytest
from scipy.stats import beta

from experiments import perturb, perturb_numbers, perturb_run
from fooljax.attacks import CATALOG


@pytest.mark.parametrize(("successes", "count"), [(0, 40), (13, 40), (40, 40)])
def test_the_interval_is_clopper_and_pearson(successes, count):
    low, high = perturb_numbers.interval(successes, count)
    assert low == pytest.approx(
        beta.ppf(0.025, successes, count - successes + 1) if successes else 0
    )
    assert high == pytest.approx(
        beta.ppf(0.975, successes + 1, count - successes) if successes < count else 1
    )


def test_contradictions_are_noticed():
    """Success that falls with epsilon, and squares that beat every gradient."""
    methods = {name: CATALOG[name] for name in ("pgd", "square", "noise", "noise-l2")}
    usual = perturb.Config(epsilon=0.1, epsilons=(0.1, 0.2))
    sizes = {name: len(perturb_run.radii(name, one, usual)) for name, one in methods.items()}
    none = {name: {"success": np.zeros((size, 100), bool)} for name, size in sizes.items()}
    assert perturb_numbers.doubts(methods, usual, none) == []
    none["square"]["success"][:, :30] = True
    none["pgd"]["success"][0, 50:60] = True
    found = {
        (one["attack"], one["name"]): one["share"]
        for one in perturb_numbers.doubts(methods, usual, none)
    }
    assert found == {
        ("pgd", "success falls with epsilon"): pytest.approx(0.1),
        ("square", "gradient-free attack wins"): pytest.approx(0.3),
    }
