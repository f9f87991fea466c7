"""The kernel that paints on TPUs, interpreted on a CPU, against the code that paints elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.encodings import cppn, cppn_kernel
from fooljax.encodings.cppn_genome import Cppn
from fooljax.encodings.cppn_render import compile_genome

slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("shape", "coordinates", "color", "levels"),
    [
        ((19, 12, 3), "raw", "hls", 256),
        pytest.param((8, 130, 1), "normalized", "hls", 256, marks=slow),
        pytest.param((16, 12, 3), "normalized", "hsv", 16, marks=slow),
        pytest.param((40, 300, 3), "raw", "rgb", None, marks=slow),
    ],
)
def test_paints_the_same_pixels(grown, pick, monkeypatch, shape, coordinates, color, levels):
    """19 rows are two tiles of 8 and one of 3, whose other rows must not be seen."""
    monkeypatch.setattr(cppn_kernel, "_REGISTERS", 1)
    genomes = pick(grown, slice(0, 12))
    options = {"coordinates": coordinates, "color": color, "levels": levels}
    expected = jax.jit(jax.vmap(cppn(shape, **options).express))(genomes)
    found = cppn_kernel.paint(genomes, shape, coordinates, color, levels, interpret=True)
    assert found.dtype == expected.dtype
    # the same operations, but XLA may contract some of them into others
    apart = np.abs(np.asarray(found) - np.asarray(expected))
    assert np.mean(apart > 1e-5) < 1e-3


def test_programs_looked_up_densely_are_the_same(grown, pick):
    genomes = pick(grown, slice(0, 60))
    zeros = jax.tree.map(jnp.zeros_like, genomes)
    genomes = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), genomes, zeros)
    programs = [
        jax.jit(jax.vmap(lambda genome, dense=dense: compile_genome(genome, 3, dense)))(genomes)
        for dense in (False, True)
    ]
    jax.tree.map(np.testing.assert_array_equal, *programs)


def test_a_program_for_tpus_has_the_kernel_and_no_other_has(grown, pick):
    genomes = pick(grown, slice(0, 6))
    nested = jax.tree.map(lambda leaf: leaf.reshape(2, 3, *leaf.shape[1:]), genomes)
    paint = jax.jit(jax.vmap(jax.vmap(cppn((16, 12, 3)).express)))
    for platform, calls in (("tpu", 1), ("cuda", 0), ("cpu", 0)):
        exported = jax.export.export(paint, platforms=[platform])(nested)
        assert exported.mlir_module().count("tpu_custom_call") == calls
        assert exported.out_avals[0].shape == (2, 3, 16, 12, 3)


@slow
def test_forward_derivatives_go_around_the_kernel(grown, pick):
    genomes = pick(grown, slice(0, 2))
    paint = jax.vmap(cppn((4, 4, 1), levels=None).express)
    along = lambda weight: jax.jvp(
        lambda weight: paint(genomes._replace(weight=weight)), (weight,), (weight,)
    )
    exported = jax.export.export(jax.jit(along), platforms=["tpu"])(genomes.weight)
    assert "tpu_custom_call" not in exported.mlir_module()


@pytest.mark.parametrize(
    ("nodes", "width", "dtype", "taken"),
    [
        (64, 224, jnp.float32, True),
        (64, 224, jnp.float64, False),
        (64, 4096, jnp.float32, False),
        (2000, 28, jnp.float32, False),
    ],
)
def test_other_genomes_are_left_to_the_compiler(nodes, width, dtype, taken):
    with jax.enable_x64(True):
        blank = lambda *shape, dtype=jnp.int32: jax.ShapeDtypeStruct(shape, dtype)
        genomes = Cppn(
            blank(5, nodes), blank(5, 128), blank(5, 128), blank(5, 128, dtype=dtype), blank(5)
        )
        assert cppn_kernel.fits(genomes, width) == taken
