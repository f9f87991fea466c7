"""What the paper found on ImageNet, to lay beside a run of one's own.

Source: Nguyen, Yosinski and Clune, 2015, arXiv:1412.1897. Medians and shares are
        read off the curves and color maps of Figures 6, 7 and 12, so the last
        digit is uncertain; classes as in section 3.2 and Figure 9.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fooljax.study.tables import Row, Table, exactly

_LANDMARKS = {
    0: "tench",
    151: "chihuahua",
    281: "tabby",
    407: "ambulance",
    779: "school bus",
    999: "toilet tissue",
}
BAND = (157, 286)  # the paper's range of dogs and cats, both ends included
BAND_NAME = "dogs and cats"
RELATED = {"lizards": (42, 43, 46), "toy dogs": (152, 154, 156)}  # of Figure 9


class Published(NamedTuple):
    """What the paper reports of one encoding.

    Attributes:
        name: of the curve.
        medians: over the classes, ``(generation, confidence)``.
        shares: of classes above a confidence, ``(generation, share)`` by level.
        inside: median over the classes of ``BAND`` at the end.
        outside: median over all other classes.
    """

    name: str
    medians: tuple[tuple[int, float], ...]
    shares: dict[str, tuple[tuple[int, float], ...]]
    inside: float
    outside: float


IMAGENET = {
    "cppn": Published(
        name="paper's median, CPPN on ImageNet",
        medians=(
            *((0, 0.002), (10, 0.011), (50, 0.079), (100, 0.169), (200, 0.286), (300, 0.371)),
            *((500, 0.493), (750, 0.586), (1000, 0.643), (1500, 0.720), (2000, 0.779)),
            *((2500, 0.802), (3000, 0.827), (3500, 0.844), (4000, 0.862), (4500, 0.870)),
            (5000, 0.8805),
        ),
        shares={
            "0.5": ((500, 0.47), (1250, 0.65), (5000, 0.86)),
            "0.9": ((500, 0.14), (1250, 0.26), (5000, 0.49)),
            "0.99": ((500, 0.04), (1250, 0.085), (5000, 0.18)),
        },
        inside=0.49,
        outside=0.92,
    ),
    "direct": Published(
        name="paper's median, pixels on ImageNet",
        medians=(
            *((1000, 0.0), (3000, 0.004), (5000, 0.020), (7000, 0.051), (10000, 0.094)),
            *((12000, 0.110), (15000, 0.145), (17000, 0.173), (20000, 0.216)),
        ),
        shares={"0.5": ((20000, 0.31),), "0.99": ((20000, 0.029),)},
        inside=0.51,
        outside=0.18,
    ),
}


#: Medians of networks retrained with a fooling class, the first untouched.
RETRAINED = {
    "the paper's, MNIST": (  # figure 11
        *(0.9999, 0.9742, 0.9983, 0.7252, 0.9755, 0.9968, 0.7613, 0.9996),
        *(0.9951, 0.9948, 0.9862, 0.9997, 0.9993, 0.9915, 0.9915),
    ),
    "the paper's, ImageNet, 5,000 generations": (0.8805, 0.1170),  # figure 12
}


def is_imagenet(class_names: Sequence[str]) -> bool:
    """Tell by their names whether classes are ImageNet's 1,000 in their usual order.

    A few landmarks decide, by their first synonym and in any case.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> study.is_imagenet(fj.data.imagenet_names()), study.is_imagenet(("cat", "dog"))
        (True, False)
    """
    first = lambda name: str(name).split(",")[0].strip().lower()
    return len(class_names) == 1000 and all(
        first(class_names[label]) == name for label, name in _LANDMARKS.items()
    )


def published_for(class_names: Sequence[str], encoding: str) -> Published | None:
    """Return what the paper found with this encoding if the classes are ImageNet's.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> paper = study.published_for(fj.data.imagenet_names(), "cppn")
        >>> paper.name, paper.inside, paper.outside
        ("paper's median, CPPN on ImageNet", 0.49, 0.92)
        >>> study.published_for(("cat", "dog"), "cppn") is None
        True
    """
    return IMAGENET.get(encoding) if is_imagenet(class_names) else None


def retrained_for(class_names: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """Return the name and the medians of the paper's retrained networks for such classes."""
    mnist, imagenet = RETRAINED
    name = imagenet if is_imagenet(class_names) else mnist
    return name, RETRAINED[name]


def retrained_table(class_names: Sequence[str], count: int) -> Table:
    """Return the medians of the paper's first retrained networks as lines beside one's own.

    Args:
        class_names: of the data.
        count: of networks, at most.

    Returns:
        ``confidence`` by ``attack``, which is the name of the line, and ``network``, from 1.

    Example:
        >>> from fooljax import study
        >>> table = study.retrained_table(("cat", "dog"), count=2)  # not ImageNet's, so MNIST's
        >>> [(row.keys["network"], row.values["confidence"].mean) for row in table.rows]
        [(1, 0.9999), (2, 0.9742)]
    """
    name, medians = retrained_for(class_names)
    return Table(
        tuple(
            Row({"attack": name, "network": number}, {"confidence": exactly(median)})
            for number, median in enumerate(medians[:count], 1)
        )
    )


def short_names(names: Sequence[str]) -> list[str]:
    """Leave out ImageNet's synonyms; other names stay as they are.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> study.short_names(fj.data.imagenet_names())[:3], study.short_names(("a, b", "c"))
        (['tench', 'goldfish', 'great white shark'], ['a, b', 'c'])
    """
    return [name.split(",")[0] for name in names] if is_imagenet(names) else list(names)
