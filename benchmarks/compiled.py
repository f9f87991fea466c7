"""What the search at ImageNet's size is compiled into for slices of a TPU pod, without a TPU.

    Run:    pip install -e ".[tpu]"; python -m benchmarks.compiled > compiled.json
    Cost:   about five minutes on two CPU cores
    Expect: per chip as much work on 16 chips as on one; painting at most a quarter of the
            bytes of the bare forward pass of as many images

``experiments.evolve``'s program is compiled ahead of time, by the compiler that a TPU would
use, for chips that are only described. All numbers are per chip and generation and the
compiler's own. It counts the body of a loop once, however often it runs: one generation of a
chunk, but also one row of a CPPN's graph. For gathering rows (parents from the archive, winners
from the children) it counts many times what is read: most of what the direct encoding's search
is said to move. Of a kernel it only knows what the kernel says: the
bytes of its operands and results, since all else stays in the vector memory; arithmetic in it
is not counted. ``kernels_gb`` are these bytes once more, read off the program itself, without
padding. One JSON document goes to standard output, the table to standard error.
"""

import importlib.util
import math
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.timing import clock, environment, launch, say, version

if TYPE_CHECKING:
    from fooljax.types import Classifier, Encoding

Part = Literal["search", "forward", "painting", "mutation"]

_TOPOLOGIES = {1: "v5e:1x1", 4: "v5e:2x2", 8: "v5e:2x4", 16: "v5e:4x4", 32: "v5e:4x8"}
_COLLECTIVE = re.compile(
    r"(?<![%\w-])(all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute)(?:-start)?\("
)
_SHAPE = re.compile(r"\b(pred|[suf]\d+|bf16)\[([\d,]*)\]")


@dataclass(frozen=True)
class Config:
    """What to compile, and for how many chips.

    Attributes:
        parts: the whole search, and by themselves on one chip the bare forward pass,
            painting, and mutation.
        chips: of a TPU v5e: 1, 4, 8, 16, 32.
        encodings: of the images.
        network: name of the network; its weights do not matter.
        images: children of a generation for each chip.
        image_size: height and width of the images.
        channels: of the images, 1 or 3.
        niches: classes of the network.
    """

    parts: tuple[Part, ...] = ("search", "forward", "painting", "mutation")
    chips: tuple[int, ...] = (1, 4, 16)
    encodings: tuple[Literal["direct", "cppn"], ...] = ("direct", "cppn")
    network: str = "squeezenet1_1"
    images: int = 100
    image_size: int = 224
    channels: int = 3
    niches: int = 1000

    def __post_init__(self):
        for chips in self.chips:
            if chips not in _TOPOLOGIES:
                known = ", ".join(map(str, _TOPOLOGIES))
                raise ValueError(f"chips must be of {known}, got {chips}")
        for name in ("images", "image_size", "channels", "niches"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


def measure(config: Config) -> dict[str, Any]:
    """Compile every part asked for; a JSON document of plain values.

    Raises:
        ValueError: if libtpu is missing, or this process already computes as a CPU does.
    """
    if importlib.util.find_spec("libtpu") is None:
        raise ValueError('compiling for a TPU needs libtpu: pip install "fooljax[tpu]"')
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["TPU_SKIP_MDS_QUERY"] = "1"  # this is no machine of Google's cloud
    os.environ["ALLOW_MULTIPLE_LIBTPU_LOAD"] = "1"  # no chip is touched, so none is locked
    os.environ["TPU_ACCELERATOR_TYPE"] = "v5litepod-4"
    os.environ["TPU_WORKER_HOSTNAMES"] = "localhost"
    os.environ["FOOLJAX_ACT_AS"] = "accelerator"
    from fooljax import backend

    if backend.on_cpu():
        raise ValueError("benchmarks.compiled needs a process of its own: it acts as a TPU does")
    import jax

    from fooljax import models

    shape = (config.image_size, config.image_size, config.channels)
    key = jax.random.key(0)
    network = models.build(config.network, key, shape, config.niches)
    rows = []
    if "forward" in config.parts:
        images = jax.ShapeDtypeStruct((config.images, *shape), "float32")
        rows.append(
            _single("forward", "any", lambda network, images: network(images), network, images)
        )
    for encoding in config.encodings:
        settings = _settings(config, encoding, 1)
        space = _space(settings, shape)
        genomes = jax.eval_shape(jax.vmap(space.init), jax.random.split(key, config.images))
        if "painting" in config.parts:
            rows.append(_single("painting", encoding, jax.vmap(space.express), genomes))
        if "mutation" in config.parts:
            vary = jax.vmap(space.vary, in_axes=(0, 0, 0, None))
            keys = jax.random.split(key, config.images)
            generation = jax.ShapeDtypeStruct((), "int32")
            rows.append(_single("mutation", encoding, vary, keys, genomes, genomes, generation))
        if "search" in config.parts:
            rows += [_search(config, encoding, chips, network) for chips in config.chips]
    found = {**environment(), "libtpu": version("libtpu")}
    return {"config": asdict(config), "environment": found, "programs": rows}


def _settings(config: Config, encoding: str, chips: int) -> Any:
    """Return the settings of ``experiments.evolve``, for as many children as chips take."""
    from experiments import evolve
    from fooljax.study import Genotype

    return evolve.Config(
        genotype=Genotype(encoding, genes="uint8" if encoding == "direct" else "float32"),
        children=config.images * chips,
        repeats=1,
    )


def _space(settings: Any, shape: tuple[int, ...]) -> "Encoding":
    from experiments.evolve import measure
    from fooljax.media import medium_of

    return measure.build_encoding(settings, shape, medium_of(shape))


def _mesh(chips: int) -> Any:
    """Describe a slice of a pod of TPU v5e."""
    import jax
    import numpy as np
    from jax.experimental import topologies

    from fooljax.runtime import devices

    # four chips make a host, unless there is only one
    bounds = {"chips_per_host_bounds": (1, 1, 1)} if chips == 1 else {}
    slice_ = topologies.get_topology_desc(_TOPOLOGIES[chips], platform="tpu", **bounds)
    kinds = (jax.sharding.AxisType.Auto,)
    return jax.sharding.Mesh(np.array(slice_.devices), (devices.AXIS,), axis_types=kinds)


def _everywhere(mesh: Any) -> Any:
    import jax

    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())


def _search(config: Config, encoding: str, chips: int, network: "Classifier") -> dict[str, Any]:
    """Compile a chunk of generations, as a run does."""
    import jax

    from experiments.evolve import measure
    from fooljax import evolution
    from fooljax.study import search_run

    over = _mesh(chips)
    settings = _settings(config, encoding, chips)
    shape = network.input_shape
    search = measure.build_search(
        settings, _space(settings, shape), shape, network.num_classes, over=over
    )
    keys = jax.random.split(jax.random.key(0), 1)
    capacity = search_run.LONGEST_CHUNK
    lower = lambda: evolution.lowered(keys, search, network, capacity, _everywhere(over))
    return _compile("search", encoding, chips, lower)


def _single(part: str, encoding: str, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """Compile a part for one chip."""
    import jax

    place = _everywhere(_mesh(1))
    blank = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)
    lower = lambda: jax.jit(function).lower(*jax.tree.map(blank, args))
    return _compile(part, encoding, 1, lower)


def _compile(part: str, encoding: str, chips: int, lower: Callable[[], Any]) -> dict[str, Any]:
    say(f"{part}, {encoding}, {chips} chips")
    lowered, lowering = clock(lower)
    program, compiling = clock(lowered.compile)
    cost, memory, text = program.cost_analysis(), program.memory_analysis(), program.as_text()
    return {
        "part": part,
        "encoding": encoding,
        "chips": chips,
        "gflop": cost.get("flops", 0.0) / 1e9,
        "accessed_gb": cost.get("bytes accessed", 0.0) / 1e9,
        "kernels_gb": kernel_bytes(text) / 1e9,
        "arguments_gb": memory.argument_size_in_bytes / 1e9,
        "outputs_gb": memory.output_size_in_bytes / 1e9,
        "temporary_gb": memory.temp_size_in_bytes / 1e9,
        "collectives": collectives(text),
        "lowering": lowering._asdict(),
        "compiling": compiling._asdict(),
    }


def collectives(program: str) -> dict[str, int]:
    """Count the exchanges between chips in a compiled program, by kind."""
    return dict(sorted(Counter(_COLLECTIVE.findall(program)).items()))


def kernel_bytes(program: str) -> int:
    """Add up the operands and results of the kernels in a compiled program."""
    total = 0
    for line in program.splitlines():
        call = re.search(r" = (.*) custom-call\(.*tpu_custom_call", line)
        if call:
            operands = re.search(r"operand_layout_constraints=\{(.*?)\}, \w+=", line)
            shapes = call[1] + (operands[1] if operands else "")
            total += sum(_size(*shape) for shape in _SHAPE.findall(shapes))
    return total


def _size(dtype: str, shape: str) -> int:
    bits = re.search(r"\d+", dtype)
    return math.prod(int(n) for n in shape.split(",") if n) * (int(bits[0]) if bits else 8) // 8


def summarize(document: dict[str, Any]) -> str:
    """Draw the table, and say what painting moves against the forward pass."""
    line = "{:9} {:7} {:>5} {:>8} {:>9} {:>9} {:>21} {:>9}  {}".format
    lines = [
        "per chip and generation; memory: arguments / results / temporary",
        line("", "", "chips", "GFLOP", "GB moved", "kernels", "GB of memory", "compiled", ""),
    ]
    for row in document["programs"]:
        sizes = " / ".join(f"{row[kind]:.3f}" for kind in _MEMORY)
        exchanges = ", ".join(f"{count} {kind}" for kind, count in row["collectives"].items())
        numbers = (f"{row['gflop']:.2f}", f"{row['accessed_gb']:.3f}", f"{row['kernels_gb']:.3f}")
        seconds = f"{row['lowering']['wall_s'] + row['compiling']['wall_s']:.0f} s"
        what = (row["part"], row["encoding"], row["chips"])
        lines.append(line(*what, *numbers, sizes, seconds, exchanges).rstrip())
    moved = {(row["part"], row["encoding"]): row["accessed_gb"] for row in document["programs"]}
    for encoding in document["config"]["encodings"]:
        if ("forward", "any") in moved and ("painting", encoding) in moved:
            ratio = moved["painting", encoding] / moved["forward", "any"]
            lines.append(f"painting {encoding}: {ratio:.3f} x the bytes of the forward pass")
    return "\n".join(lines)


_MEMORY = ("arguments_gb", "outputs_gb", "temporary_gb")

if __name__ == "__main__":
    launch(Config, measure, summarize, prog="python -m benchmarks.compiled", description=__doc__)
