"""Settings that an experiment cannot do anything with, whatever the data."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from fooljax.study.own_file import names_file
from fooljax.study.victim import Victim

if TYPE_CHECKING:
    from fooljax.study.prepared import Prepared


class MayBeBlind(Protocol):
    """An entry of a catalog that says whether it sees a gradient."""

    @property
    def blind(self) -> bool:
        """Whether it gets along without."""
        ...


def refuse(faults: Mapping[str, bool]) -> None:
    """Refuse the first of some faults that is one.

    Args:
        faults: whether each is there, by what to say of it, the flag first.

    Raises:
        ValueError: with that message.

    Example:
        >>> from fooljax import study
        >>> images = 3
        >>> try:
        ...     study.refuse({f"--images must be 5 at least, got {images}": images < 5})
        ... except ValueError as error:
        ...     print(error)
        --images must be 5 at least, got 3
    """
    for message, wrong in faults.items():
        if wrong:
            raise ValueError(message)


def refuse_ready_made(victim: Victim, why: str, source: str = "data") -> None:
    """Refuse what leaves an experiment nothing to train that trains its own networks.

    Args:
        victim: the settings.
        why: such as "each round trains its own network".
        source: what they are trained from.

    Raises:
        ValueError: naming the flag.

    Example:
        >>> from fooljax import study
        >>> try:
        ...     study.refuse_ready_made(study.Victim(dataset="none"), "each round trains a network")
        ... except ValueError as error:
        ...     print(error)
        --dataset none: each round trains a network, from data; name a set
    """
    from fooljax.study.prepared import build_recipe

    build_recipe(victim)
    refuse(
        {
            f"--model {victim.model}: {why}; give the name of an architecture": ":" in victim.model,
            f"--classifier {victim.classifier}: {why}; leave it out": bool(victim.classifier),
            f"--dataset {victim.dataset}: {why}, from {source}; name a set": (
                victim.dataset == "none"
            ),
        }
    )


def refuse_no_gradient(
    networks: Iterable["Prepared"],
    what: str,
    instead: str = "experiments.evolve and experiments.perturb --attacks square can",
) -> None:
    """Refuse networks that only answer where their gradients are followed.

    Args:
        networks: whose.
        what: follows them, after the flag: "--model: the chains".
        instead: what to do.

    Raises:
        ValueError: naming the network.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> answer = lambda images: images.reshape(len(images), -1)[:, :3]
        >>> network = fj.models.from_function(answer, (8, 8, 1), 3)
        >>> prepared = study.Prepared(network, ("0", "1", "2"), None, "mine.py:net")
        >>> try:
        ...     study.refuse_no_gradient([prepared], "--search omg_mega", "map_elites can")
        ... except ValueError as error:
        ...     print(error)
        --search omg_mega cannot do without a gradient, and mine.py:net only answers; map_elites can
    """
    from fooljax.models import has_gradient

    for one in networks:
        if not has_gradient(one.classifier):
            raise ValueError(
                f"{what} cannot do without a gradient, and {one.origin} only answers; {instead}"
            )


def refuse_seeing(
    flag: str,
    chosen: Mapping[str, MayBeBlind],
    known: Mapping[str, MayBeBlind],
    networks: Iterable["Prepared"],
) -> None:
    """Refuse entries of a catalog that follow a gradient where a network has none.

    Args:
        flag: that asked for them, with its dashes.
        chosen: the entries, by name; those of the user's own may do without.
        known: the catalog.
        networks: to be fooled.

    Raises:
        ValueError: naming the entries, and those that do without.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> answer = lambda images: images.reshape(len(images), -1)[:, :3]
        >>> network = fj.models.from_function(answer, (8, 8, 1), 3)
        >>> prepared = study.Prepared(network, ("0", "1", "2"), None, "mine.py:net")
        >>> known = {name: fj.attacks.CATALOG[name] for name in ("pgd", "square")}
        >>> try:
        ...     study.refuse_seeing("--attacks", {"pgd": known["pgd"]}, known, [prepared])
        ... except ValueError as error:
        ...     print(error)
        --attacks pgd cannot do without a gradient, and mine.py:net only answers; square can
    """
    seeing = [name for name, one in chosen.items() if not (one.blind or names_file(name))]
    blind = ", ".join(name for name, one in known.items() if one.blind)
    if seeing:
        refuse_no_gradient(networks, f"{flag} {' '.join(seeing)}", f"{blind} can")
