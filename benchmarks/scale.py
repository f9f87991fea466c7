"""What an evolution at ImageNet's size costs beyond the bare forward passes, and what memory.

    Run:    python -m benchmarks.scale > scale.json
            python -m benchmarks.scale --networks resnet50 --precisions float32 bfloat16
    Cost:   about ten minutes on two CPU cores
    Expect: on a CPU at most 1.15 times (direct) and 1.5 times (CPPN) the bare forward
            passes of SqueezeNet; on a GPU over 90 % of the time in the network

Networks have random weights, which cost what trained ones do. A generation is measured
in turn with the forward pass of as many images of the same size, then its parts each by
itself: the program overlaps and fuses them, so they need not add up. Genomes have been
mutated many times first, since young CPPNs are cheaper to paint than evolved ones. The
memory is that of whole runs of ``experiments.evolve`` under a limit, each in a process of
its own. One JSON document goes to standard output, the rest to standard error.
"""

import functools
import itertools
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.timing import clock, environment, interleave, launch, say

if TYPE_CHECKING:
    from fooljax.types import Classifier, Encoding, RandomKey

Part = Literal["time", "memory"]


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        parts: time, memory.
        networks: names of ImageNet networks.
        encodings: of the images.
        children: sizes of a generation.
        at_once: images shown to the network at a time, each dividing the children; 0 for
            all of them. 25 is what ``experiments.evolve`` does on a CPU.
        precisions: of the network's first look at an image.
        devices: how many share the children; on a CPU they are simulated.
        image_size: height and width of the images, of which networks see the center.
        niches: classes of the networks.
        mutations: of every genome before anything is measured.
        rounds: measurements of which the median is taken.
        limits: in GB, for which the memory of a run is measured; the first network.
        generations: of these runs.
        trace: folder for a profile of one generation of every kind, for TensorBoard or
            Perfetto; none unless given.
        seed: decides everything random.
    """

    parts: tuple[Part, ...] = ("time", "memory")
    networks: tuple[str, ...] = ("squeezenet1_1",)
    encodings: tuple[Literal["direct", "cppn"], ...] = ("direct", "cppn")
    children: tuple[int, ...] = (400,)
    at_once: tuple[int, ...] = (25, 0)
    precisions: tuple[Literal["float32", "bfloat16"], ...] = ("float32",)
    devices: int = 1
    image_size: int = 256
    niches: int = 1000
    mutations: int = 200
    rounds: int = 3
    limits: tuple[float, ...] = (1.5, 4.0)
    generations: int = 3
    trace: str | None = None
    seed: int = 0

    def __post_init__(self):
        for name in ("devices", "image_size", "mutations", "rounds", "generations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if min(self.children) < self.devices:
            raise ValueError(f"children must be at least {self.devices}, one for each device")
        for children, some in itertools.product(self.children, self.at_once):
            if some < 0 or (some and children % (some * self.devices)):
                raise ValueError(
                    f"at_once must divide the children of each device, got {some}, {children} "
                    f"children and {self.devices} devices"
                )


def measure(config: Config) -> dict[str, Any]:
    """Measure every part asked for; a JSON document of plain values."""
    import jax

    from benchmarks.scale_memory import one_run
    from fooljax.runtime import devices

    devices.set_up(config.devices)
    document: dict[str, Any] = {"config": asdict(config), "environment": environment()}
    if "time" in config.parts:
        kinds = itertools.product(
            config.networks, config.encodings, config.children, config.at_once, config.precisions
        )
        key = jax.random.key(config.seed)
        document["time"] = [_one_kind(config, key, *kind) for kind in kinds]
    if "memory" in config.parts:
        runs = itertools.product(config.encodings, config.limits)
        document["memory"] = [one_run(config, *run) for run in runs]
    document["environment"]["load_1_minute_after"] = environment()["load_1_minute"]
    return document


def _one_kind(
    config: Config,
    key: "RandomKey",
    network: str,
    encoding: str,
    children: int,
    at_once: int,
    precision: str,
) -> dict[str, Any]:
    """Measure one generation, the bare forward pass, and the parts of the generation."""
    import jax

    from fooljax import evolution, models
    from fooljax.runtime import devices

    some = at_once or children // config.devices
    say(f"{network}, {encoding}, {children} children, {some} at a time, {precision}")
    key_network, key_run, key_images = jax.random.split(key, 3)
    classifier = _network(config, key_network, network)
    space = _space(encoding, classifier.input_shape)
    screen = models.in_bfloat16 if precision == "bfloat16" else None
    over = devices.mesh(config.devices)
    axis = devices.AXIS if over.size > 1 else None
    search = evolution.map_elites(
        space, children, screen=screen, micro_batch=at_once or None, axis_name=axis
    )
    search = evolution.repeat(search)
    search = devices.spread(search, over) if over.size > 1 else search
    keys = jax.random.split(key_run, 1)
    state, _ = evolution.start(keys, search, classifier)
    archive = state.archive._replace(genomes=_age(config, space, state.archive.genomes))
    kept = [state._replace(archive=archive)]  # advance gives its memory away, so it is passed on

    def generation():
        kept[0], info = evolution.advance(keys, search, classifier, kept[0], 1)
        return info.jumps

    shown = screen(classifier) if screen else classifier
    images = jax.random.uniform(key_images, (some, *classifier.input_shape))
    look = jax.jit(lambda network, images: network(images))
    # on one device, whatever their number: that is what several should beat
    forward = lambda: [look(shown, images) for _ in range(children // some)]
    tasks = {"generation": generation, "forward": forward}
    tasks |= _parts(config, space, children, jax.tree.map(lambda leaf: leaf[0], kept[0].archive))
    costs = interleave(tasks, config.rounds)
    if config.trace:
        with jax.profiler.trace(
            f"{config.trace}/{network}-{encoding}-{children}-{some}-{precision}"
        ):
            clock(generation)
    whole, bare = costs["generation"], costs["forward"]
    return {
        "network": network,
        "encoding": encoding,
        "children": children,
        "at_once": some,
        "precision": precision,
        "devices": config.devices,
        "ratio_wall": whole.wall_s / bare.wall_s,
        "ratio_cpu": whole.cpu_s / bare.cpu_s,
        "share_outside_network": 1.0 - bare.wall_s / whole.wall_s,
        "images_per_second": children / whole.wall_s,
        "forward_images_per_second": children / bare.wall_s,
        "needed_gb": evolution.memory_needed(keys, search, classifier) / 1e9,
        **{name: cost._asdict() for name, cost in costs.items()},
    }


def _network(config: Config, key: "RandomKey", name: str) -> "Classifier":
    from fooljax import models

    own = models.PUBLISHED[name].pixels if name in models.PUBLISHED else config.image_size
    pixels = min(own, config.image_size)
    classifier = models.build(name, key, (pixels, pixels, 3), config.niches)
    larger = config.image_size > pixels
    return models.center_crop(classifier, config.image_size) if larger else classifier


def _space(name: str, shape: tuple[int, ...]) -> "Encoding":
    from fooljax import encodings

    size = (shape[0], shape[1], shape[2])
    if name == "cppn":
        return encodings.cppn(size)
    return encodings.direct(size, encodings.polynomial(coarse=True), storage="uint8")


def _age(config: Config, space: "Encoding", genomes: Any) -> Any:
    """Mutate genomes ``[1, k, ...]`` many times, as if evolved without selection."""
    import jax
    import jax.numpy as jnp

    key = jax.random.key(config.seed + 1)
    # direct genes cost the same at any age
    rounds = config.mutations if len(jax.tree.leaves(genomes)) > 1 else 1

    @jax.jit
    def age(genomes):
        count = jax.tree.leaves(genomes)[0].shape[0]

        def once(index, genomes):
            keys = jax.random.split(jax.random.fold_in(key, index), count)
            return jax.vmap(space.vary, in_axes=(0, 0, 0, None))(
                keys, genomes, genomes, jnp.int32(index)
            )

        return jax.lax.fori_loop(0, rounds, once, genomes)

    return jax.tree.map(lambda leaf: leaf[None], age(jax.tree.map(lambda leaf: leaf[0], genomes)))


def _parts(config: Config, space: "Encoding", children: int, archive: Any) -> dict[str, Any]:
    """Return what a generation does beside the network, each as a task."""
    import jax
    import jax.numpy as jnp

    from fooljax import evolution
    from fooljax.evolution import Challengers

    keys = jax.random.split(jax.random.key(config.seed + 2), children)
    rows = jnp.arange(children) % config.niches
    parents = jax.jit(lambda genomes: jax.tree.map(lambda leaf: leaf[rows], genomes))
    some = parents(archive.genomes)
    scores = jax.random.normal(jax.random.key(config.seed + 3), (children, config.niches))
    nobody = jnp.zeros(children, jnp.int32)
    vary = jax.jit(jax.vmap(space.vary, in_axes=(0, 0, 0, None)))
    paint = jax.jit(jax.vmap(space.express))
    # the archive is passed on in place, as in a run
    insert = jax.jit(
        lambda archive, genomes, scores: evolution.insert(
            archive, Challengers(genomes, scores, scores, nobody), jnp.int32(1)
        ),
        donate_argnums=0,
    )
    kept = [jax.tree.map(jnp.copy, archive)]
    calls = itertools.count()

    def move():
        # every niche changes hands every time
        kept[0], contest = insert(kept[0], some, scores + 10.0 * next(calls))
        return contest

    return {
        "vary": functools.partial(vary, keys, some, some, jnp.int32(1)),
        "paint": functools.partial(paint, some),
        "insert": move,
    }


def random_network(config: Config, name: str) -> "Classifier":
    """Return the network that a run of its own is measured with."""
    import jax

    return _network(config, jax.random.key(config.seed), name)


def summarize(document: dict[str, Any]) -> str:
    """Say in a few lines what was measured."""
    lines = [
        f"{one['network']}, {one['encoding']}, {one['children']} children, "
        f"{one['at_once']} at a time, {one['precision']}: "
        f"{one['ratio_wall']:.2f} x the forward passes by the clock, {one['ratio_cpu']:.2f} x in "
        f"processor time; {one['images_per_second']:.1f} images/s"
        for one in document.get("time", [])
    ]
    lines += [
        f"memory, {one['encoding']}, limit {one['limit_gb']:g} GB: "
        + one.get(
            "refused",
            f"planned {one.get('planned_gb', 0):.2f}, taken {one.get('peak_gb', 0):.2f} GB",
        )
        for one in document.get("memory", [])
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.scale", description=__doc__)
