"""Settings that an experiment cannot do anything with, whatever the data."""

from collections.abc import Mapping

from fooljax.study.victim import Victim


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
            f"--model: {why}, not {victim.model}; name an architecture": ":" in victim.model,
            f"--classifier {victim.classifier}: {why}; leave it out": bool(victim.classifier),
            f"--dataset {victim.dataset}: {why}, from {source}; name a set": (
                victim.dataset == "none"
            ),
        }
    )
