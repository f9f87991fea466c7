"""The benchmark runs, and its document has the promised shape; no ratio is asserted."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax as fj
from benchmarks import evolve, pieces, timing, whole_runs
from benchmarks.evolve import Config
from benchmarks.peers import iterations
from fooljax.encodings.cppn_render import compile_genome
from fooljax.types import Classifier

TINY = Config(
    repeats=2,
    children=3,
    generations=2,
    slice=1,
    rounds=1,
    candidates=4,
    niches=5,
    genes=12,
    tile=False,
)


def numbers(document):
    """List every number below a node of a document."""
    if isinstance(document, dict):
        return [number for value in document.values() for number in numbers(value)]
    if isinstance(document, list):
        return [number for value in document for number in numbers(value)]
    return [] if document is None or isinstance(document, str) else [document]


@pytest.fixture(autouse=True, scope="module")
def measuring():
    """The same call is measured again and again, with the same keys."""
    with jax.debug_key_reuse(False):
        yield


@pytest.fixture(scope="module")
def document(measuring):
    parts = ("arrays",)
    return json.loads(json.dumps(evolve.measure(Config(**{**vars(TINY), "parts": parts}))))


def test_says_what_was_measured_where(document):
    assert document["config"]["candidates"] == 4
    assert document["environment"]["backend"] == jax.default_backend()
    assert document["environment"]["packages"]["jax"] == jax.__version__
    assert document["environment"]["cpus"] >= 1


def test_array_operations_are_positive_and_complete(document):
    assert {"compete", "insert", "polynomial_mutation"} < set(document["arrays"])
    assert min(numbers(document["arrays"])) > 0


def test_summary_has_a_line_for_every_figure(document):
    summary = evolve.summarize(document)
    for name in ("compete", "insert", "polynomial_mutation"):
        assert name in summary


@pytest.mark.slow
def test_painting_is_positive_and_complete():
    document = evolve.measure(Config(**{**vars(TINY), "parts": ("cppn",)}))
    assert set(document["cppn"]["render"]) == {"drifted", "full"}
    assert set(document["cppn"]["mutate"]) == {"drifted", "full"}
    assert min(numbers(document["cppn"])) > 0
    assert "painting full" in evolve.summarize(document)


@pytest.mark.slow
def test_a_whole_run_goes_through_every_generation(key):
    apply = lambda params, images: images.reshape(images.shape[0], -1) @ params
    classifier = Classifier(jnp.eye(4), apply, (2, 2, 1), 4)
    forward, table = whole_runs.fastest_forward(key, classifier, (2, 3), images=7, rounds=1)
    assert set(table["batch_sizes"]) == {"2", "3"}
    assert forward.batch_size == table["fastest_batch_size"]
    figures, genomes = whole_runs.whole_run(
        key,
        classifier,
        fj.encodings.direct((2, 2, 1)),
        forward,
        repeats=2,
        children=1,
        generations=4,
        slice_generations=2,
    )
    assert figures["images"] == 2 * (4 + 1)
    assert len(figures["slice_ratios_cpu"]) == 2
    assert genomes.shape == (2, 4, 2, 2, 1)
    assert min(numbers({name: figures[name] for name in ("evolution", "forward")})) > 0
    assert min(figures["ratio_wall"], figures["ratio_cpu"], figures["images_per_second"]) > 0


def test_only_the_images_asked_for_count(key):
    """Three batches of four are run for ten images, and charged as two and a half."""
    classifier = Classifier((), lambda params, images: images[:, 0, :, 0], (1, 3, 1), 3)
    forward = whole_runs.Forward(key, classifier, batch_size=4, images=12)
    assert [batch.shape for batch in forward(10)] == [(4, 3)] * 3
    assert forward.clock(10).wall_s > 0


@pytest.mark.slow
def test_runs_are_measured_over_all_their_images():
    runs = evolve.measure(Config(**{**vars(TINY), "parts": ("runs",)}))["runs"]
    for name in ("direct", "cppn"):
        assert runs[name]["images"] == 2 * 3 * (2 + 1)
        assert len(runs[name]["slice_ratios_cpu"]) == 2
        assert runs[name]["one_repeat"]["times_faster_than_2015"] is None
        for field in ("evolution", "forward", "ratio_wall", "ratio_cpu", "images_per_second"):
            assert min(numbers(runs[name][field])) > 0
    assert set(runs["forward"]["batch_sizes"]) == {"3", "6", "400", "1000"}


def test_missing_peers_are_named_with_the_remedy(key, monkeypatch):
    monkeypatch.setattr(
        iterations, "ours", lambda *_, **__: {"fooljax, own": lambda: jnp.zeros(())}
    )
    measured = iterations.measure_peers(
        key, niches=5, genes=12, children=4, iterations=2, rounds=1, peers=("no_such_package",)
    )
    assert measured["missing"] == {"no_such_package": iterations.MISSING}
    assert set(measured["iteration"]) == {"fooljax, own"}
    assert min(numbers(measured["iteration"])) > 0


@pytest.mark.slow
@pytest.mark.parametrize("package, row", [("qdax", "qdax, own"), ("ribs", "pyribs float32, own")])
@pytest.mark.filterwarnings("ignore")
def test_installed_peers_are_measured(package, row, key):
    pytest.importorskip(package)
    with jax.numpy_rank_promotion("allow"):
        measured = iterations.measure_peers(
            key, niches=5, genes=12, children=4, iterations=2, rounds=1, peers=(package,)
        )
    assert any(name.startswith(row) for name in measured["iteration"])
    assert sum(name.startswith("fooljax") for name in measured["iteration"]) == 4
    assert min(numbers(measured["iteration"])) > 0


def test_full_genomes_are_full():
    """All nodes live, every edge used once, no cycle (or ``compile_genome`` would not end)."""
    genomes = pieces.full_genomes(0, 3)
    program = jax.jit(jax.vmap(lambda genome: compile_genome(genome, pieces.OUTPUTS)))(genomes)
    np.testing.assert_array_equal(program.length, [64, 64, 64])
    np.testing.assert_array_equal(program.first_edge[:, -1], [128, 128, 128])
    for source, target in zip(genomes.source, genomes.target, strict=True):
        assert len(set(zip(source.tolist(), target.tolist(), strict=True))) == 128


def test_interleaved_tasks_are_medians_of_single_calls():
    calls = {"once": 0, "often": 0}

    def task(name):
        calls[name] += 1
        return jnp.zeros(())

    costs = timing.interleave(
        {name: lambda name=name: task(name) for name in calls}, rounds=3, at_least_s=0.0
    )
    assert calls == {"once": 2 + 3, "often": 2 + 3}
    assert min(cost.wall_s for cost in costs.values()) > 0
    assert timing.median([timing.Cost(1, 6), timing.Cost(2, 4), timing.Cost(9, 5)]) == (2, 5)
    assert timing.total([timing.Cost(1, 6), timing.Cost(2, 4)]) == (3, 10)
    assert timing.Cost(1.0, 2.0).times(3.0) == (3.0, 6.0)


def test_help_does_not_import_jax():
    code = (
        "import runpy, sys; sys.argv[1:] = ['--help']\n"
        "try: runpy.run_module('benchmarks.evolve', run_name='__main__')\n"
        "except SystemExit: pass\nassert 'jax' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--generations" in done.stdout


def test_impossible_arguments():
    with pytest.raises(ValueError, match="slice must divide generations, got 3 and 200"):
        Config(slice=3)
    with pytest.raises(ValueError, match="repeats must be positive, got 0"):
        Config(repeats=0)
