"""JSMA against brute force over all pairs, and against the peers that have it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import SHAPE, make_affine

import fooljax as fj
from fooljax.attacks import leave, reach
from fooljax.attacks.jsma import best_pair, best_single


def brute_force(wanted, against, free):
    """The largest saliency of any two values, 0 if none has one."""
    best = 0.0
    for i, j in itertools.combinations(np.flatnonzero(free), 2):
        gain, loss = wanted[i] + wanted[j], against[i] + against[j]
        if gain > 0.0 and loss > 0.0:
            best = max(best, gain * loss)
    return best


# how the two derivatives hang together: not at all, against each other (nearly no value is
# surpassed), equal up to little, and with many ties
SLOPES = {
    "independent": lambda draw, n: (draw.normal(size=n), draw.normal(size=n)),
    "opposed": lambda draw, n: (np.linspace(-1, 2, n), np.linspace(2, -1, n)),
    "alike": lambda draw, n: (slopes := draw.normal(size=n), slopes + 0.1),
    "ties": lambda draw, n: tuple(draw.integers(-2, 3, size=(2, n)).astype(float)),
    "hopeless": lambda draw, n: (-np.ones(n), draw.normal(size=n)),
}


@pytest.fixture(scope="module")
def pick():
    return jax.jit(jax.vmap(best_pair))


@pytest.mark.parametrize("kind", SLOPES)
def test_the_best_pair_is_the_best_of_all(kind, pick):
    draws = [SLOPES[kind](np.random.default_rng(seed), 30) for seed in range(40)]
    wanted, against = (np.float32([one[part] for one in draws]) for part in (0, 1))
    free = np.random.default_rng(1).uniform(size=wanted.shape) < 0.7
    marked = np.asarray(pick(wanted, against, free))
    for row, w, a, f in zip(marked, wanted, against, free, strict=True):
        best = brute_force(w, a, f)
        assert row.sum() == (2 if best > 0.0 else 0) and not np.any(row & ~f)
        if best > 0.0:
            np.testing.assert_allclose(w[row].sum() * a[row].sum(), best, rtol=1e-5)


def test_the_best_single_value():
    wanted, against = jnp.array([1.0, 3.0, -9.0, 2.0]), jnp.array([1.0, 0.5, -9.0, 1.0])
    free = jnp.array([True, True, True, True])
    np.testing.assert_array_equal(best_single(wanted, against, free), [0, 0, 0, 1])
    np.testing.assert_array_equal(best_single(wanted, against, free.at[3].set(False)), [0, 1, 0, 0])
    assert not np.any(best_single(-wanted, against, free.at[2].set(False)))


@pytest.mark.parametrize("theta", [1.0, pytest.param(-1.0, marks=pytest.mark.slow)])
def test_follows_the_published_algorithm_on_a_linear_network(theta):
    """Whose derivatives are its weights: the order of pairs is known beforehand."""
    network = make_affine(4)
    images = np.asarray(jax.random.uniform(jax.random.key(7), (3, *SHAPE)))
    targets = (np.asarray(network(images)).argmax(axis=1) + 2) % 4
    found = fj.attacks.run(
        fj.attacks.jsma(12, theta=theta), jax.random.key(0), network, images, reach(targets)
    )
    weights = np.float64(network.params[0])
    for image, target, result in zip(images, targets, np.asarray(found.images), strict=True):
        own = np.sign(theta) * weights[:, target]
        others = np.sign(theta) * (weights.sum(axis=1) - weights[:, target])
        here, free = image.ravel().copy(), np.ones(36, bool)
        for _ in range(6):
            if np.asarray(network(here.reshape(1, *SHAPE))).argmax() == target:
                break
            pairs = [
                (-(own[i] + own[j]) * (others[i] + others[j]), i, j)
                for i, j in itertools.combinations(np.flatnonzero(free), 2)
                if own[i] + own[j] > 0.0 and others[i] + others[j] < 0.0
            ]
            if not pairs:
                break
            _, i, j = max(pairs)
            here[[i, j]], free[[i, j]] = float(theta > 0), False
        changed = np.flatnonzero(result.ravel() != image.ravel())
        np.testing.assert_array_equal(changed, np.flatnonzero(here != image.ravel()))
        np.testing.assert_array_equal(result.ravel(), here)


@pytest.mark.slow
def test_no_more_values_than_allowed_and_each_more_than_once():
    network = make_affine(4)
    images = jnp.full((4, *SHAPE), 0.4)
    attack = fj.attacks.jsma(5, theta=0.25)
    assert attack.steps == 10  # five values, four times each, two at a time
    found = fj.attacks.run(attack, jax.random.key(0), network, images, reach(jnp.arange(4)))
    change = np.asarray(found.images - images).reshape(4, -1)
    assert (change != 0.0).sum(axis=1).max() <= 4 and change.min() >= 0.0
    assert change.max() > 0.3  # chosen again


IMPOSSIBLE = {
    "theta must not be 0, or no value changes": {"theta": 0.0},
    r"theta must be in \[-1, 1\], got 2": {"theta": 2.0},
    "steps must be at least 1, got 0": {"steps": 0},
    "epsilon must not be negative, got -1": {"epsilon": -1},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items())
def test_impossible_numbers_are_refused(message, changes):
    with pytest.raises(ValueError, match=message):
        fj.attacks.jsma(**{"epsilon": 4, **changes})


def _digits(count):
    """A small network trained on digits, and digits that it knows."""
    splits = fj.data.load("digits")
    network = fj.models.build("mlp", jax.random.key(0), (28, 28, 1), 10)
    network, _ = fj.training.fit(
        jax.random.key(1), network, splits.train, **fj.training.quick(200)._asdict()
    )
    images = fj.data.as_float(splits.test.images[: 4 * count])
    labels = np.asarray(splits.test.labels[: 4 * count])
    right = np.flatnonzero(np.asarray(jnp.argmax(network(images), axis=1)) == labels)[:count]
    return network, np.asarray(images)[right], labels[right]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_torchattacks_takes_the_same_way():
    """The same network in PyTorch: as often, and nearly always the same pixels."""
    torch = pytest.importorskip("torch", reason="torchattacks needs PyTorch")
    torchattacks = pytest.importorskip("torchattacks", reason="the peer to compare with")
    count, gamma = 30, 0.05
    network, images, labels = _digits(count)
    # the pixels that torchattacks counts as white already, and we do not
    images = np.where(images >= 0.99, np.float32(1.0), images)
    module = _in_torch(torch, network)
    given = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    theirs = torchattacks.JSMA(module, theta=1.0, gamma=gamma)(given, torch.from_numpy(labels))
    theirs = theirs.detach().numpy().transpose(0, 2, 3, 1)
    targets = (labels + 1) % 10  # theirs, where no other is given
    values = 2 * int(np.ceil(784 * gamma / 2.0))
    goal = reach(jnp.asarray(targets))
    found = fj.attacks.run(fj.attacks.jsma(values), jax.random.key(0), network, images, goal)
    fooled = np.asarray(network(theirs)).argmax(axis=1) == targets
    own, peer = (np.asarray(one != images).sum(axis=(1, 2, 3)) for one in (found.images, theirs))
    both = fooled & np.asarray(found.success)
    same = np.mean([np.array_equal(*two) for two in zip(found.images, theirs, strict=True)])
    print(
        f"JSMA: success {np.mean(found.success):.3f} against {fooled.mean():.3f}; values changed, "
        f"median of those both fool {np.median(own[both])} against {np.median(peer[both])}; "
        f"{same:.3f} of the images equal"
    )
    assert np.mean(found.success) >= fooled.mean() - 0.02
    assert np.median(own[both]) == np.median(peer[both])
    assert np.mean(own[both] == peer[both]) > 0.9


def _in_torch(torch, network):
    """An MLP of ours as a PyTorch module."""
    layers = []
    for _, weights in sorted(network.params.items()):
        kernel = np.asarray(weights["kernel"])
        layer = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(kernel.T.copy()))
            layer.bias.copy_(torch.from_numpy(np.asarray(weights["bias"])))
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(torch.nn.Flatten(), *layers[:-1]).eval()


@pytest.mark.slow
def test_leaves_for_the_likeliest_other_class(key):
    """An untargeted attack needs no more values than one toward a random class."""
    network, images, labels = _digits(30)
    attack = fj.attacks.jsma(30)
    free = fj.attacks.run(attack, key, network, images, leave(jnp.asarray(labels)))
    aimed = fj.attacks.run(attack, key, network, images, reach(jnp.asarray((labels + 5) % 10)))
    assert np.mean(free.success) > np.mean(aimed.success) > 0.3
    changed = lambda found: np.median(found.l0[found.success])
    assert changed(free) < changed(aimed)
