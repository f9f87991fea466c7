"""What adversaries get past a defense who know it, who do not, and who use no gradients."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fooljax.study.making import Makers
from fooljax.study.tables import Record

#: Who does not know the defense, and who does.
ADVERSARIES = ("naive", "adaptive")
_FAR = 0.3  # by so much more of the images passes where gradients mislead


def kept_out(bare: float, naive: float, adaptive: float) -> dict[str, float]:
    """Return shares that get through a defense, and by how much they are less, as `gains` asks.

    Args:
        bare: share of the images made for the bare network that get through to it, in [0, 1].
        naive: of the same images, shown to the defended network.
        adaptive: of images made for the defended network.

    Example:
        >>> from fooljax import study
        >>> study.kept_out(bare=0.75, naive=0.25, adaptive=0.5)
        {'naive': 0.25, 'adaptive': 0.5, 'naive_gain': 0.5, 'adaptive_gain': 0.25}
    """
    shares = {"naive": naive, "adaptive": adaptive}
    return {**shares, **{f"{how}_gain": bare - share for how, share in shares.items()}}


def compare_accepted(records: Iterable[Record], plain: str, against: str) -> list[Record]:
    """Turn shares that are accepted into gains over the plain network, as `gains` asks for them.

    Args:
        records: with ``defense``, ``network``, ``adversary`` (of `ADVERSARIES`) and
            ``accepted_95``; those of the plain network among them.
        plain: the defense that is none.
        against: the key that tells kinds of images apart.

    Example:
        >>> from fooljax import study
        >>> told = [("plain", "naive", 0.75), ("plain", "adaptive", 0.75)]
        >>> told += [("blur", "naive", 0.25), ("blur", "adaptive", 0.5)]
        >>> keys = ("defense", "adversary", "accepted_95")
        >>> about = {"generator": "cppn", "network": 0}
        >>> records = [{**about, **dict(zip(keys, one, strict=True))} for one in told]
        >>> _, blur = study.compare_accepted(records, plain="plain", against="generator")
        >>> blur["naive_gain"], blur["adaptive_gain"]
        (0.5, 0.25)
    """
    keys = ("defense", against, "network", "adversary")
    accepted = {tuple(one[key] for key in keys): one["accepted_95"] for one in records}
    return [
        {
            **{"defense": defense, "against": kind, "network": network},
            **kept_out(
                accepted[plain, kind, network, "naive"],
                share,
                accepted[defense, kind, network, "adaptive"],
            ),
        }
        for (defense, kind, network, adversary), share in accepted.items()
        if adversary == "naive"
    ]


class Misled(NamedTuple):
    """A network at which gradients mislead.

    Attributes:
        generator: the maker without gradients whose images pass most often.
        evolved: share of its images that passes, in [0, 1].
        by_gradient: the most that passes of any maker by gradient.
    """

    generator: str
    evolved: float
    by_gradient: float


def misled(passed: Mapping[str, float], makers: Makers) -> Misled | None:
    """Tell whether images made without gradients get far more past a network than the others.

    The search by gradient is then what fails, and what it does not get past the network is no
    evidence that nothing would.

    Args:
        passed: share of each maker's images that passes, made for this very network.
        makers: by name; controls do not count.

    Returns:
        None where gradients do not mislead, or where makers of either kind are missing.

    Source:
        Carlini et al., 2019, arXiv:1902.06705, section 4.

    Example:
        >>> from fooljax import study
        >>> makers = {name: study.MAKERS[name] for name in ("cppn", "ascent")}
        >>> study.misled({"cppn": 0.8, "ascent": 0.1}, makers)  # evolution needs no gradient
        Misled(generator='cppn', evolved=0.8, by_gradient=0.1)
        >>> study.misled({"cppn": 0.8, "ascent": 0.7}, makers) is None
        True
    """
    fooling = {name: share for name, share in passed.items() if makers[name].fools}
    blind = {name: share for name, share in fooling.items() if makers[name].blind}
    seeing = max((share for name, share in fooling.items() if name not in blind), default=1.0)
    best = max(blind, key=blind.__getitem__, default=None)
    if best is None or blind[best] <= seeing + _FAR:
        return None
    return Misled(best, blind[best], seeing)
