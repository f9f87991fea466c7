"""Who descends from whom: read a champion's ancestors from a run's history."""

import numpy as np
from jaxtyping import Bool, Int


def ancestry(
    parent: Int[np.ndarray, "g k"], taken: Bool[np.ndarray, "g k"], niche: int
) -> Int[np.ndarray, " g"]:
    """Find the niche that the line of a final champion held in every generation.

    A champion that took its niche in generation ``g`` descends from the one that
    held niche ``parent[g]`` at the end of generation ``g - 1``.

    Args:
        parent: niche of the parent of each new champion, by generation from 0
            (the random population) on.
        taken: whether each niche changed hands.
        niche: the final champion's.

    Returns:
        The niche of its line at the end of each generation; -1 before the line
        began.
    """
    line = np.full(len(parent), -1)
    for generation in range(len(parent) - 1, -1, -1):
        line[generation] = niche
        if taken[generation, niche]:
            niche = int(parent[generation, niche])
            if niche < 0:
                break  # a random image: the line starts here
    return line


def changes(line: Int[np.ndarray, " g"], taken: Bool[np.ndarray, "g k"]) -> Int[np.ndarray, " a"]:
    """List the generations in which a line got a new member."""
    return np.array([g for g, niche in enumerate(line) if niche >= 0 and taken[g, niche]], int)


def widest(parent: Int[np.ndarray, "g k"], taken: Bool[np.ndarray, "g k"]) -> int:
    """Return the niche whose champion's line passed through the most niches.

    Ties go to the lowest niche. Such lines show goal switching: an image bred
    for one class became the stepping stone to another.
    """
    visited = [len(set(ancestry(parent, taken, niche)) - {-1}) for niche in range(parent.shape[1])]
    return int(np.argmax(visited))
