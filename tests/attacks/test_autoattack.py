"""AutoAttack's own code as an oracle, on networks with the same weights; skips without it.

    python -m pip install torch pyautoattack
    python -m pytest tests/attacks/test_autoattack.py -m slow -s

The numbers that it compares are printed.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE

import fooljax as fj
from fooljax.attacks import fab, leave
from fooljax.types import Classifier

torch = pytest.importorskip("torch", reason="the oracle is written in PyTorch")
pytest.importorskip("pyautoattack", reason="the oracle is AutoAttack's own code")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
COUNT, CLASSES = 40, 5
KEY = jax.random.key(0)
ORDER = {"linf": np.inf, "l2": 2, "l1": 1}


def smooth(params, images):
    """No rectifier and no pooling: where numbers tie, two libraries go two ways."""
    hidden = jnp.tanh(images.reshape(len(images), -1) @ params["first"])
    return hidden @ params["second"]


@pytest.fixture(scope="module")
def victim():
    """A network here and there, images and what it says of them."""
    rng = np.random.default_rng(1)
    size = SHAPE[0] * SHAPE[1] * SHAPE[2]
    params = {
        "first": rng.normal(size=(size, 12)).astype(np.float32) / 3.0,
        "second": rng.normal(size=(12, CLASSES)).astype(np.float32),
    }
    images = rng.uniform(size=(COUNT, *SHAPE)).astype(np.float32)
    images[::2] = np.round(images[::2])  # half of them in corners
    first, second = (torch.from_numpy(params[name]) for name in ("first", "second"))
    theirs = lambda x: torch.tanh(x.permute(0, 2, 3, 1).flatten(1) @ first) @ second
    classifier = Classifier(jax.tree.map(jnp.asarray, params), smooth, SHAPE, CLASSES)
    return classifier, theirs, images, np.array(jnp.argmax(classifier(images), axis=1))


@pytest.mark.parametrize("steps", [1, 5, 50])
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("rank", [None, 2])
def test_fab_finds_the_same_distances(rank, norm, steps, victim):
    """Of any class, and toward the likeliest wrong one."""
    from pyautoattack.fab_pt import FABAttack_PT

    classifier, network, images, labels = victim
    oracle = FABAttack_PT(network, norm=norm.capitalize(), n_iter=steps, eps=1e9, device="cpu")
    oracle.target_class = rank
    x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        y, aimed = torch.from_numpy(labels).long(), rank is not None
        found = oracle.attack_single_run(x, y, is_targeted=aimed)
    change = (found - x).numpy().reshape(COUNT, -1)
    theirs = np.linalg.norm(np.float64(change), ord=ORDER[norm], axis=1)
    target = -1.0
    if rank is not None:
        target = np.argsort(np.asarray(classifier(images)), axis=1)[:, -rank].astype(np.float32)
    attack = fab(steps, norm=norm, target=-1 if rank is None else 0)
    budget = attack.budget._replace(target=target)
    attack = fj.attacks.Attack(budget, attack.init, attack.step, steps, attack.better)
    result = fj.attacks.run(attack, KEY, classifier, images, leave(labels))
    ours = np.where(result.success, np.asarray(getattr(result, norm)), 0.0)
    same = np.abs(ours - theirs) <= 1e-3 * theirs
    print(f"FAB {norm} {steps} steps: {same.mean():.2f} of the distances equal to 0.1 %")
    # where two boundaries are as near as each other, rounding decides
    assert same.mean() >= 0.95
    assert np.median(ours) == pytest.approx(np.median(theirs), rel=0.01)


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.1), ("l2", 1.2)])
def test_the_cascade_leaves_the_same_images(norm, epsilon):
    """A narrow LeNet, trained against PGD on the digits that come with scikit-learn."""
    from benchmarks.autoattack import compare
    from benchmarks.autoattack_networks import Narrow

    digits = fj.data.load("digits")
    network = fj.models.init_flax(KEY, Narrow(10), digits.test.input_shape, 10)
    recipe = fj.training.adversarial(steps=200, epsilon=0.1)
    network, _ = fj.training.fit(KEY, network, digits.train, **recipe._asdict())
    images = jnp.asarray(fj.data.as_float(digits.test.images[:50]))
    case = compare(network, images, np.asarray(digits.test.labels[:50]), epsilon, norm)
    print(case)
    assert case["logits_apart"] < 1e-3
    assert 0.1 < case["robust_share_theirs"] < 0.9
    apart = len(case["fooled_by_ours_only"]) + len(case["fooled_by_theirs_only"])
    assert apart <= 1
