"""What was added to inputs, made visible and told."""

import numpy as np
from jaxtyping import Float

from fooljax.attacks import Norm
from fooljax.study.suited import Words


def stretch(changes: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "n ..."]:
    """Stretch each change until its largest part is black or white; gray is no change.

    Args:
        changes: ``[n, *shape]``, in units of [0, 1].

    Returns:
        The same shape, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> study.stretch(np.array([[0.0, 0.1, -0.05]])).tolist()
        [[0.5, 1.0, 0.25]]
    """
    largest = np.abs(changes).max(axis=tuple(range(1, changes.ndim)), keepdims=True)
    stretched = 0.5 + 0.5 * changes / np.where(largest > 0.0, largest, 1.0)
    return np.clip(stretched, 0.0, 1.0)


def spell_sizes(changes: Float[np.ndarray, "n ..."], norm: Norm, words: Words) -> list[str]:
    """Say how large each change is: its largest part, and on a second line its length.

    Args:
        changes: ``[n, *shape]``, in units of [0, 1].
        norm: of the length; of changes limited in Linf it is told in L2, and in L0 it is how
            many numbers change.
        words: how to speak of these.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> from fooljax.media import Pictures
        >>> words = study.words_for(Pictures())
        >>> study.spell_sizes(np.array([[0.0, 0.3, -0.4]]), "linf", words)[0].splitlines()
        ['±0.4', 'L2 0.5']
    """
    flat = changes.reshape(len(changes), -1)
    if norm == "l0":
        counts = np.count_nonzero(flat, axis=1)
        lengths = [f"{count} {words.number if count == 1 else words.numbers}" for count in counts]
    else:
        order, title = (1, "L1") if norm == "l1" else (2, "L2")
        lengths = [f"{title} {one:.2g}" for one in np.linalg.norm(flat, ord=order, axis=1)]
    both = zip(np.abs(flat).max(axis=1), lengths, strict=True)
    return [f"±{most:.2g}\n{length}" for most, length in both]
