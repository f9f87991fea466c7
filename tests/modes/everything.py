"""Call every part of the package once, tiny; run as a script, it writes all numbers to a file.

``python everything.py FILE.npz [float64]``: the second argument makes weights and images
float64 where JAX has it. Whatever else JAX and Python are told comes from the environment.
"""

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
_TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(_TESTS / "attacks"), str(_TESTS)]
from xla_flags import quick_to_compile

os.environ.setdefault("XLA_FLAGS", quick_to_compile())

import attack_cases
import jax
import jax.numpy as jnp
import numpy as np
import optax
import word_cases

from fooljax import (
    analysis,
    attacks,
    data,
    defenses,
    encodings,
    evolution,
    metrics,
    models,
    training,
)
from fooljax.types import Classifier

SHAPE, CLASSES = attack_cases.SHAPE, attack_cases.CLASSES
WIDE = "float64" in sys.argv[2:]
REAL = np.float64 if WIDE else np.float32
LABELS = np.asarray(attack_cases.LABELS)
_generator = np.random.default_rng(0)
# exact in float32
IMAGES = np.float32(_generator.uniform(0.0, 0.85, (5, *SHAPE))).astype(REAL)
DATA = np.float32(_generator.uniform(0.0, 0.85, (24, *SHAPE)))
DATA_LABELS = np.arange(24, dtype=np.int32) % CLASSES
key = jax.random.key


def two_layers(params, images):
    """The toy network of the attacks' tests, with an answer to every image."""
    pixels = images.reshape(len(images), -1)
    return jnp.tanh(pixels @ params["first"]) @ params["second"]


def network(seed: int = 0, columns: int = CLASSES + 1) -> Classifier:
    generator = np.random.default_rng(seed)
    size = int(np.prod(SHAPE))
    params = {
        "first": np.float32(generator.normal(size=(size, 12)) / 3.0),
        "second": np.float32(generator.normal(size=(12, columns))),
    }
    params = {name: jnp.asarray(leaf.astype(REAL)) for name, leaf in params.items()}
    return Classifier(params, two_layers, SHAPE, CLASSES)


def _attacked(name: str) -> Callable:
    case = attack_cases.CASES[name]

    def call():
        goal = (attacks.reach if case.goal.targeted else attacks.leave)(LABELS)
        goal = dataclasses.replace(goal, least_log_odds=case.goal.least_log_odds)
        inside = jax.jit(lambda k, n, i, g: case.attack(k, n, i, g))
        outside = attacks.run(case.attack, key(1), network(), IMAGES, goal, trace=True)
        return outside, inside(key(1), network(), jnp.asarray(IMAGES), goal)

    return call


def _standard():
    goal = attacks.leave(LABELS)
    return attacks.standard(key(1), network(), IMAGES, goal, 0.1, steps=2, targets=1, queries=3)


def _universal(method) -> Callable:
    def call():
        found = attacks.run_universal(method, key(2), network(), IMAGES, steps=2, batch_size=4)
        rate = attacks.fooling_rate(network(), IMAGES, found.perturbation)
        return found.perturbation, found.fooled, rate

    return call


def _patched():
    method = attacks.universal_patch(key(2), 4)
    found = attacks.run_universal(method, key(2), network(), IMAGES, steps=2, batch_size=4)
    said = attacks.patched_answers(key(4), network(), IMAGES, found.perturbation)
    return found.perturbation, found.fooled, said


def _searched(make: Callable) -> Callable:
    def call():
        search, net = evolution.repeat(make()), network()
        keys = jax.random.split(key(3), 2)
        state, first = evolution.start(keys, search, net)
        state, infos = evolution.advance(keys, search, net, state, 2)
        return state, first, infos

    return call


def _pixels(**options):
    return encodings.direct(SHAPE, **options)


def _looks():
    return evolution.cvt([evolution.DESCRIPTORS[name] for name in ("brightness", "symmetry")], 4)


SEARCHES = {
    "map_elites direct": lambda: evolution.map_elites(_pixels(), 8),
    "map_elites own niche bytes": lambda: evolution.map_elites(
        _pixels(storage="uint8"), 8, niches="own", fitness="margin"
    ),
    "map_elites crossover": lambda: evolution.map_elites(
        _pixels(vary=encodings.polynomial(crossover="original", coarse=True)), 8, fitness="prob"
    ),
    "map_elites iso line": lambda: evolution.map_elites(
        _pixels(vary=encodings.iso_line_dd()), 8, screen=models.in_bfloat16, micro_batch=4
    ),
    "map_elites cppn": lambda: evolution.map_elites(encodings.cppn(SHAPE, 10, 16), 8),
    "cma_me": lambda: evolution.cma_me(_pixels(), 8, emitters=2, grid=_looks()),
    "cma_mega": lambda: evolution.cma_mega(_pixels(levels=None), 8, emitters=2, grid=_looks()),
    "omg_mega": lambda: evolution.omg_mega(_pixels(levels=None), 8, grid=_looks()),
    "dominated": lambda: evolution.dominated_novelty(_pixels(), 8, grid=_looks()),
    **{
        f"strategy {name}": lambda name=name: evolution.strategy(name, _pixels(), 16)
        for name in ("snes", "open_es", "pgpe", "sep_cma_es")
    },
}

DEFENSES = {
    "ensemble": lambda net: defenses.ensemble((net, network(1))),
    "margins": lambda net: defenses.ensemble((net, network(1)), "margins"),
    "majority": lambda net: defenses.majority_vote((net, network(1), network(2))),
    "unanimous": lambda net: defenses.unanimous((net, network(1))),
    "blur": lambda net: defenses.gaussian_blur(net, 0.8),
    "median": lambda net: defenses.median_filter(net, 3),
    "levels": lambda net: defenses.quantize(net, 4),
    "temperature": lambda net: defenses.tempered(net, 2.0),
    "jpeg": lambda net: defenses.jpeg(net, 30),
    "resize": lambda net: defenses.expectation(
        key(4), lambda k, n: defenses.resize_and_pad(k, n, 0.7), net, 2
    ),
    "noise": lambda net: defenses.expectation(
        key(4), lambda k, n: defenses.noisy(k, n, 0.1), net, 2
    ),
    "bfloat16": models.in_bfloat16,
}
SCORES = {
    "probability": lambda net: defenses.maximum_probability(),
    "logit": lambda net: defenses.maximum_logit(),
    "energy": lambda net: defenses.energy(2.0),
    "odin": lambda net: defenses.odin(net, 0.01),
    "mahalanobis": lambda net: defenses.mahalanobis(net, DATA, DATA_LABELS),
    "neighbor": lambda net: defenses.nearest_neighbor(net, DATA, 3),
    "openmax": lambda net: defenses.openmax(net, DATA, _answers(net)),
}


def _answers(net):
    """Labels that the network gets right, every class among them."""
    return np.asarray(jnp.argmax(net(DATA)[:, :CLASSES], axis=1))


def _slope(net):
    def total(images):
        return jnp.sum(net(images)[:, 0])

    return net(jnp.asarray(IMAGES)), jax.grad(total)(jnp.asarray(IMAGES))


def _scored(make: Callable) -> Callable:
    def call():
        net = network(1, columns=CLASSES)
        score = make(net)
        threshold = defenses.calibrate(net, score, DATA)
        guarded = defenses.reject(net, score, threshold)
        return threshold, defenses.judge(net, score, IMAGES), _slope(guarded)

    return call


def _trained(recipe) -> Callable:
    def call():
        dataset = data.from_arrays(DATA, DATA_LABELS)
        net, losses = training.fit(key(5), network(), dataset, **recipe._asdict())
        return net.params, losses, training.evaluate(net, dataset), training.predict(net, DATA)

    return call


def _normed():
    from flax import linen as nn

    class Normed(nn.Module):
        @nn.compact
        def __call__(self, images, train: bool):
            z = nn.BatchNorm(use_running_average=not train)(images.reshape(len(images), -1))
            return nn.Dense(CLASSES)(nn.Dropout(0.5, deterministic=not train)(z))

    net = models.init_flax(key(6), Normed(), SHAPE, CLASSES)
    models.validate(net)
    dataset = data.from_arrays(DATA, DATA_LABELS)
    return training.fit(key(5), net, dataset, **training.quick(2, 8)._asdict())


def _certified():
    net = network()
    votes = defenses.count_votes(key(7), net, IMAGES, 0.1, 8)
    certificate = defenses.certify(key(7), net, IMAGES, 0.1, selection=8, samples=16)
    return votes, certificate, defenses.predict_smoothed(key(7), net, IMAGES, 0.1, samples=8)


def _analyzed():
    nets, images = [network(), network(1)], jnp.asarray(IMAGES)
    logits = jnp.stack([net(images) for net in nets])
    return (
        analysis.judge_fooling(logits, LABELS, CLASSES, 0.5),
        analysis.judge_perturbed(logits, 0, LABELS, CLASSES, 0.5),
        analysis.gradient_alignment(nets, images, attacks.leave(LABELS)),
    )


def _read(name: str) -> Callable:
    case = word_cases.CASES[name]

    def call():
        net = word_cases.network(1, bent=True)
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, REAL), net.params)
        net = dataclasses.replace(net, params=wide)
        goal = case.goal_of(net)
        return attacks.run(case.attack, key(1), net, word_cases.texts(), goal)

    return call


def _triggered():
    net = word_cases.network(1)
    goal = attacks.leave(word_cases.own(net))
    found = attacks.run_trigger(net, word_cases.texts(), goal, length=2)
    limited = defenses.known_words(net, word_cases.SEEN, "refuse")
    return found.trigger, found.trace, limited(word_cases.texts())


def _squinted():
    patterns = analysis.templates(DATA, DATA_LABELS, CLASSES)
    return patterns, analysis.resemblance(IMAGES, LABELS, patterns, 1.0, key(4), permutations=20)


def _followed():
    ends, steps = np.flip(IMAGES, axis=0), (0.5, 1.0)
    lines = analysis.along(network(), IMAGES, ends - IMAGES, steps)
    return lines, analysis.tangent_reach(network(), IMAGES, ends, steps)


def _imagined():
    uniform, settings = analysis.measures.uniform(SHAPE), {"chains": 2, "steps": 4}
    drawn = [
        analysis.sample(key(6), network(), uniform, 1.5, score=score, **settings)
        for score in ("logit", "log_odds")
    ]
    curve = analysis.whole_curve(IMAGES.ravel(), [1.0, 1.2], [-5.0, -6.0])
    traces = np.sin(np.arange(40.0)).reshape(2, 20)
    return *drawn, analysis.log_normalizer(*curve, [0.0, 1.0]), metrics.mixing(traces)


def _measured():
    logits = jnp.asarray(IMAGES.reshape(5, -1)[:, :CLASSES])
    high, low = IMAGES.ravel(), IMAGES.ravel() - 0.2
    numbers = [getattr(metrics, name)(logits) for name in ("log_odds", "log_probabilities")]
    numbers += [metrics.margins(logits), metrics.probabilities(logits)]
    numbers += [metrics.total_variation(jnp.asarray(IMAGES)), metrics.auroc(high, low)]
    return numbers


def _networks():
    many = jax.vmap(lambda k: models.build("lenet", k, (13, 13, 1), 3))(jax.random.split(key(8), 2))
    one = models.build("resnet", key(9), (8, 8, 3), 3)
    models.validate(one)
    picture = jnp.full((1, 8, 8, 3), 0.5, jnp.float32)
    return many.params, one.params, one(picture), jax.jit(one)(picture)


CALLS: dict[str, Callable] = {
    **{f"attack {name}": _attacked(name) for name in attack_cases.CASES},
    "standard": _standard,
    "universal sgd": _universal(attacks.universal_sgd(0.2)),
    "universal adam": _universal(attacks.universal_sgd(0.2, optimizer=optax.adam(0.01))),
    "universal patch": _patched,
    "universal deepfool": _universal(attacks.universal_deepfool(0.2, steps=2)),
    **{f"search {name}": _searched(make) for name, make in SEARCHES.items()},
    **{
        f"defense {name}": lambda make=make: _slope(make(network()))
        for name, make in DEFENSES.items()
    },
    **{f"score {name}": _scored(make) for name, make in SCORES.items()},
    "train quick": _trained(training.quick(2, 8)),
    "train caffe": _trained(training.caffe_lenet(2, 8)),
    "train adversarial": _trained(training.adversarial(2, 4, attack_steps=2)),
    "train outlier exposure": _trained(training.outlier_exposure(2, 4)),
    "train energy": _trained(training.energy_bounded(2, 4)),
    "train acet": _trained(training.acet(2, 4, attack_steps=1)),
    "train trades": _trained(training.trades(2, 4, attack_steps=1)),
    "train batch norm": _normed,
    "certify": _certified,
    "analysis": _analyzed,
    "squint": _squinted,
    **{f"words {name}": _read(name) for name in word_cases.CASES},
    "trigger": _triggered,
    "lines": _followed,
    "imagine": _imagined,
    "metrics": _measured,
    "networks": _networks,
}


def numbers(call: Callable) -> dict[str, np.ndarray]:
    """Return all arrays of what a call returns, by their places."""
    raw = lambda leaf: (
        jax.random.key_data(leaf)
        if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        else leaf
    )
    found = jax.tree_util.tree_leaves_with_path(call())
    return {jax.tree_util.keystr(path): np.asarray(raw(leaf)) for path, leaf in found}


def main() -> None:
    wanted = os.environ.get("PARTS", "")
    found = {}
    for name, call in CALLS.items():
        if wanted in name:
            try:
                found |= {f"{name}{place}": array for place, array in numbers(call).items()}
            except Exception as error:
                said = f"{type(error).__name__}: {error}".splitlines()[0]
                print(f"{name}: {said[:200]}", flush=True)
    np.savez(sys.argv[1], **found)


if __name__ == "__main__":
    main()
