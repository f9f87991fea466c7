"""Sounds by their samples: the direct encoding, begun quietly."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array

from fooljax import checks
from fooljax.types import Encoding, Image, RandomKey


@checks.cache
def waveform(
    shape: tuple[int, ...], rms: float = 0.05, rate: float = 0.1, step: float = 0.5
) -> Encoding:
    """Evolve every sample by itself, from quiet noise around silence.

    `direct` begins at noise as loud as can be and rounds to 256 levels, as a picture is
    stored; here a child's changes are as loud as the noise that it began with.

    Args:
        shape: of a sound, ``(t, 1)``.
        rms: root mean square of the first noise, of full scale, in (0, 1].
        rate: share of the samples that a child changes, in [0, 1].
        step: standard deviation of a change, as a share of ``rms``.

    Returns:
        An encoding whose genomes are sounds ``[t, 1]`` in [0, 1]: 0.5 is silence.

    Raises:
        ValueError: if the shape is not a sound's, or a number is impossible.

    Source:
        Alzantot, Balaji and Srivastava, 2018, arXiv:1801.00554 (evolution of samples, there
        of those of a recording).

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> encoding = fj.encodings.waveform((800, 1))
        >>> encoding.express(encoding.init(jax.random.key(0))).shape
        (800, 1)
    """
    shape = checks.shape("shape", shape)
    if len(shape) != 2 or shape[1] != 1:
        raise ValueError(f"waveforms are sounds (t, 1), got {shape}")
    rms = checks.between("rms", rms, 0.0, 1.0, "(]")
    rate, step = checks.between("rate", rate, 0.0, 1.0), checks.positive("step", step)
    spread = 0.5 * rms  # the waveform is twice what is above 0.5

    def init(key: RandomKey) -> Array:
        return jnp.clip(0.5 + spread * jax.random.normal(key, shape, jnp.float32), 0.0, 1.0)

    def vary(key: RandomKey, parent: Array, mate: Array, generation: Array) -> Array:
        del mate, generation
        key_which, key_step = jax.random.split(key)
        changed = jax.random.bernoulli(key_which, rate, shape)
        change = step * spread * jax.random.normal(key_step, shape, jnp.float32)
        return jnp.clip(parent + jnp.where(changed, change, 0.0), 0.0, 1.0)

    def express(genome: Array) -> Image:
        return genome

    def traits(genome: Array) -> Mapping[str, Array]:
        return {"rms": 2.0 * jnp.sqrt(jnp.mean((genome - 0.5) ** 2))}

    return Encoding(init, vary, express, traits)
