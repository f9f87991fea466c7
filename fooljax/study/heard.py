"""What a page says of changed sounds: how loud a change is, and players of before and after."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fooljax import metrics
from fooljax.media import Medium, Sounds
from fooljax.reporting import Html, table
from fooljax.study.showing import experience

#: Measures of a changed sound, and the titles of their columns.
LOUDNESS = {
    "snr": "Signal to noise, dB (median)",
    "decibels": "Loudest sample of the change, dB (median)",
}


def loudness(before: ArrayLike, after: ArrayLike) -> dict[str, Float[np.ndarray, "*n"]]:
    """Measure how loud changes of sounds are, by the names of `LOUDNESS`.

    Args:
        before: ``[n, t, 1]`` in [0, 1].
        after: ``[*m, n, t, 1]``.
    """
    begun, changed = jnp.asarray(before), jnp.asarray(after)
    shape = changed.shape[:-2]
    rows = changed.reshape(-1, *changed.shape[-3:])
    snr = np.stack([metrics.signal_to_noise(begun, one) for one in rows])
    decibels = np.stack([metrics.added_decibels(begun, one) for one in rows])
    return {"snr": snr.reshape(shape), "decibels": decibels.reshape(shape)}


def level(number: float | None) -> str:
    """Write a number of decibels.

    Example:
        >>> from fooljax import study
        >>> study.level(-40.2), study.level(None)
        ('-40', '—')
    """
    return "—" if number is None or np.isnan(number) else f"{number:.0f}"


def table_of_levels(real: ArrayLike, epsilons: Sequence[float]) -> Html:
    """Say how loud it is if every sample of some sounds changes by epsilon.

    Args:
        real: ``[n, t, 1]`` in [0, 1].
        epsilons: in units of [0, 1].

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> wave = 0.5 + 0.5 * np.sin(np.arange(800.0))[None, :, None]  # the full scale
        >>> "-40" in study.table_of_levels(wave, (0.005,)).markup
        True
    """
    waves = 2.0 * np.asarray(real, np.float64)[..., 0] - 1.0
    power, peak = np.mean(waves**2, axis=1), np.abs(waves).max(axis=1)
    with np.errstate(divide="ignore"):  # a recording may be silent
        rows = [
            (
                f"{epsilon:g}",
                f"{2.0 * epsilon:g}",
                level(float(np.median(10.0 * np.log10(power / (2.0 * epsilon) ** 2)))),
                level(float(np.median(20.0 * np.log10(2.0 * epsilon / peak)))),
            )
            for epsilon in epsilons
            if epsilon > 0.0
        ]
    return table(
        ("Epsilon", "Of the waveform, which goes from -1 to 1", *LOUDNESS.values()),
        rows,
        "How loud a change is when every sample changes by epsilon, up or down. A waveform enters "
        "the network from 0 to 1, so epsilon is half of what the waveform changes by. Signal to "
        "noise is the energy of the recording over that of the change: the larger, the quieter "
        "the change; conversation over the hum of a refrigerator is about 20 dB, and 40 dB and "
        "more need a quiet room. The other number compares their loudest samples: -40 is a "
        "hundredth.",
    )


def compare(
    medium: Medium, before: np.ndarray, after: np.ndarray, words: Sequence[tuple[str, str]]
) -> Html:
    """Let the reader hear, or watch, inputs before and after, and of sounds the change alone.

    Args:
        medium: what they are.
        before: ``[n, *shape]`` in [0, 1].
        after: the same, changed.
        words: of each before and after.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.media import Sounds
        >>> before = np.full((1, 800, 1), 0.5, np.float32)
        >>> block = study.compare(Sounds(8000), before, before + 0.1, [("silence", "a click")])
        >>> block.markup.count("<audio"), "only what was added" in block.markup
        (3, True)
    """
    inputs, captions = [], []
    for one, changed, (was, became) in zip(before, after, words, strict=True):
        inputs += [one, changed]
        captions += [was, became]
        if isinstance(medium, Sounds):
            inputs.append(np.clip(0.5 + (changed - one), 0.0, 1.0))
            captions.append("only what was added")
    return experience(medium, np.stack(inputs), captions)
