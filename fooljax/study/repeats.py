"""Numbers of independent repeats that are no shares: as an array, as a mean, in words."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from fooljax.analysis import over_repeats
from fooljax.metrics import Interval
from fooljax.study.tables import Record
from fooljax.study.wording import spell


def by_repeat(
    records: Iterable[Record], measure: str, repeat: str, along: str
) -> Float[np.ndarray, "r c"]:
    """Arrange one measure of records in a row for each repeat, as ``ranges`` draws them.

    Args:
        records: one for each repeat and each place.
        measure: name of the number; one that is None is NaN.
        repeat: the key that tells independent repeats apart.
        along: the key that a row goes along, ascending.

    Example:
        >>> from fooljax import study
        >>> told = [(0, 1, 2.0), (0, 2, 3.0), (1, 1, None), (1, 2, 5.0)]
        >>> records = [dict(zip(("repeat", "size", "cost"), one, strict=True)) for one in told]
        >>> study.by_repeat(records, "cost", "repeat", along="size").tolist()
        [[2.0, 3.0], [nan, 5.0]]
    """
    records = list(records)
    rows, columns = (sorted({one[key] for one in records}) for key in (repeat, along))
    found = np.full((len(rows), len(columns)), np.nan)
    for one in records:
        number = one[measure]
        found[rows.index(one[repeat]), columns.index(one[along])] = (
            np.nan if number is None else number
        )
    return found


def unbounded(values: Sequence[float] | np.ndarray) -> Interval:
    """Give the mean of independent repeats its 95 % interval by Student's t, wherever it lies.

    Example:
        >>> from fooljax import study
        >>> found = study.unbounded([10.0, 12.0, 14.0])
        >>> round(found.mean, 1), round(found.low, 1), round(found.high, 1)
        (12.0, 7.0, 17.0)
    """
    return over_repeats(values, bounds=(-np.inf, np.inf))


def beyond_chance(found: Interval, level: float, above: str, below: str) -> str:
    """Say on which side of a level an interval lies, if on one: "a rise beyond chance".

    Args:
        found: the interval; without limits, as of a single repeat, nobody knows.
        level: to compare with.
        above: what to say if it lies above, such as "a rise".
        below: what to say if it lies below.

    Example:
        >>> from fooljax import study
        >>> found = study.unbounded([10.0, 12.0, 14.0])
        >>> study.beyond_chance(found, 1.0, "a rise", "a fall")
        'a rise beyond chance'
        >>> study.beyond_chance(found, 11.0, "a rise", "a fall")
        'within chance'
    """
    if np.isnan(found.low):
        return "without an interval"
    if found.low > level:
        return f"{above} beyond chance"
    return f"{below} beyond chance" if found.high < level else "within chance"


def times(factor: Interval) -> str:
    """Write a factor, a cosine or a distance with its interval, as far as it is known.

    Example:
        >>> from fooljax import study
        >>> [study.times(one) for one in (study.unbounded([10.0, 12.0, 14.0]), study.exactly(0.5))]
        ['12 (7.03 to 17)', '0.5']
    """
    return spell(factor, lambda value: f"{value:.3g}" if np.isfinite(value) else "not measured")
