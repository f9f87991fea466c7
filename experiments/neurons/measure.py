"""What ``experiments.neurons`` computes: pictures that fire units, and checks of all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.study import Batch, Count, Pieces, Pixels, Positive, RunFlags, Several, Some, Victim

if TYPE_CHECKING:
    from fooljax.analysis import BackwardRule

KINDS = {
    "jitter": "by ascent in waves, shifted at random in each step",
    "phases": "by ascent in the phases of waves that are as large as in real pictures, shifted too",
    "pixels": "by ascent in pixels, never shifted",
    "evolved": "by evolution, as patterns painted by small networks (CPPNs), without gradients",
    "noise": "from noise that nobody changed, a control",
}
RULES: tuple[BackwardRule, ...] = ("gradient", "guided", "deconvnet")
DEPTHS = 8  # most places down to which the weights are shuffled
LEAK = 0.1  # what counts below zero, of a unit that is to be woken


@dataclass(frozen=True)
class Config:
    """Show what units look for, and check the pictures.

    Attributes:
        victim: the network and the pictures it knows.
        layers: whose units are shown, as models.layers names them; a wrong name lists them
            all. The last hidden layer with places, rectified if there is one, unless given.
        units: of each layer, spread evenly over those that real pictures fire.
        kinds: of images that are made for each unit: jitter, phases, pixels (all by
            ascent), evolved, and noise (a control).
        pictures: real ones, among which the strongest is looked for.
        steps: of each ascent.
        step_size: of each ascent, of Adam.
        jitter: most pixels of a random shift in each step, and of the shifts that check.
        generations: of an evolution after the random population.
        children: images made in a generation.
        repeats: how often everything random is done anew.
        run: where the run goes.
    """

    victim: Victim = field(default_factory=Victim)
    layers: Some[str] = ()
    units: Pieces = 8
    kinds: Several[str] = ("jitter", "phases", "pixels", "evolved", "noise")
    pictures: Batch = 1000
    steps: Count = 128
    step_size: Positive = 0.05
    jitter: Pixels = 3
    generations: Count = 200
    children: Batch = 50
    repeats: Pieces = 3
    run: RunFlags = field(default_factory=RunFlags)


PRESETS = {
    "default": Config(),
    "smoke": Config(
        victim=Victim(train_steps=60, image_size=(16, 16)),
        units=3,
        pictures=50,
        steps=4,
        jitter=1,
        generations=3,
        children=10,
        repeats=2,
    ),
}


class Found(NamedTuple):
    """All that the page is about.

    Attributes:
        config: the settings.
        prepared: the network.
        real: a cell for each layer: the strongest pictures, and what goes back from them.
        made: a cell for each layer, kind and repeat: images made for the units.
        maps: a cell for each repeat: how alike maps stay while weights are shuffled.
        numbers: how far images fire their units, by layer and kind.
        kept: how much of that is left after a shift.
    """

    config: Config
    prepared: study.Prepared
    real: study.Results
    made: study.Results
    maps: study.Results
    numbers: study.Table
    kept: study.Table


def fits(config: Config, shape: tuple[int, ...], num_classes: int) -> None:
    """Refuse what is no picture, and shifts that are no shifts."""
    del num_classes
    study.only_pictures(shape)
    if config.jitter >= min(shape[:2]):
        raise ValueError(f"--jitter {config.jitter}: images are but {shape[0]}x{shape[1]} pixels")
    study.afford(shape, pictures=config.pictures)


def usual(classifier: Any) -> str:
    """Name the last hidden layer with places, rectified if there is one; else the last hidden."""
    found = fj.models.layers(classifier)
    if not found:
        return ""  # of which models.units says why there are none
    *hidden, last = found
    hidden = [one for one in hidden if one.shape[-1] != last.shape[-1]]
    with_places = [one for one in hidden if len(one.shape) > 1]
    rectified = [one for one in with_places if one.name.startswith("relu")]
    return [last, *hidden, *with_places, *rectified][-1].name


def watch(config: Config, prepared: study.Prepared, layers: Mapping[str, Any]) -> Any:
    """Return what finds the strongest pictures of a layer, and what goes back from them."""
    train, rows = _pictures(config, prepared)

    def look(key: Any, layer: str) -> dict[str, Any]:
        network = layers[layer]
        activation = study.all_logits(network, train.images[rows])
        spread = activation.std(axis=0)
        firing = np.flatnonzero(spread > 1e-6 * max(1.0, float(np.abs(activation).max())))
        if not len(firing):
            raise ValueError(f"--layers {layer}: no picture changes what its units do")
        units = firing[study.spread(len(firing), config.units)]
        strongest = activation[:, units].argmax(axis=0)
        images = fj.data.as_float(train.images[rows[strongest]])
        maps, alike = dict[str, Any](), dict[str, Any]()
        shuffled = dict(zip(("top", "all"), _ends(key, network, images, units), strict=True))
        for rule in RULES:
            maps[rule] = fj.analysis.saliency(network, images, units.astype(np.int32), rule)
            for name, other in shuffled.items():
                again = fj.analysis.saliency(other, images, units.astype(np.int32), rule)
                alike[f"{rule}_{name}"] = fj.analysis.map_agreement(maps[rule], again)
        numbers = {"mean": activation.mean(axis=0)[units], "spread": spread[units]}
        places = {"units": units, "places": rows[strongest], "silent": len(spread) - len(firing)}
        fired = _fired(network, images, units, config.jitter)
        return {"images": images, **fired, **numbers, **places, **maps, **alike}

    return look


def _pictures(config: Config, prepared: study.Prepared) -> tuple[Any, np.ndarray]:
    """Return the training pictures, and which of them are shown: spread evenly."""
    train = study.splits_of(prepared).train
    return train, study.spread(len(train.labels), config.pictures)


def _fired(network: Any, images: Any, units: np.ndarray, jitter: int) -> dict[str, np.ndarray]:
    """Return how much each image fires its unit, and on average once it is shifted."""
    import jax.numpy as jnp

    own = lambda shown: np.asarray(study.logits(network, shown))[np.arange(len(units)), units]
    steps = [(sign * d, axis) for d in {1, jitter} for axis in (1, 2) for sign in (-1, 1)]
    moved = [own(jnp.roll(images, *step)) for step in steps]
    return {"activation": own(images), "shifted": np.mean(moved, axis=0)}


def _ends(key: Any, network: Any, images: Any, units: np.ndarray) -> list[Any]:
    """Return the least shuffled network in which all units change, and the one shuffled all over.

    A layer may be made of several modules, each of which has some of its units.
    """
    every = [one for _, one in fj.analysis.shuffle_top(key, network)]
    own = lambda one: np.asarray(study.logits(one, images))[np.arange(len(units)), units]
    before = own(network)
    return [next((one for one in every if np.all(own(one) != before)), every[-1]), every[-1]]


def make(
    run: study.Run[Config], prepared: study.Prepared, layers: Mapping[str, Any], real: study.Results
) -> study.Results:
    """Make images of all kinds for the units of all layers, and shift them."""
    config = run.config
    train, rows = _pictures(config, prepared)
    sizes = fj.attacks.spaces.spectrum(train.images[rows]) if "phases" in config.kinds else None

    def paint(key: Any, layer: str, kind: str, repeat: int) -> dict[str, Any]:
        network, units = layers[layer], real.one(layer=layer)["units"]
        leaking = fj.models.units(prepared.classifier, layer, leak=LEAK)
        images = _make(kind, key, network, leaking, units, config, sizes)
        return {"images": images, **_fired(network, images, units, config.jitter)}

    cells = study.grid(layer=layers, kind=config.kinds, repeat=range(config.repeats))
    return study.compute(run, cells, paint, "making images")


def _make(
    kind: str,
    key: Any,
    network: Any,
    leaking: Any,
    units: np.ndarray,
    config: Config,
    sizes: Any,
) -> Any:
    """Make an image for each of some units."""
    import jax
    import jax.numpy as jnp

    shape, count = network.input_shape, len(units)
    key_start, key_climb, key_wake, key_again = jax.random.split(key, 4)
    noise = jax.random.uniform(key_start, (count, *shape), jnp.float32)
    if kind == "noise":
        return noise
    if kind == "evolved":
        search = fj.evolution.map_elites(fj.encodings.cppn(shape), config.children, fitness="logit")
        state, _ = fj.evolution.start(key_climb, search, network)
        state, _ = fj.evolution.advance(key_climb, search, network, state, config.generations)
        return study.express(fj.encodings.cppn(shape), state.archive)[units]
    spaces, jitter = fj.attacks.spaces, fj.attacks.transforms.jitter(config.jitter)
    space = {"jitter": spaces.fourier, "phases": spaces.phases}.get(kind)
    attack = fj.attacks.ascent(
        config.steps,
        space=None if space is None else space(shape),
        rule="adam",
        objective="logit",
        step_size=config.step_size,
        transforms=() if kind == "pixels" else (jitter,),
    )
    goal = fj.attacks.reach(jnp.asarray(units, jnp.int32))

    def climb(network: Any, start: Any, key: Any, steps: int) -> Any:
        begin = start
        if kind == "phases":
            begin = spaces.Spectral(start, jnp.broadcast_to(sizes[None], (count, *sizes.shape)))
        way = dataclasses.replace(attack, steps=steps)
        return fj.attacks.run(way, key, network, start, goal, start=begin)

    grey = 0.5 + 0.1 * (noise - 0.5)
    first = climb(network, grey, key_climb, config.steps)
    asleep = np.asarray(first.flat) > config.steps // 2
    if not asleep.any():
        return first.images
    # where a unit is off on grey nothing goes back: begin where its leak leads
    awake = climb(leaking, grey, key_wake, max(1, config.steps // 4)).images
    again = climb(network, awake, key_again, config.steps).images
    return jnp.where(asleep[:, None, None, None], again, first.images)


def shuffle(run: study.Run[Config], prepared: study.Prepared) -> study.Results:
    """Compare maps of the answer with those of networks that are shuffled further and further."""
    test, classifier = study.splits_of(prepared).test, prepared.classifier
    rows = study.spread(len(test.labels), run.config.units)
    images = fj.data.as_float(test.images[rows])

    def compare(key: Any, repeat: int) -> dict[str, Any]:
        shuffled = fj.analysis.shuffle_top(key, classifier)
        depths = study.spread(len(shuffled), DEPTHS)
        targets = np.asarray(study.logits(classifier, images)).argmax(axis=1).astype(np.int32)
        found: dict[str, Any] = {"depths": depths + 1}
        found["down_to"] = np.array([shuffled[i][0] for i in depths])
        for rule in RULES:
            draw = lambda network: fj.analysis.saliency(network, images, targets, rule)  # noqa: B023
            before, after = draw(classifier), [draw(shuffled[i][1]) for i in depths]
            found[rule] = np.array([fj.analysis.map_agreement(before, one) for one in after])
        return found

    return study.compute(run, study.grid(repeat=range(run.config.repeats)), compare, "shuffling")


def judge(real: study.Results, made: study.Results) -> Iterator[study.Record]:
    """Yield a record for each strongest real picture and each image that was made for a unit."""
    strongest = [({**cell, "kind": "real", "repeat": 0}, arrays) for cell, arrays in real.found]
    for cell, arrays in (*strongest, *made.found):
        natural = real.one(layer=cell["layer"])
        mean, spread = natural["mean"], natural["spread"]
        for i, unit in enumerate(natural["units"]):
            value, moved = float(arrays["activation"][i]), float(arrays["shifted"][i])
            yield {
                **cell,
                "unit": int(unit),
                "activation": value,
                "shifted": moved,
                "deviations": (value - float(mean[i])) / float(spread[i]),
                "deviations_shifted": (moved - float(mean[i])) / float(spread[i]),
            }


def medians(records: Sequence[study.Record]) -> Iterator[study.Record]:
    """Yield for each layer, kind and repeat the median unit's deviations, and what it keeps."""
    for place in {(one["layer"], one["kind"], one["repeat"]): None for one in records}:
        keys = dict(zip(("layer", "kind", "repeat"), place, strict=True))
        some = study.where(records, **keys)
        pairs = [(one["deviations"], one["deviations_shifted"]) for one in some]
        kept = [after / before for before, after in pairs if before > 0.0]
        found = {**keys, "deviations": float(np.median([before for before, _ in pairs]))}
        # noise has nothing to keep
        yield found | ({"kept": float(np.median(kept))} if kept and place[1] != "noise" else {})


def sane(maps: study.Results) -> Iterator[study.Record]:
    """Yield how alike maps stay, by rule and by how far down the network is shuffled."""
    for cell, arrays in maps.found:
        for rule in RULES:
            for i, depth in enumerate(arrays["depths"]):
                alike = arrays[rule][i][np.isfinite(arrays[rule][i])]
                if len(alike):  # a map of zeros has no ranks
                    where = {"depth": int(depth), "down_to": str(arrays["down_to"][i])}
                    yield {
                        **cell,
                        "rule": rule,
                        **where,
                        "alike": float(alike.mean().clip(0.0, 1.0)),
                    }
