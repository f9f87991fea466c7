"""Who descends from whom: read a champion's ancestors from a run's history."""

from typing import NamedTuple

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


class Tree(NamedTuple):
    """All ancestors of the final champions, the champions among them, oldest first.

    Attributes:
        generation: in which each took its niche.
        niche: the niche it took.
        parent: place of its parent in these arrays, -1 for random images.
        until: last generation in which it held the niche; the run's last for
            the champions.
        champion: for each niche, the place of its final champion, -1 if empty.
    """

    generation: Int[np.ndarray, " n"]
    niche: Int[np.ndarray, " n"]
    parent: Int[np.ndarray, " n"]
    until: Int[np.ndarray, " n"]
    champion: Int[np.ndarray, " k"]


def family_tree(parent: Int[np.ndarray, "g k"], taken: Bool[np.ndarray, "g k"]) -> Tree:
    """Find all ancestors of all final champions; see ``ancestry`` for the arguments."""
    generations, num_classes = taken.shape
    wanted = np.zeros((generations, num_classes), bool)
    alive = np.ones(num_classes, bool)  # niches whose holder is an ancestor, or the champion
    for generation in range(generations - 1, -1, -1):
        wanted[generation] = alive & taken[generation]
        alive &= ~wanted[generation]
        parents = parent[generation, wanted[generation]]
        alive[parents[parents >= 0]] = True
    born, niche = np.nonzero(wanted)
    mothers = np.full(len(born), -1)
    until = np.full(len(born), generations - 1)
    holder = np.full(num_classes, -1)  # of each niche, if it is an ancestor
    starts = np.searchsorted(born, np.arange(generations + 1))
    for generation in range(generations):
        members = np.arange(starts[generation], starts[generation + 1])
        source = parent[generation, niche[members]]
        mothers[members] = np.where(source >= 0, holder[source], -1)
        leaving = holder[taken[generation]]
        until[leaving[leaving >= 0]] = generation - 1
        holder[taken[generation]] = -1
        holder[niche[members]] = members
    return Tree(born, niche, mothers, until, holder)


def relatives(
    parent: Int[np.ndarray, "g k"], taken: Bool[np.ndarray, "g k"], generation: int
) -> Int[np.ndarray, " k"]:
    """Sort the final champions into families that descend from one image of a generation.

    Args:
        parent: see ``ancestry``.
        taken: see ``ancestry``.
        generation: champions at its end found the families.

    Returns:
        For each final champion the niche that its ancestor held then, the same
        for all of a family; -1 for lines that began later. An empty niche is a
        family of its own.
    """
    line = np.arange(parent.shape[1])
    for later in range(len(parent) - 1, generation, -1):
        known = line >= 0
        moved = known & taken[later, line]
        line[moved] = parent[later, line[moved]]
    return line


def close_relatives(
    parent: Int[np.ndarray, "g k"], taken: Bool[np.ndarray, "g k"], size: int, count: int
) -> list[Int[np.ndarray, " size"]]:
    """Find groups of final champions whose lines parted last.

    Going back from the end, as soon as ``size`` champions descend from one image
    they are a group, those of the lowest niches if they are more, and leave the
    search; it ends with ``count`` groups or before the first generation.

    Returns:
        The niches of each group, ascending; the closest relatives first.
    """
    line = np.arange(parent.shape[1])
    groups: list[np.ndarray] = []
    for later in range(len(parent) - 1, 0, -1):
        moved = (line >= 0) & taken[later, line]
        line[moved] = parent[later, line[moved]]
        sizes = np.bincount(line[line >= 0], minlength=1)
        for founder in np.flatnonzero(sizes >= size):
            group = np.flatnonzero(line == founder)[:size]
            groups.append(group)
            line[group] = -1  # their own families are not looked for
            if len(groups) == count:
                return groups
    return groups
