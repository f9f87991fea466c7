"""What an evolution costs beyond the forward passes of the network that it fools.

    Run:    python -m benchmarks.evolve > evolve.json
    Cost:   about four minutes on two CPU cores; ``--quick`` one minute
    Expect: direct encoding at most 1.25 times, CPPN at most twice the time of the
            bare forward passes of LeNet on a CPU

Everything that is compared is measured in turn in one run, and medians are
reported, by wall clock and by processor time (all threads of the process). Wall
ratios need an idle machine: on a CPU the network spreads over the cores and the
painting of CPPNs does not, so a busy machine flatters them. One JSON document
goes to standard output, progress and a summary to standard error.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.timing import environment, launch, say

SECONDS_2015 = 300.0  # one run of 200 generations of 200 images, released code, four cores

Part = Literal["runs", "cppn", "arrays", "peers"]


@dataclass(frozen=True)
class Config:
    """What to measure, and how large.

    Attributes:
        parts: whole runs, painting and mutating CPPNs, array operations, peers.
        repeats: independent runs advanced together.
        children: in a generation of one run.
        generations: of a run, after the random population.
        slice: generations between two changes to the bare forward pass; divides
            ``generations``.
        rounds: measurements of which the median is taken.
        candidates: genomes in the measurements of parts and peers.
        niches: classes in the measurements of parts and peers.
        genes: numbers in a genome there.
        tile: emulate the all-niches rule in QDax (a temporary array of
            ``candidates * niches * genes`` floats, 1.25 GB unless changed).
        weights: safetensors file for LeNet; random weights unless given.
        quick: one repeat of 40 generations and three rounds instead of the
            sizes given.
        seed: decides everything random.
    """

    parts: tuple[Part, ...] = ("runs", "cppn", "arrays", "peers")
    repeats: int = 5
    children: int = 200
    generations: int = 200
    slice: int = 20
    rounds: int = 7
    candidates: int = 400
    niches: int = 1000
    genes: int = 784
    tile: bool = True
    weights: str | None = None
    quick: bool = False
    seed: int = 0

    def __post_init__(self):
        for name in ("repeats", "children", "generations", "slice", "rounds", "candidates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.generations % self.slice:
            raise ValueError(
                f"slice must divide generations, got {self.slice} and {self.generations}"
            )


def measure(config: Config) -> dict[str, Any]:
    """Measure every part asked for; a JSON document of plain values."""
    if config.quick:
        config = dataclasses.replace(
            config, quick=False, repeats=1, generations=40, slice=10, rounds=3, tile=False
        )
    import jax

    from benchmarks import pieces
    from benchmarks.peers.iterations import measure_peers

    document: dict[str, Any] = {"config": dataclasses.asdict(config), "environment": environment()}
    key_runs, key_cppn, key_arrays, key_peers = jax.random.split(jax.random.key(config.seed), 4)
    champions = None
    if "runs" in config.parts:
        document["runs"], champions = _runs(config, key_runs)
    if "cppn" in config.parts:
        say("painting and mutating CPPNs")
        document["cppn"] = pieces.measure_cppn(
            key_cppn,
            champions,
            count=config.candidates,
            mutations=200,
            rounds=config.rounds,
        )
    if "arrays" in config.parts:
        say("contest, insertion and mutation of arrays")
        document["arrays"] = pieces.measure_arrays(
            key_arrays,
            candidates=config.candidates,
            niches=config.niches,
            genes=config.genes,
            rounds=config.rounds,
        )
    if "peers" in config.parts:
        say("peers")
        document["peers"] = measure_peers(
            key_peers,
            niches=config.niches,
            genes=config.genes,
            children=config.candidates,
            iterations=config.slice,
            rounds=config.rounds,
            tile=config.tile,
        )
    document["environment"]["load_1_minute_after"] = environment()["load_1_minute"]
    return document


def _runs(config: Config, key: Any) -> tuple[dict[str, Any], Any]:
    """Measure whole runs of both encodings; also return the genomes of the CPPN champions."""
    import jax

    import fooljax as fj
    from benchmarks.whole_runs import fastest_forward, one_repeat, whole_run

    key_network, key_images, key_run = jax.random.split(key, 3)
    classifier = fj.models.build("lenet", key_network, (28, 28, 1), 10)
    if config.weights is not None:
        classifier = fj.models.load_weights(config.weights, classifier)

    generation = config.repeats * config.children
    say("the bare network in several batch sizes")
    forward, table = fastest_forward(
        key_images,
        classifier,
        (config.children, generation, 400, 1000),
        config.slice * generation,
        config.rounds,
    )
    document: dict[str, Any] = {"network": "lenet", "forward": table}
    genomes = None
    for name in ("direct", "cppn"):
        encoding = getattr(fj.encodings, name)((28, 28, 1))
        say(f"{name} encoding, {config.repeats} repeats")
        document[name], genomes = whole_run(
            key_run,
            classifier,
            encoding,
            forward,
            repeats=config.repeats,
            children=config.children,
            generations=config.generations,
            slice_generations=config.slice,
        )
        say(f"{name} encoding, one repeat")
        single = one_repeat(
            key_run,
            classifier,
            encoding,
            children=config.children,
            generations=config.generations,
            rounds=min(config.rounds, 3),
        )
        same_work = (config.children, config.generations) == (200, 200)
        document[name]["one_repeat"] = {
            **single._asdict(),
            "times_faster_than_2015": SECONDS_2015 / single.wall_s if same_work else None,
        }
    return document, genomes


def summarize(document: dict[str, Any]) -> str:
    """Say the figures in lines for people."""
    lines = []
    runs = document.get("runs", {})
    if runs:
        for size, cost in runs["forward"]["batch_sizes"].items():
            lines.append(
                f"bare forward pass, batch {size:>5}: {cost['wall_us_per_image']:6.1f} us wall, "
                f"{cost['cpu_us_per_image']:6.1f} us CPU per image"
            )
    for name in ("direct", "cppn"):
        if name in runs:
            run = runs[name]
            lines.append(
                f"{name:6}: {run['images']} images in {run['evolution']['wall_s']:.2f} s, bare "
                f"{run['forward']['wall_s']:.2f} s: {run['ratio_wall']:.2f} x wall, "
                f"{run['ratio_cpu']:.2f} x CPU; one repeat {run['one_repeat']['wall_s']:.2f} s; "
                f"compiling {run['compile_s']:.1f} s"
            )
    for name, row in document.get("cppn", {}).get("render", {}).items():
        lines.append(
            f"painting {name:8}: {row['images_per_cpu_s']:8.0f} images per CPU second "
            f"({row['live_nodes']:.1f} live nodes)"
        )
    costs = {f"mutate {k}": v for k, v in document.get("cppn", {}).get("mutate", {}).items()}
    costs |= {k: v for k, v in document.get("arrays", {}).items() if isinstance(v, dict)}
    costs |= document.get("peers", {}).get("iteration", {})
    for name, row in costs.items():
        lines.append(f"{name:40}: {row['cpu_ms']:9.2f} CPU-ms, {row['wall_ms']:9.2f} ms wall")
    for name, reason in document.get("peers", {}).get("missing", {}).items():
        lines.append(f"{name}: {reason}")
    return "\n".join(lines)


if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.evolve", description=__doc__)
